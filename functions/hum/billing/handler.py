"""HUM: `/api/billing*`: plan, subscription and use, and the hosted pages for paying."""

from __future__ import annotations

from functions.hum.billing.schemas import BillingChangesInput, BillingView, CheckoutInput, RedirectView
from switchboard.accounts.plans import PlanName
from switchboard.billing import catalog, checkout, service
from switchboard.dialects.hum.dialect import Hum
from switchboard.edge.api import Api
from switchboard.team.permissions import Permission

api = Api(Hum(), "billing", tags={"Billing": "Plan, subscription and use."})

_NO_ANSWER = "The provider of payments does not answer, or none is configured (`no_payments`)."


@api.get(
    "/api/billing",
    summary="Get plan, subscription, and usage summary",
    operation_id="getBilling",
    description="The use is that of the current month (UTC), from the same counters that limit the organization."
    " Subscriptions renew with the month.",
    permission=Permission.BILLING_READ,
)
def get_billing() -> BillingView:
    return BillingView.of(service.get_summary(api.member.organization), catalog.plans_on_sale())


@api.post(
    "/api/billing/checkout",
    summary="Create a Stripe checkout session",
    operation_id="createBillingCheckout",
    description="Returns a hosted page, which stays open for an hour. A repeated request returns the same page. A"
    " request for another plan closes the first page. The URLs must be pages of this application.",
    permission=Permission.BILLING_WRITE,
    responses={
        400: "The request is not valid, or a URL leads to another site (`untrusted_url`).",
        409: "The organization has a subscription (`subscription_exists`), an agreement (`plan_by_agreement`), or has"
        " just paid (`checkout_paid`). Or the plan is too small (`plan_too_small`; `details` say what to reduce).",
        503: _NO_ANSWER,
    },
)
def create_checkout(request: CheckoutInput) -> RedirectView:
    member = api.member
    return RedirectView(
        url=checkout.open_checkout(
            member, member.organization, PlanName(request.plan), request.successUrl or None, request.cancelUrl or None
        )
    )


@api.post(
    "/api/billing/portal",
    summary="Create a Stripe customer portal session",
    operation_id="createBillingPortal",
    description="Returns a hosted page for the card, the invoices and the plan. Send no body.",
    permission=Permission.BILLING_WRITE,
    responses={409: "The organization has not subscribed yet (`no_customer`).", 503: _NO_ANSWER},
)
def create_portal() -> RedirectView:
    return RedirectView(url=checkout.open_portal(api.member))


@api.patch(
    "/api/billing/subscription",
    summary="Update subscription settings",
    operation_id="updateBillingSubscription",
    description="Changes the plan, its end, the spending cap or the billing address, and returns the billing summary. A"
    " new plan holds at once. A larger plan is charged pro rata, and includes minutes and texts pro rata in"
    " this month. A smaller plan returns no money: the larger one is"
    " paid until the end of the month (UTC), so its minutes and numbers stay included until then.",
    permission=Permission.BILLING_WRITE,
    responses={
        400: "A field is unknown or not valid.",
        402: "The card was declined (`payment_declined`), or the bank asks the cardholder to confirm the payment"
        " (`authentication_required`; `details` have the `url` of the invoice). The plan stays. It changes when the"
        " confirmed invoice is paid within 23 hours.",
        409: "There is no subscription (`no_subscription`), an invoice is open (`subscription_unpaid`), or the plan is"
        " too small (`plan_too_small`; `details` say what to reduce).",
        503: _NO_ANSWER,
    },
)
def update_subscription(request: BillingChangesInput) -> BillingView:
    member = api.member
    summary = service.change_billing(member, member.organization, request.to_changes())
    return BillingView.of(summary, catalog.plans_on_sale())


handler = api.handler
