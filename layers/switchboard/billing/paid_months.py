"""The plans that a subscription has had in each month. They decide which use of the month is paid.

A larger plan is paid until the end of its month, so a change to a smaller one returns no money. A plan that begins
within a month is paid pro rata, so it includes minutes and texts pro rata too: the day on which it begins and the days
after it count. Numbers are included in full, because a plan with fewer days needs as many of them.
"""

from __future__ import annotations

import calendar
import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import pairwise

from switchboard.accounts.models import Organization
from switchboard.accounts.plans import PlanName
from switchboard.billing import catalog
from switchboard.billing.catalog import Included
from switchboard.billing.models import PLANS_ON_SALE, BillingAccount, BillingStatus
from switchboard.kit import clock

#: A report may come some weeks late, and also counts the month before its own.
_MONTHS_KEPT = 4
#: A subscription that began less than this before its period has not yet paid for the use of a whole month.
_WHOLE_MONTH = timedelta(days=27)
#: The provider charges the card an hour after the period begins, and tells a failure within a day.
_CHARGED_WITHIN = timedelta(days=2)


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
    known = after.paid_plans.get(month, {})
    kept = {**after.paid_plans, month: {after.plan: _first_paid_day(after, known, month), **known}}
    months = {one: kept[one] for one in sorted(kept)[-_MONTHS_KEPT:]}
    return after.model_copy(update={"paid_plans": months, "billed_since": since})


def note_payment(before: BillingAccount, after: BillingAccount) -> BillingAccount:
    """Returns an account that knows when its subscription began, and whether a whole month of it was paid."""
    if not after.is_live:
        return after
    if not before.is_live:
        return after.model_copy(update={"live_since": clock.now_iso()})
    if after.live_since is None:
        # It began before this was remembered.
        return after.model_copy(update={"has_paid": True})
    if after.has_paid or after.status is not BillingStatus.ACTIVE or after.period_start is None:
        return after
    begins = clock.parse(after.period_start)
    paid = begins - clock.parse(after.live_since) >= _WHOLE_MONTH and clock.now() - begins >= _CHARGED_WITHIN
    return after.model_copy(update={"has_paid": True}) if paid else after


def _first_paid_day(account: BillingAccount, known: Mapping[PlanName, int], month: str) -> int:
    """Returns the first day of a month that the account's plan is paid for. A month's first plan has its period."""
    begins = account.period_start or ""
    if known or begins[:7] > month:
        return clock.now().day
    return clock.parse(begins).day if begins[:7] == month else 1


def plans_of_month(account: BillingAccount, month: str) -> list[PlanName]:
    """Returns the plans that a month (`YYYY-MM`) was paid with, smallest first."""
    return sorted(account.paid_plans.get(month, {}), key=PLANS_ON_SALE.index)


def included_in_month(account: BillingAccount, month: str, plans: Sequence[PlanName]) -> Included:
    """Returns what these plans of a month include together. They come smallest first. The free plan needs no day."""
    days = calendar.monthrange(*map(int, month.split("-")))[1]
    free = catalog.included_in(PlanName.FREE)
    minutes, segments = (free.minutes or 0) * days, (free.sms or 0) * days
    for smaller, larger in pairwise([PlanName.FREE, *plans]):
        paid_days = days + 1 - _first_day_of(account, month, larger)
        less, more = catalog.included_in(smaller), catalog.included_in(larger)
        minutes += ((more.minutes or 0) - (less.minutes or 0)) * paid_days
        segments += ((more.sms or 0) - (less.sms or 0)) * paid_days
    return Included(math.ceil(minutes / days), math.ceil(segments / days), catalog.included_in(plans[-1]).numbers)


def _first_day_of(account: BillingAccount, month: str, plan: PlanName) -> int:
    """Returns the first day of a month on which this plan or a larger one was paid."""
    size = PLANS_ON_SALE.index(plan)
    return min(day for one, day in account.paid_plans[month].items() if PLANS_ON_SALE.index(one) >= size)


def included_now(account: BillingAccount | None, org: Organization) -> Included:
    """Returns what is included in this month: by the paid plans, or by the present one if it is larger.

    An operator may have set the present one. It also limits the texts.
    """
    present, month = catalog.included_in(org.plan), clock.now_iso()[:7]
    paid = plans_of_month(account, month) if account else []
    order = list(PlanName)
    if account is None or not paid or order.index(org.plan) > order.index(paid[-1]):
        return present
    found = included_in_month(account, month, paid)
    return found._replace(sms=min(found.sms or 0, present.sms or 0))


def is_paid(account: BillingAccount, plan: PlanName) -> bool:
    """Whether the subscription has paid for this plan, or a larger one, until the end of the month."""
    month = clock.now_iso()[:7]
    paid = plans_of_month(account, month) or ([account.plan] if account.plan else [])
    return bool(paid) and PLANS_ON_SALE.index(plan) <= PLANS_ON_SALE.index(paid[-1])


def was_billed(account: BillingAccount, month: str) -> bool:
    """Whether the subscription that runs has also run in a month, so that its late use can be billed."""
    return account.is_live and bool(account.billed_since) and month >= str(account.billed_since)
