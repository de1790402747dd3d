"""The state of the simulated provider for one organization: its customer, card, pages, subscriptions and invoices.

Ids begin with the organization's id, so that the provider finds the state of an id without a look-up item.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, Field

from switchboard.kit import clock, ids

#: The monthly prices of the plans at the provider, in cents.
PRICES_CENTS = {"starter": 2_900, "growth": 9_900, "scale": 24_900}
#: How many pages, invoices, uses and keys are kept. The oldest go first.
MAX_PAGES, MAX_INVOICES, MAX_USES, MAX_KEYS = 20, 24, 200, 100
#: How long a page of the portal works.
PORTAL_LIFETIME = timedelta(hours=1)
_ID = re.compile(r"(?:cus|sub|cs_test|bps|ch)_(?P<org>org_[0-9a-z]{26})(?:_[0-9a-z]+)?")


def org_of(id_: str) -> str | None:
    """Returns the organization in an id, `None` for a text that is not an id of the simulator."""
    match = _ID.fullmatch(id_)
    return match["org"] if match else None


def new_simulated_id(kind: str, org_id: str) -> str:
    """Returns an id of the simulator: its kind, the organization, and a random part."""
    return f"{kind}_{org_id}_{ids.new_id('x').removeprefix('x_')}"


def next_month(moment: datetime) -> datetime:
    """Returns the beginning of the next month in UTC."""
    return (moment.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


class SimulatedCheckout(BaseModel):
    """A page for paying."""

    id: str
    plan: str
    success_url: str
    cancel_url: str
    expires_at: int
    renews_at: int | None
    status: Literal["open", "complete", "expired"] = "open"

    @property
    def is_open(self) -> bool:
        """Whether the customer can pay on the page."""
        return self.status == "open" and clock.epoch() < self.expires_at


class SimulatedPortal(BaseModel):
    """A page where the customer manages the subscription."""

    id: str
    return_url: str
    expires_at: int


class SimulatedSubscription(BaseModel):
    """A subscription. `status` is Stripe's word."""

    id: str
    plan: str
    status: str = "active"
    period_start: str
    period_end: str
    cancel_at_period_end: bool = False
    created: int
    ended_at: str | None = None


class SimulatedInvoice(BaseModel):
    """An invoice of a subscription."""

    id: str
    subscription: str
    what: str
    amount_cents: int
    status: Literal["paid", "open", "void"]
    created_at: str


class SimulatedUse(BaseModel):
    """Units that were reported once."""

    key: str
    meter: str
    units: int
    at: int


class SimulatedAccount(BaseModel):
    """The customer of one organization, with everything that belongs to it."""

    id: str
    org_id: str
    version: int = 1
    name: str = ""
    email: str | None = None
    #: Whether a charge of the customer's card succeeds.
    card_works: bool = True
    #: Whether the cardholder has taken the last payment back.
    disputed: bool = False
    checkouts: list[SimulatedCheckout] = Field(default_factory=list)
    portals: list[SimulatedPortal] = Field(default_factory=list)
    subscriptions: list[SimulatedSubscription] = Field(default_factory=list)
    invoices: list[SimulatedInvoice] = Field(default_factory=list)
    uses: list[SimulatedUse] = Field(default_factory=list)
    #: The answer to each key of a write.
    answers: dict[str, str] = Field(default_factory=dict)
    updated_at: str

    @property
    def customer_id(self) -> str:
        return f"cus_{self.org_id}"

    def find_checkout(self, checkout_id: str) -> SimulatedCheckout | None:
        """Returns the page for paying with this id."""
        return next((one for one in self.checkouts if one.id == checkout_id), None)

    def find_portal(self, portal_id: str) -> SimulatedPortal | None:
        """Returns the portal's page with this id, if it still works."""
        return next((one for one in self.portals if one.id == portal_id and clock.epoch() < one.expires_at), None)

    def find_subscription(self, subscription_id: str) -> SimulatedSubscription | None:
        """Returns the subscription with this id."""
        return next((one for one in self.subscriptions if one.id == subscription_id), None)
