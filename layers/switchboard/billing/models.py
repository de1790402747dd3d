"""The billing account of an organization: its customer at the provider, its subscription, and the moves between states.

```
none ──> trialing ──> active <──> past_due ──> grace ──> suspended
              every state ──> canceled ──> trialing, active
```

`past_due`, `grace` and `suspended` are unpaid, and a payment leads from each of them back to `active` at once.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel

from switchboard.accounts.plans import PlanName

#: How long an unpaid subscription is `past_due` before grace begins. Most failed charges succeed at the provider's
#: first retry, within a day.
PAST_DUE_PERIOD = timedelta(days=1)
#: How long grace lasts. Then the organization may not call, text or mail.
GRACE_PERIOD = timedelta(days=7)
#: The plans that can be subscribed to.
PLANS_ON_SALE = (PlanName.STARTER, PlanName.GROWTH, PlanName.SCALE)


class BillingStatus(StrEnum):
    """The state of an organization's subscription."""

    NONE = "none"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    GRACE = "grace"
    SUSPENDED = "suspended"
    CANCELED = "canceled"


#: The states of a subscription that runs, paid or not.
LIVE = frozenset(set(BillingStatus) - {BillingStatus.NONE, BillingStatus.CANCELED})
#: The states of a subscription that runs and is not paid.
UNPAID = frozenset({BillingStatus.PAST_DUE, BillingStatus.GRACE, BillingStatus.SUSPENDED})
#: The legal moves. A job that comes late may pass over a state of an unpaid subscription.
MOVES: dict[BillingStatus, frozenset[BillingStatus]] = {
    BillingStatus.NONE: frozenset(
        {BillingStatus.TRIALING, BillingStatus.ACTIVE, BillingStatus.PAST_DUE, BillingStatus.CANCELED}
    ),
    BillingStatus.TRIALING: frozenset({BillingStatus.ACTIVE, BillingStatus.PAST_DUE, BillingStatus.CANCELED}),
    BillingStatus.ACTIVE: frozenset({BillingStatus.TRIALING, BillingStatus.PAST_DUE, BillingStatus.CANCELED}),
    BillingStatus.PAST_DUE: frozenset(
        {
            *(BillingStatus.TRIALING, BillingStatus.ACTIVE, BillingStatus.GRACE, BillingStatus.SUSPENDED),
            BillingStatus.CANCELED,
        }
    ),
    BillingStatus.GRACE: frozenset(
        {BillingStatus.TRIALING, BillingStatus.ACTIVE, BillingStatus.SUSPENDED, BillingStatus.CANCELED}
    ),
    BillingStatus.SUSPENDED: frozenset({BillingStatus.TRIALING, BillingStatus.ACTIVE, BillingStatus.CANCELED}),
    BillingStatus.CANCELED: frozenset({BillingStatus.TRIALING, BillingStatus.ACTIVE, BillingStatus.PAST_DUE}),
}


class OpenCheckout(BaseModel):
    """A page for paying that was ordered. It has no id and no URL until the provider's answer is recorded."""

    key: str
    plan: PlanName
    success_url: str
    cancel_url: str
    #: In seconds since 1970, as the provider gets them. A repeated order must be the same.
    ordered_at: int
    expires_at: int
    renews_at: int | None
    id: str | None = None
    url: str | None = None


class LastUse(BaseModel):
    """The facts for the last report of use of a subscription that has ended."""

    plan: PlanName | None
    ended_at: str
    #: Whether the subscription ended before its period did. The provider then makes no invoice for its use by itself.
    is_early: bool = False


class BillingAccount(BaseModel):
    """An organization's account at the provider of payments. `version` counts its changes."""

    id: str
    org_id: str
    version: int = 1
    customer_id: str | None = None
    #: The address for invoices and notices of payment. Without it, the organization's own addresses get them.
    email: str | None = None
    status: BillingStatus = BillingStatus.NONE
    subscription_id: str | None = None
    #: The plan of the subscription. The organization's own plan may differ if an operator has set it.
    plan: PlanName | None = None
    period_start: str | None = None
    period_end: str | None = None
    cancel_at_period_end: bool = False
    unpaid_since: str | None = None
    #: Whether an invoice is still unpaid after the end of its subscription, or a payment is disputed.
    in_debt: bool = False
    #: When the next state of an unpaid subscription begins, and the timer of the job that moves it.
    next_check_at: str | None = None
    check_timer: str | None = None
    #: The next day whose use is reported, when its job is due, and the job's timer.
    use_day: str | None = None
    use_due: str | None = None
    use_timer: str | None = None
    #: Set while the use before the end of a subscription is not yet reported.
    last_use: LastUse | None = None
    #: The plans of each month (`YYYY-MM`) with the first day that each is paid for, and the month in which the running
    #: subscription began.
    paid_plans: dict[str, dict[PlanName, int]] = {}
    billed_since: str | None = None
    #: When the running subscription began, and whether a whole month of an earlier or of this one was paid.
    live_since: str | None = None
    has_paid: bool = False
    checkout: OpenCheckout | None = None
    #: When the numbers are released because nobody pays, how many mails have said so, and the timer of the next job.
    numbers_due_at: str | None = None
    numbers_mails: int = 0
    numbers_timer: str | None = None
    #: When the subscription was last read at the provider.
    read_at: str | None = None
    #: Since when the provider does not tell the subscription, and the next planned read with its timer. `unreadable`
    #: says that the deadline has passed.
    unread_since: str | None = None
    read_again_at: str | None = None
    read_again_timer: str | None = None
    unreadable: bool = False
    created_at: str
    updated_at: str

    @property
    def is_live(self) -> bool:
        """Whether a subscription runs, paid or not."""
        return self.status in LIVE


#: `use` is of the day's own month. `late` use is of the month before. A `credit` pays for use of the day, because the
#: month before was billed too many units. It is not sent.
ReportKind = Literal["use", "late", "credit"]
#: The states of a report.
RESERVED, SENT, REFUSED, UNCONFIRMED, CREDITED = "reserved", "sent", "refused", "unconfirmed", "credited"


class UseReport(BaseModel):
    """The units of a day and a meter that are reported to the provider once. They are stored before they are sent."""

    org_id: str
    day: str
    meter: str
    units: int
    kind: ReportKind = "use"
    state: str = RESERVED
    reserved_at: str

    @property
    def month(self) -> str:
        """The month (`YYYY-MM`) in which the units count."""
        return self.month_before if self.kind == "late" else self.day[:7]

    @property
    def month_before(self) -> str:
        """The month before that of the day."""
        return month_before(self.day[:7])


def month_before(month: str) -> str:
    """Returns the month before a month (`YYYY-MM`)."""
    return (date.fromisoformat(f"{month}-01") - timedelta(days=1)).isoformat()[:7]
