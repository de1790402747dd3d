"""The simulator's pages for paying: `/stripe/simulator/*`. Without the simulator they do not exist.

The id of a page is its only secret, as at Stripe.
"""

from __future__ import annotations

from collections.abc import Callable

from aws_lambda_powertools.event_handler import Response

from functions.callbacks.stripe_simulator import pages
from functions.callbacks.stripe_simulator.schemas import CheckoutForm, PortalForm
from switchboard.carriers.payments import payments_name
from switchboard.carriers.payments.simulator import actions
from switchboard.carriers.payments.simulator.actions import Change
from switchboard.carriers.payments.simulator.models import (
    SimulatedAccount,
    SimulatedCheckout,
    SimulatedPortal,
    SimulatedSubscription,
    org_of,
)
from switchboard.carriers.payments.simulator.state import ACCOUNT, ACCOUNTS
from switchboard.dialects.callbacks.stripe import SimulatedStripePages
from switchboard.edge.api import Api
from switchboard.edge.bodies import FormBody
from switchboard.errors import NotFound

api = Api(SimulatedStripePages(), "stripe_simulator", tag="Simulator")

_UNKNOWN = "There is no such page: check the address."


@api.get(
    "/stripe/simulator/checkout/<any:checkout_id>",
    summary="Show a page for paying",
    operation_id="showSimulatedCheckout",
    media_type="text/html",
    public=True,
)
def show_checkout(checkout_id: str) -> Response[str]:
    return pages.render_checkout(_find_checkout(checkout_id)[1])


@api.post(
    "/stripe/simulator/checkout/<any:checkout_id>",
    summary="Pay, or not",
    operation_id="useSimulatedCheckout",
    media_type="text/html",
    public=True,
    body=FormBody(),
)
def use_checkout(checkout_id: str, request: CheckoutForm) -> Response[str]:
    account, page = _find_checkout(checkout_id)
    if request.action == "cancel":
        return pages.redirect(page.cancel_url)
    if request.action == "decline" and page.is_open:
        return pages.render_checkout(page, declined=True)
    paid = actions.apply_action(
        account.org_id, lambda before: actions.pay_checkout(before, checkout_id), request.delivery
    )
    if not paid:
        return pages.render_checkout(_find_checkout(checkout_id)[1])
    return pages.redirect(page.success_url.replace("{CHECKOUT_SESSION_ID}", checkout_id))


@api.get(
    "/stripe/simulator/portal/<any:portal_id>",
    summary="Show the portal",
    operation_id="showSimulatedPortal",
    media_type="text/html",
    public=True,
)
def show_portal(portal_id: str) -> Response[str]:
    return pages.render_portal(*_find_portal(portal_id))


@api.post(
    "/stripe/simulator/portal/<any:portal_id>",
    summary="Change something in the portal",
    operation_id="useSimulatedPortal",
    media_type="text/html",
    public=True,
    body=FormBody(),
)
def use_portal(portal_id: str, request: PortalForm) -> Response[str]:
    account, page = _find_portal(portal_id)
    changed = actions.apply_action(account.org_id, _action_of(request), request.delivery)
    if not changed:
        return pages.render_portal(account, page, refused=True)
    # The page itself: a reload must not send the form again.
    return pages.redirect(api.exchange.request.path)


def _action_of(request: PortalForm) -> Callable[[SimulatedAccount], Change]:
    def act(account: SimulatedAccount) -> Change:
        if request.action in ("good_card", "failing_card"):
            return actions.change_card(account, works=request.action == "good_card")
        if request.action == "void":
            return actions.void_invoices(account)
        if request.action in ("dispute", "win"):
            return actions.dispute_payment(account) if request.action == "dispute" else actions.win_dispute(account)
        found = _live_subscription(account)
        if found is None:
            return None
        match request.action:
            case "plan":
                return actions.change_plan(account, found.id, request.plan)
            case "cancel" | "resume":
                return actions.set_cancellation(account, found.id, at_period_end=request.action == "cancel")
            case "next_month":
                return actions.renew(account, found.id)
            case _:
                return actions.end_subscription(account, found.id)

    return act


def _live_subscription(account: SimulatedAccount) -> SimulatedSubscription | None:
    return next((one for one in account.subscriptions if one.status != "canceled"), None)


def _find_account(page_id: str) -> SimulatedAccount:
    org_id = org_of(page_id) if payments_name() == "simulator" else None
    found = ACCOUNTS.get_object(org_id, ACCOUNT) if org_id else None
    if found is None:
        raise NotFound(_UNKNOWN)
    return found


def _find_checkout(checkout_id: str) -> tuple[SimulatedAccount, SimulatedCheckout]:
    account = _find_account(checkout_id)
    page = account.find_checkout(checkout_id)
    if page is None:
        raise NotFound(_UNKNOWN)
    return account, page


def _find_portal(portal_id: str) -> tuple[SimulatedAccount, SimulatedPortal]:
    account = _find_account(portal_id)
    page = account.find_portal(portal_id)
    if page is None:
        raise NotFound(_UNKNOWN)
    return account, page


handler = api.handler
