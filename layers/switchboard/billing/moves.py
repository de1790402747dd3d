"""Decides how a billing account changes by a subscription that was just read, and by the time.

Pure functions: `subscriptions.py` reads and commits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from switchboard.accounts.models import Organization
from switchboard.accounts.plans import PlanName
from switchboard.billing.models import (
    GRACE_PERIOD,
    LIVE,
    MOVES,
    PAST_DUE_PERIOD,
    PLANS_ON_SALE,
    UNPAID,
    BillingAccount,
    BillingStatus,
)
from switchboard.carriers.payments.ports.payments import UNPAID_STATUSES, PaidSubscription
from switchboard.kit import clock

#: The states of an unpaid subscription, in their order.
_UNPAID_ORDER = (BillingStatus.PAST_DUE, BillingStatus.GRACE, BillingStatus.SUSPENDED)
#: Our states for the provider's words. An incomplete subscription was never paid, and does not count.
_PAID = {"active": BillingStatus.ACTIVE, "trialing": BillingStatus.TRIALING}


class IllegalMoveError(RuntimeError):
    """The table of moves does not have this move."""


@dataclass(frozen=True)
class BillingOutcome:
    """The account after a move, and what the move does to the organization.

    `plan` is the organization's new plan, `unpaid` whether it may no longer send, and `past_due` whether it may use no
    more than the plan includes. `None` changes nothing.
    `next_check_at` is when an unpaid subscription moves on, and `ended_at` when the subscription that ran has ended.
    """

    status: BillingStatus
    subscription_id: str | None
    plan_paid: PlanName | None
    period_start: str | None
    period_end: str | None
    cancel_at_period_end: bool
    unpaid_since: str | None
    ended_at: str | None
    next_check_at: str | None
    in_debt: bool
    plan: PlanName | None
    unpaid: bool | None
    past_due: bool | None


def may_be_in_debt(account: BillingAccount, org: Organization, found: PaidSubscription | None) -> bool:
    """Whether an invoice may be unpaid that no running subscription shows. Then the provider must be asked."""
    if found is not None and found.is_live:
        return org.unpaid or account.in_debt
    # A subscription that was never paid has used nothing.
    return account.status is not BillingStatus.NONE or (found is not None and found.status == "canceled")


def decide_outcome(
    account: BillingAccount, org: Organization, found: PaidSubscription | None, *, in_debt: bool = False
) -> BillingOutcome:
    """Returns what a subscription, read just now, makes of an account. Raises IllegalMoveError.

    `in_debt` is whether an invoice is unpaid, or a payment is disputed (`may_be_in_debt`). The end of a subscription
    pays no invoice: a debtor sends nothing until the invoice is paid or voided, also with another subscription.
    """
    now = clock.now()
    since = account.unpaid_since if account.status in UNPAID else None
    if found and found.status in UNPAID_STATUSES and since is None:
        since = clock.format_iso(now)
    status = _status_of(account, found, since, now)
    if status is not account.status and status not in MOVES[account.status]:
        raise IllegalMoveError(f"{account.status} to {status}: add the move to MOVES if it is legal")
    live = status in LIVE
    paid_plan = _known_plan(found) if live else None
    # A price of this subscription that no plan has leaves the plan as it is.
    plan_paid = (paid_plan or account.plan) if live else None
    return BillingOutcome(
        status=status,
        subscription_id=found.id if found and live else None,
        plan_paid=plan_paid,
        period_start=found.period_start if found and live else None,
        period_end=found.period_end if found and live else None,
        cancel_at_period_end=bool(found and live and found.cancel_at_period_end),
        unpaid_since=since if status in UNPAID else None,
        ended_at=_end_of(found, now) if account.is_live and not live else None,
        next_check_at=_next_check(status, since),
        in_debt=in_debt,
        plan=_plan_of_organization(account, org, plan_paid, live=live),
        unpaid=_changed(org.unpaid, in_debt or status is BillingStatus.SUSPENDED),
        past_due=_changed(org.past_due, status in UNPAID),
    )


def _status_of(
    account: BillingAccount, found: PaidSubscription | None, since: str | None, now: datetime
) -> BillingStatus:
    if found is not None and found.status in _PAID:
        return _PAID[found.status]
    if found is not None and found.status in UNPAID_STATUSES:
        assert since is not None, "an unpaid subscription has its beginning"
        reached = _unpaid_status(since, now)
        # The clock of this process may be behind that of the process that made the last move.
        return max(reached, account.status, key=_UNPAID_ORDER.index) if account.status in UNPAID else reached
    never_paid = found is None or found.status != "canceled"
    return BillingStatus.NONE if never_paid and account.status is BillingStatus.NONE else BillingStatus.CANCELED


def _end_of(found: PaidSubscription | None, now: datetime) -> str:
    return (found.ended_at if found else None) or clock.format_iso(now)


def _unpaid_status(since: str, now: datetime) -> BillingStatus:
    unpaid_for = now - clock.parse(since)
    if unpaid_for < PAST_DUE_PERIOD:
        return BillingStatus.PAST_DUE
    return BillingStatus.GRACE if unpaid_for < PAST_DUE_PERIOD + GRACE_PERIOD else BillingStatus.SUSPENDED


def _next_check(status: BillingStatus, since: str | None) -> str | None:
    if status is BillingStatus.PAST_DUE and since:
        return clock.format_iso(clock.parse(since) + PAST_DUE_PERIOD)
    return suspension_time(since) if status is BillingStatus.GRACE and since else None


def suspension_time(since: str) -> str:
    """Returns when a subscription that is unpaid since a time suspends what the organization sends."""
    return clock.format_iso(clock.parse(since) + PAST_DUE_PERIOD + GRACE_PERIOD)


def _known_plan(found: PaidSubscription | None) -> PlanName | None:
    return next((plan for plan in PLANS_ON_SALE if found and plan.value == found.plan), None)


def _plan_of_organization(
    account: BillingAccount, org: Organization, plan_paid: PlanName | None, *, live: bool
) -> PlanName | None:
    """Returns the organization's new plan, `None` if it stays.

    A subscription moves the plan when it begins, changes its own plan, or ends. A plan that an operator has set
    meanwhile stays.
    """
    if live:
        changed = plan_paid is not None and (plan_paid is not account.plan or not account.is_live)
        return plan_paid if changed and plan_paid is not org.plan else None
    ended = account.is_live and org.plan is account.plan
    return PlanName.FREE if ended and org.plan is not PlanName.FREE else None


def _changed(before: bool, after: bool) -> bool | None:
    return None if before is after else after
