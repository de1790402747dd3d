"""The plans that a subscription has had in each month. They decide which use of the month is paid.

A larger plan is paid until the end of its month, so a change to a smaller one returns no money. So the
whole month is paid with its largest plan.
"""

from __future__ import annotations

from switchboard.accounts.models import Organization
from switchboard.accounts.plans import PlanName
from switchboard.billing.models import PLANS_ON_SALE, BillingAccount
from switchboard.kit import clock

#: A report may come some weeks late, and also counts the month before its own.
_MONTHS_KEPT = 4


def note_plan(before: BillingAccount, after: BillingAccount) -> BillingAccount:
    """Returns an account that remembers the plan of this month, if its subscription runs and the month is paid for."""
    now = clock.now()
    if not after.is_live or after.plan is None:
        return after
    month = clock.format_iso(now)[:7]
    since = after.billed_since if before.is_live and after.billed_since else month
    if before.is_live and after.period_end and clock.parse(after.period_end) <= now:
        # The provider has not renewed the subscription yet, and may change its plan then.
        return after.model_copy(update={"billed_since": since})
    plans = sorted({*after.paid_plans.get(month, []), after.plan}, key=PLANS_ON_SALE.index)
    kept = {**after.paid_plans, month: plans}
    months = {one: kept[one] for one in sorted(kept)[-_MONTHS_KEPT:]}
    return after.model_copy(update={"paid_plans": months, "billed_since": since})


def plans_of_month(account: BillingAccount, month: str) -> list[PlanName]:
    """Returns the plans that a month (`YYYY-MM`) was paid with, smallest first."""
    return account.paid_plans.get(month, [])


def largest_plan(account: BillingAccount | None, org: Organization) -> PlanName:
    """Returns the plan that decides which use of this month is beyond a plan: the largest paid one, or the present one.

    An operator may have set the present one.
    """
    paid = plans_of_month(account, clock.now_iso()[:7]) if account else []
    return max([*paid, org.plan], key=list(PlanName).index)


def is_paid(account: BillingAccount, plan: PlanName) -> bool:
    """Whether the subscription has paid for this plan, or a larger one, until the end of the month."""
    month = clock.now_iso()[:7]
    paid = plans_of_month(account, month) or ([account.plan] if account.plan else [])
    return bool(paid) and PLANS_ON_SALE.index(plan) <= PLANS_ON_SALE.index(paid[-1])


def was_billed(account: BillingAccount, month: str) -> bool:
    """Whether the subscription that runs has also run in a month, so that its late use can be billed."""
    return account.is_live and bool(account.billed_since) and month >= str(account.billed_since)
