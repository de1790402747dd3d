"""The simulated provider of payments: a customer is one item, and its pages are those of the local stack.

The pages are at `/stripe/simulator` (`functions/callbacks/stripe_simulator`). No money moves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from switchboard.aws.writes import ConditionFailedError, commit
from switchboard.carriers.outcomes import RefusedError, ThrottledError
from switchboard.carriers.payments.ports.payments import (
    CheckoutOrder,
    CheckoutPage,
    DeclinedError,
    MeteredUse,
    PaidSubscription,
    SubscriptionChange,
    choose_subscription,
)
from switchboard.carriers.payments.simulator import actions
from switchboard.carriers.payments.simulator.models import (
    MAX_KEYS,
    MAX_PAGES,
    MAX_USES,
    PORTAL_LIFETIME,
    PRICES_CENTS,
    SimulatedAccount,
    SimulatedCheckout,
    SimulatedPortal,
    SimulatedUse,
    new_simulated_id,
    org_of,
)
from switchboard.carriers.payments.simulator.state import ACCOUNT, ACCOUNTS
from switchboard.kit import clock, settings
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import Decision

#: The path of the pages.
PAGES_PATH = "/stripe/simulator"


class SimulatedPayments:
    """Payments without money. Each key of a write has one effect, as at Stripe."""

    name = "simulator"

    def create_customer(self, org_id: str, name: str, email: str | None, key: str) -> str:  # noqa: ARG002 one per org
        """Creates the organization's one customer, or returns it."""
        made = SimulatedAccount(id=ACCOUNT, org_id=org_id, name=name, email=email, updated_at=clock.now_iso())
        try:
            commit(ACCOUNTS.create_write(made))
        except ConditionFailedError:
            # An earlier request has created it.
            return _get_account(org_id, made.customer_id).customer_id
        return made.customer_id

    def change_email(self, org_id: str, customer_id: str, email: str, key: str) -> None:
        """Keeps the address."""
        _get_account(org_id, customer_id)
        _write(org_id, key, lambda before: (before.model_copy(update={"email": email}), ""))

    def open_checkout(self, order: CheckoutOrder) -> CheckoutPage:
        """Opens a page for paying."""
        _get_account(order.org_id, order.customer_id)

        def open_page(before: SimulatedAccount) -> tuple[SimulatedAccount, str]:
            made = SimulatedCheckout(
                id=new_simulated_id("cs_test", order.org_id),
                plan=order.plan,
                success_url=order.success_url,
                cancel_url=order.cancel_url,
                expires_at=order.expires_at,
                renews_at=order.renews_at,
            )
            return before.model_copy(update={"checkouts": [*before.checkouts, made][-MAX_PAGES:]}), made.id

        made = _write(order.org_id, order.key, open_page)
        return CheckoutPage(made, _page_url("checkout", made))

    def close_checkout(self, org_id: str, checkout_id: str) -> bool:
        """Expires a page for paying."""

        def decide(before: SimulatedAccount) -> Decision[SimulatedAccount]:
            if not any(one.id == checkout_id and one.status == "open" for one in before.checkouts):
                return None
            kept = [
                one.model_copy(update={"status": "expired"}) if one.id == checkout_id else one
                for one in before.checkouts
            ]
            return next_version(before, checkouts=kept), None

        ACCOUNTS.change_object(org_id, ACCOUNT, decide)
        account = ACCOUNTS.get_object(org_id, ACCOUNT)
        found = account.find_checkout(checkout_id) if account else None
        return found is None or found.status != "complete"

    def open_portal(self, org_id: str, customer_id: str, return_url: str, key: str) -> str:
        """Opens a page of the portal."""
        _get_account(org_id, customer_id)

        def open_page(before: SimulatedAccount) -> tuple[SimulatedAccount, str]:
            ends = int((clock.now() + PORTAL_LIFETIME).timestamp())
            made = SimulatedPortal(id=new_simulated_id("bps", org_id), return_url=return_url, expires_at=ends)
            return before.model_copy(update={"portals": [*before.portals, made][-MAX_PAGES:]}), made.id

        return _page_url("portal", _write(org_id, key, open_page))

    def fetch_subscription(self, org_id: str, customer_id: str) -> PaidSubscription | None:
        """Returns the customer's subscription, also one that has ended."""
        try:
            account = _get_account(org_id, customer_id)
        except RefusedError as refused:
            raise ThrottledError(str(refused)) from refused
        return choose_subscription(
            PaidSubscription(
                id=one.id,
                status=one.status,
                plan=one.plan,
                period_start=one.period_start,
                period_end=one.period_end,
                cancel_at_period_end=one.cancel_at_period_end,
                created=one.created,
                ended_at=one.ended_at,
            )
            for one in account.subscriptions
        )

    def has_debt(self, org_id: str, customer_id: str) -> bool:
        """Whether an invoice is open, or a payment is disputed. The card is charged as soon as an invoice is made."""
        try:
            account = _get_account(org_id, customer_id)
        except RefusedError as refused:
            raise ThrottledError(str(refused)) from refused
        return account.disputed or any(one.status == "open" for one in account.invoices)

    def find_payer(self, charge_id: str) -> str | None:
        """Returns the customer that a charge is of."""
        org_id = org_of(charge_id)
        account = ACCOUNTS.get_object(org_id, ACCOUNT) if org_id else None
        return account.customer_id if account else None

    def change_subscription(self, change: SubscriptionChange) -> None:
        """Changes plan or end. A dearer plan needs a card that works."""

        def change_it(before: SimulatedAccount) -> tuple[SimulatedAccount, str]:
            found = before.find_subscription(change.subscription_id)
            if found is None or found.status == "canceled":
                raise RefusedError("the subscription has ended")
            after = before
            if change.plan is not None and change.plan != found.plan:
                dearer = PRICES_CENTS[change.plan] > PRICES_CENTS[found.plan]
                if dearer and not change.paid and not before.card_works:
                    raise DeclinedError("card_declined")
                changed = actions.change_plan(after, found.id, change.plan, paid=change.paid)
                if changed is None:
                    raise RefusedError("an unpaid subscription keeps its plan")
                after = changed[0]
            if change.cancel_at_period_end is not None:
                ended = actions.set_cancellation(after, found.id, at_period_end=change.cancel_at_period_end)
                after = ended[0] if ended else after
            return after, ""

        _write(change.org_id, change.key, change_it)

    def end_subscription(self, org_id: str, subscription_id: str, key: str) -> None:
        """Ends a subscription at once."""

        def end(before: SimulatedAccount) -> tuple[SimulatedAccount, str]:
            ended = actions.end_subscription(before, subscription_id)
            if ended is None:
                raise RefusedError("the subscription has ended")
            return ended[0], ""

        _write(org_id, key, end)

    def report_use(self, use: MeteredUse) -> None:
        """Keeps the units of a key once."""
        _get_account(use.org_id, use.customer_id)

        def keep(before: SimulatedAccount) -> tuple[SimulatedAccount, str]:
            made = SimulatedUse(key=use.key, meter=use.meter, units=use.units, at=use.at)
            return before.model_copy(update={"uses": [*before.uses, made][-MAX_USES:]}), ""

        _write(use.org_id, use.key, keep)


def _write(org_id: str, key: str, change: Callable[[SimulatedAccount], tuple[SimulatedAccount, str]]) -> str:
    """Makes a change once for its key. Returns the answer to the first request."""
    answer: list[str] = []

    def decide(before: SimulatedAccount) -> Decision[SimulatedAccount]:
        if key in before.answers:
            answer[:] = [before.answers[key]]
            return None
        after, text = change(before)
        answer[:] = [text]
        kept: dict[str, Any] = dict([*before.answers.items(), (key, text)][-MAX_KEYS:])
        return next_version(after, answers=kept), None

    ACCOUNTS.change_object(org_id, ACCOUNT, decide)
    if not answer:
        raise RefusedError("the customer is gone")
    return answer[0]


def _get_account(org_id: str, customer_id: str) -> SimulatedAccount:
    found = ACCOUNTS.get_object(org_id, ACCOUNT)
    if found is None or found.customer_id != customer_id:
        raise RefusedError("there is no such customer")
    return found


def _page_url(kind: str, page_id: str) -> str:
    return f"{settings.text('PUBLIC_URL', '').rstrip('/')}{PAGES_PATH}/{kind}/{page_id}"
