"""The port to payments: customers, hosted pages for paying, subscriptions, and the use that is billed by unit.

Every write carries a key: the provider does a repeated request with the same key once. A write may raise RefusedError,
ThrottledError (nothing happened) or OutcomeUnknownError. After the last two, the same request with the same key is safe
(`switchboard.carriers.outcomes`). A read raises ThrottledError for each failure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from switchboard.carriers.outcomes import RefusedError

#: The longest time of one request, in seconds. A person waits for it.
REQUEST_SECONDS = 5.0
#: The provider's words for a subscription that still runs, paid or not.
LIVE_STATUSES = frozenset({"trialing", "active", "past_due", "unpaid", "paused"})
#: The provider's words for a subscription that runs, but is not paid.
UNPAID_STATUSES = frozenset({"past_due", "unpaid", "paused"})


class DeclinedError(RefusedError):
    """The customer's card was declined."""


class AuthenticationRequiredError(RefusedError):
    """The bank asks the cardholder to confirm a payment. The change is made as soon as that is done at `url`."""

    def __init__(self, url: str) -> None:
        super().__init__("authentication_required")
        self.url = url


class CustomerGoneError(RefusedError):
    """The provider has deleted the customer, and ended its subscriptions. Nothing can be paid with it any more."""


@dataclass(frozen=True, slots=True)
class CheckoutOrder:
    """A hosted page on which a customer subscribes to a plan.

    `expires_at` and `renews_at` are in seconds since 1970. The subscription renews at `renews_at`, and then monthly.
    With `None` it renews a month after it began.
    """

    org_id: str
    customer_id: str
    plan: str
    success_url: str
    cancel_url: str
    expires_at: int
    renews_at: int | None
    key: str


@dataclass(frozen=True, slots=True)
class CheckoutPage:
    """An open page for paying."""

    id: str
    url: str


@dataclass(frozen=True, slots=True)
class PaidSubscription:
    """A subscription, as the provider has it now. `status` is the provider's word; times are texts in UTC.

    `plan` is `None` for a price that this deployment does not know.
    """

    id: str
    status: str
    plan: str | None
    period_start: str
    period_end: str
    cancel_at_period_end: bool
    created: int
    ended_at: str | None = None

    @property
    def is_live(self) -> bool:
        """Whether the subscription still runs, paid or not."""
        return self.status in LIVE_STATUSES


@dataclass(frozen=True, slots=True)
class SubscriptionChange:
    """A change of a subscription. `None` changes nothing.

    The provider charges the difference to another plan pro rata. With `paid`, the plan costs nothing until the end of
    the period, and nothing is returned. A plan whose payment fails changes nothing, the end neither.
    """

    org_id: str
    subscription_id: str
    plan: str | None
    cancel_at_period_end: bool | None
    key: str
    paid: bool = False


@dataclass(frozen=True, slots=True)
class MeteredUse:
    """Units that a customer used of a meter. `at` is in seconds since 1970. `key` identifies them for the provider."""

    org_id: str
    customer_id: str
    meter: str
    units: int
    at: int
    key: str


class Payments(Protocol):
    """A provider of payments."""

    name: str

    def create_customer(self, org_id: str, name: str, email: str | None, key: str) -> str:
        """Creates a customer, and returns its id."""

    def change_email(self, org_id: str, customer_id: str, email: str, key: str) -> None:
        """Changes the address for the customer's invoices."""

    def open_checkout(self, order: CheckoutOrder) -> CheckoutPage:
        """Opens a page for paying."""

    def close_checkout(self, org_id: str, checkout_id: str) -> bool:
        """Closes a page for paying. Returns False if the customer has already paid there."""

    def open_portal(self, org_id: str, customer_id: str, return_url: str, key: str) -> str:
        """Returns the URL of a page where the customer manages plan, card and invoices."""

    def fetch_subscription(self, org_id: str, customer_id: str) -> PaidSubscription | None:
        """Returns the customer's subscription (`choose_subscription`), as it is now. Raises CustomerGoneError."""

    def find_payer(self, charge_id: str) -> str | None:
        """Returns the customer that a charge is of."""

    def has_debt(self, org_id: str, customer_id: str) -> bool:
        """Whether the customer owes money: for an invoice that a charge did not pay, or for a disputed payment.

        A draft is no debt, and neither is an invoice that was voided. One that was given up as uncollectible is.
        """

    def change_subscription(self, change: SubscriptionChange) -> None:
        """Changes a subscription. Raises DeclinedError or AuthenticationRequiredError if a charge fails."""

    def end_subscription(self, org_id: str, subscription_id: str, key: str) -> None:
        """Ends a subscription at once. Its last invoice has the use that was reported, and no money is returned.

        Raises RefusedError for one that has ended.
        """

    def report_use(self, use: MeteredUse) -> None:
        """Reports units that are billed with the next invoice."""


def choose_subscription(found: Iterable[PaidSubscription]) -> PaidSubscription | None:
    """Returns the subscription that counts: the first one that still runs, or else the one that was created last."""
    by_age = sorted(found, key=lambda one: (one.created, one.id))
    live = [one for one in by_age if one.is_live]
    if live:
        return live[0]
    return by_age[-1] if by_age else None
