"""Stripe, by its official SDK.

| setting | holds |
|---|---|
| STRIPE_SECRET | the name of a secret in Secrets Manager with the API key |
| STRIPE_PRICES | the monthly price of each plan (`starter=price_…,growth=price_…`) |
| STRIPE_METERED_PRICES | the prices of use that each subscription has too |
| STRIPE_AUTOMATIC_TAX | whether Stripe calculates the tax |
| STRIPE_API_URL | the address of the API, only for tests |
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

import requests
import stripe

from switchboard.aws import secret
from switchboard.carriers.outcomes import RefusedError
from switchboard.carriers.payments import stripe_changes, stripe_disputes
from switchboard.carriers.payments.ports.payments import (
    REQUEST_SECONDS,
    CheckoutOrder,
    CheckoutPage,
    CustomerGoneError,
    MeteredUse,
    PaidSubscription,
    SubscriptionChange,
    choose_subscription,
)
from switchboard.carriers.payments.stripe_answers import is_known_event, reading, send_once, writing
from switchboard.kit import clock, settings

#: The version of Stripe's API that this adapter speaks. The SDK's own version moves with each of its releases.
API_VERSION = "2026-10-28.endive"
#: The beginning of the event names of meters. `docs/billing.md` says how to create them.
METER_PREFIX = "switchboard_"
#: The time and the repetitions of a request of a worker, for which nobody waits.
_PATIENT_SECONDS, _PATIENT_RETRIES = 10.0, 2
#: The size of a page of a list, and the most that is read. Also ended subscriptions and paid invoices are listed.
_PAGE, _MAX_SUBSCRIPTIONS, _MAX_INVOICES = 100, 1_000, 1_000
#: Checkout fields that Stripe needs to calculate the tax. Stripe needs the address, and a company's id may end the tax.
_TAXED: dict[str, Any] = {
    "automatic_tax": {"enabled": True},
    "billing_address_collection": "required",
    "tax_id_collection": {"enabled": True},
    # An existing customer gets the address and the company's name of the page.
    "customer_update": {"address": "auto", "name": "auto"},
}


class StripePayments:
    """Payments through Stripe."""

    name = "stripe"

    def __init__(self, *, patient: bool = False) -> None:
        session = requests.Session()
        # A proxy of the environment is not for the account's credentials.
        session.trust_env = False
        url = settings.text("STRIPE_API_URL", "")
        self._client = stripe.StripeClient(
            secret.active_secrets(settings.text("STRIPE_SECRET"))[0],
            stripe_version=API_VERSION,
            max_network_retries=_PATIENT_RETRIES if patient else 0,
            http_client=stripe.RequestsClient(
                timeout=_PATIENT_SECONDS if patient else REQUEST_SECONDS, session=session
            ),
            base_addresses={"api": url} if url else {},
        ).v1
        self._prices = _parse_prices(settings.text("STRIPE_PRICES", ""))

    def create_customer(self, org_id: str, name: str, email: str | None, key: str) -> str:
        """Creates a customer with the organization's id in its metadata."""
        given: Any = {"name": name, "metadata": {"org_id": org_id}} | ({"email": email} if email else {})
        with writing():
            return send_once(key, lambda options: self._client.customers.create(given, options)).id

    def change_email(self, org_id: str, customer_id: str, email: str, key: str) -> None:  # noqa: ARG002 one account
        """Changes the customer's address."""
        with writing():
            send_once(key, lambda options: self._client.customers.update(customer_id, {"email": email}, options))

    def open_checkout(self, order: CheckoutOrder) -> CheckoutPage:
        """Opens a session of Checkout. The first invoice is for the days until the renewal."""
        metered = [one for one in settings.text("STRIPE_METERED_PRICES", "").split(",") if one]
        given: Any = {
            "mode": "subscription",
            "customer": order.customer_id,
            "client_reference_id": order.org_id,
            "line_items": [
                {"price": self._price_of(order.plan), "quantity": 1},
                *({"price": price} for price in metered),
            ],
            "success_url": order.success_url,
            "cancel_url": order.cancel_url,
            "expires_at": order.expires_at,
            "subscription_data": {"metadata": {"org_id": order.org_id}},
        }
        if order.renews_at:
            given["subscription_data"] |= {
                "billing_cycle_anchor": order.renews_at,
                "proration_behavior": "create_prorations",
            }
        if settings.flag("STRIPE_AUTOMATIC_TAX"):
            given |= _TAXED
        with writing():
            made = send_once(order.key, lambda options: self._client.checkout.sessions.create(given, options))
            return CheckoutPage(made.id, made.url or "")

    def close_checkout(self, org_id: str, checkout_id: str) -> bool:  # noqa: ARG002 one account
        """Expires a session. Stripe refuses for a session that is not open."""
        try:
            with writing():
                send_once(
                    f"close:{checkout_id}",
                    lambda options: self._client.checkout.sessions.expire(checkout_id, {}, options),
                )
        except RefusedError:
            with reading():
                return self._client.checkout.sessions.retrieve(checkout_id).status != "complete"
        return True

    def open_portal(self, org_id: str, customer_id: str, return_url: str, key: str) -> str:  # noqa: ARG002 one account
        """Opens a session of the customer portal."""
        with writing():
            return send_once(
                key,
                lambda options: self._client.billing_portal.sessions.create(
                    {"customer": customer_id, "return_url": return_url}, options
                ),
            ).url

    def fetch_subscription(self, org_id: str, customer_id: str) -> PaidSubscription | None:  # noqa: ARG002 one account
        """Returns the customer's subscription, also one that has ended. Raises CustomerGoneError."""
        with reading():
            listed = self._client.subscriptions.list({"customer": customer_id, "status": "all", "limit": _PAGE})
            found = choose_subscription(
                [self._read_subscription(one) for one in islice(listed.auto_paging_iter(), _MAX_SUBSCRIPTIONS)]
            )
            if found and found.is_live:
                return found
            # A deleted customer has no subscription that runs. Stripe alone says so, in the customer itself.
            gone = getattr(self._client.customers.retrieve(customer_id), "deleted", False)
        if gone:
            raise CustomerGoneError("the customer was deleted")
        return found

    def has_debt(self, org_id: str, customer_id: str) -> bool:  # noqa: ARG002 one account
        """Whether an invoice is uncollectible, or open after an attempt to charge it, or a payment is disputed."""
        with reading():
            listed = self._client.invoices.list({"customer": customer_id, "limit": _PAGE})
            owes = any(map(_is_debt, islice(listed.auto_paging_iter(), _MAX_INVOICES)))
        return owes or stripe_disputes.has_dispute(self._client, customer_id)

    def find_payer(self, charge_id: str) -> str | None:
        """Returns the customer that a charge is of."""
        return stripe_disputes.find_payer(self._client, charge_id)

    def change_subscription(self, change: SubscriptionChange) -> None:
        """Changes the plan, then the end. The difference of a dearer plan is charged at once, or plan and end stay."""
        if change.plan is not None:
            self._change_plan(change, change.plan)
        if change.cancel_at_period_end is not None:
            # Stripe refuses it together with a change that may wait for its payment.
            ending: Any = self._end_of(change.subscription_id, at_period_end=change.cancel_at_period_end)
            key = f"{change.key}:end" if change.plan is not None else change.key
            self._update(change.subscription_id, ending, key)

    def end_subscription(self, org_id: str, subscription_id: str, key: str) -> None:  # noqa: ARG002 one account
        """Cancels a subscription now. Stripe makes the last invoice of its metered prices."""
        given: Any = {"invoice_now": True, "prorate": False}
        with writing():
            send_once(key, lambda options: self._client.subscriptions.cancel(subscription_id, given, options))

    def _change_plan(self, change: SubscriptionChange, plan: str) -> None:
        item = self._find_plan_item(change.subscription_id)
        given: Any = {
            "items": [{"id": item, "price": self._price_of(plan)}],
            "proration_behavior": "none" if change.paid else "always_invoice",
            "payment_behavior": "pending_if_incomplete",
        }
        stripe_changes.require_change_made(self._client, self._update(change.subscription_id, given, change.key))

    def _update(self, subscription_id: str, given: Any, key: str) -> stripe.Subscription:
        with writing():
            return send_once(key, lambda options: self._client.subscriptions.update(subscription_id, given, options))

    def report_use(self, use: MeteredUse) -> None:
        """Sends a meter event. Stripe accepts an identifier once, and refuses it again.

        A repetition may have a later time. Stripe wants another key for each content of a request.
        """
        given: Any = {
            "event_name": METER_PREFIX + use.meter,
            "identifier": use.key,
            "timestamp": use.at,
            "payload": {"stripe_customer_id": use.customer_id, "value": str(use.units)},
        }
        with writing():
            try:
                send_once(
                    f"{use.key}:{use.at}", lambda options: self._client.billing.meter_events.create(given, options)
                )
            except stripe.InvalidRequestError as error:
                if not is_known_event(error):
                    raise

    def _end_of(self, subscription_id: str, *, at_period_end: bool) -> dict[str, Any]:
        """Returns the change that ends a subscription with its period, or resumes it.

        The portal may have set a date of its own. Only an empty date takes that away.
        """
        if at_period_end:
            return {"cancel_at_period_end": True}
        with reading():
            found = self._client.subscriptions.retrieve(subscription_id)
            dated = found.cancel_at and not found.cancel_at_period_end
        return {"cancel_at": ""} if dated else {"cancel_at_period_end": False}

    def _price_of(self, plan: str) -> str:
        if plan not in self._prices:
            raise RefusedError(f"the setting STRIPE_PRICES has no price of the plan {plan}")
        return self._prices[plan]

    def _find_plan_item(self, subscription_id: str) -> str:
        """Returns the id of the item with the price of a plan."""
        with reading():
            items = _items(self._client.subscriptions.retrieve(subscription_id))
            of_plan = [str(item["id"]) for item in items if self._plan_of(item)]
        if of_plan:
            return of_plan[0]
        raise RefusedError("the subscription has no price of a plan")

    def _plan_of(self, item: Mapping[str, Any]) -> str | None:
        return next((plan for plan, price in self._prices.items() if price == item["price"]["id"]), None)

    def _read_subscription(self, found: stripe.Subscription) -> PaidSubscription:
        items = _items(found)
        of_plan = next((item for item in items if self._plan_of(item)), None)
        timed: Any = of_plan or items[0]
        ended = getattr(found, "ended_at", None)
        return PaidSubscription(
            id=found.id,
            status=found.status,
            plan=self._plan_of(of_plan) if of_plan else None,
            period_start=clock.format_iso(clock.from_epoch(timed["current_period_start"])),
            period_end=clock.format_iso(clock.from_epoch(timed["current_period_end"])),
            # The portal may set a date of its own, which is the end of the period.
            cancel_at_period_end=bool(found.cancel_at_period_end or found.cancel_at),
            created=found.created,
            ended_at=clock.format_iso(clock.from_epoch(ended)) if ended else None,
        )


def _is_debt(invoice: stripe.Invoice) -> bool:
    if invoice.billing_reason == "subscription_create":
        # The first invoice comes before the subscription. Without its payment nothing was used.
        return False
    return invoice.status == "uncollectible" or (invoice.status == "open" and invoice.attempted)


def _items(found: stripe.Subscription) -> list[Any]:
    # `items` is also a method of the SDK's objects.
    return list(found["items"]["data"])


def _parse_prices(text: str) -> dict[str, str]:
    """Returns the price of each plan: `starter=price_1,growth=price_2`."""
    pairs = (part.partition("=") for part in text.split(",") if part)
    return {plan.strip(): price.strip() for plan, _, price in pairs}
