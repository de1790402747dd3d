"""Spending within limits: what a month's mails and calls cost, and what a day or a month allows.

How a charge is counted, on one item or in slices, is in switchboard.usage.charges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from switchboard.accounts import service as accounts
from switchboard.accounts.models import HardCap, Organisation
from switchboard.aws import clock
from switchboard.aws.effect import Done, Effect, Once, commit_once
from switchboard.aws.table import ConditionFailedError, Update, Writes
from switchboard.errors import Contended, QuotaExceeded
from switchboard.events.models import Origin
from switchboard.kit.change import again
from switchboard.usage import charges, store
from switchboard.usage.charges import SLICES, Charge, commit_within, require_room, total_key
from switchboard.usage.models import CAP_SWITCH, MICROS_PER_CENT, PRICE_MICROS, QUOTA, Meter, Receipt, Usage
from switchboard.usage.store import Book

__all__ = [
    "SLICES",
    "Charge",
    "change_hard_cap",
    "commit_spending",
    "commit_within",
    "counting",
    "giving_back",
    "left_of_cap",
    "of_month",
    "price",
    "rebalance",
    "receipt",
    "require_room",
    "set_hard_cap",
    "settling",
    "spending",
    "taken",
    "total_key",
    "within_day",
    "within_day_of_key",
    "within_month",
]

#: How long the counters of a day are kept after it.
_DAYS_KEPT = timedelta(days=35)


def commit_spending(
    org: Organisation,
    meter: Meter,
    units: int,
    *parts: Writes,
    beside: Sequence[Charge] = (),
    once: Once | None = None,
    subject_id: str = "",
) -> Done | None:
    """Commit the parts and count the units with them, and other charges, all or nothing.

    `once` and `subject_id` are `commit_once`'s: returns what an earlier run of the request made, `None` for a new
    one. Raises QuotaExceeded at a limit.
    """
    return commit_within([*beside, spending(org, meter, units)], *parts, once=once, subject_id=subject_id)


def spending(org: Organisation, meter: Meter, units: int) -> Charge:
    """Units of a meter and their price, within the plan's quota of the month and the organisation's own cap."""
    capped, limits = org.hard_cap.meters.get(CAP_SWITCH[meter], True), {}
    quota = getattr(org.terms, QUOTA[meter]) if meter in QUOTA else None
    if quota is not None:
        limits[meter.value] = quota
    if capped and org.hard_cap.enabled:
        limits["capped"] = org.hard_cap.monthly_cap_cents * MICROS_PER_CENT

    def refusal(counter: str, current: int) -> QuotaExceeded:
        if counter == "capped":
            return QuotaExceeded(
                "The organisation's monthly spending cap is reached.",
                code="hard_cap",
                resource=CAP_SWITCH[meter],
                current=current // MICROS_PER_CENT,
                cap=org.hard_cap.monthly_cap_cents,
            )
        return QuotaExceeded(
            "The plan's monthly quota is reached.",
            code="plan_quota",
            resource=CAP_SWITCH[meter],
            current=current,
            cap=limits[counter],
        )

    return Charge(_month(org.id), _spent(meter, units, capped=capped), limits, refusal, org.terms.sliced)


def _spent(meter: Meter, units: int, *, capped: bool) -> dict[str, int]:
    """What a spending adds to each counter."""
    cost = units * PRICE_MICROS[meter]
    return {meter.value: units, "spent": cost} | ({"capped": cost} if capped else {})


def receipt(within: Sequence[Charge]) -> Receipt | None:
    """Where the spending among these charges is counted, `None` where there is none."""
    receipts = (Receipt(period=one.book.period, capped="capped" in one.used) for one in within if "spent" in one.used)
    return next(receipts, None)


def _month(org_id: str, period: str | None = None) -> Book:
    return Book(org_id, period or clock.stamp()[:7])


def _day(org_id: str, of: str = "") -> Book:
    now = clock.now()
    return Book(org_id, clock.iso(now)[:10] + of, int((now + _DAYS_KEPT).timestamp()))


def within_day(org: Organisation, counter: str, limit: int) -> Charge:
    """One of something that is limited by the day (UTC)."""

    def refusal(_: str, current: int) -> QuotaExceeded:
        return QuotaExceeded(
            "The plan's daily cap is reached.", code="daily_cap", resource=counter, current=current, cap=limit
        )

    return Charge(_day(org.id), {counter: 1}, {counter: limit}, refusal, org.terms.sliced)


def within_day_of_key(org: Organisation, key_id: str, limit: int, refusal: QuotaExceeded) -> Charge:
    """One of a key's calls of the day (UTC), refused with `refusal` at its limit."""
    return Charge(_day(org.id, f"#{key_id}"), {"calls": 1}, {"calls": limit}, lambda *_: refusal, org.terms.sliced)


def within_month(org: Organisation, period: str, counter: str, limit: int | None) -> Charge:
    """One of something that is limited by the month (UTC)."""

    def refusal(_: str, current: int) -> QuotaExceeded:
        return QuotaExceeded(
            "The plan's monthly quota is reached.", code="plan_quota", resource=counter, current=current, cap=limit
        )

    limits = {} if limit is None else {counter: limit}
    return Charge(_month(org.id, period), {counter: 1}, limits, refusal, org.terms.sliced)


def giving_back(org_id: str, period: str, counter: str, *, sliced: bool) -> Update:
    """The write that gives one of it back, in the month that it was counted in.

    `sliced` says how it was counted. Under either plan it may be given back either way, and is found again.
    """
    return charges.unconditional(Charge(_month(org_id, period), {counter: -1}, {}, _never, sliced))


def _never(counter: str, current: int) -> QuotaExceeded:
    raise AssertionError(f"{counter} has no limit here, and {current} of it cannot be too many")


def taken(org_id: str, period: str, counter: str) -> int:
    """How many of it were counted in a month, and not given back."""
    return charges.used(org_id, period, counter)


def settling(org: Organisation, meter: Meter, units: int, spent: Receipt) -> Update | None:
    """The write that counts what turned out to be used beyond what was spent before, or below it (negative).

    Both are counted where the spending was: in its month, though another may have begun, and towards the cap only if
    the spending was, whatever the cap's switches say now. So what is given back was always counted there before.

    It has no condition: what was used was used, and a limit that it passes refuses the next spending.
    """
    if not units:
        return None
    used = _spent(meter, units, capped=spent.capped)
    return charges.unconditional(Charge(_month(org.id, spent.period), used, {}, _never, org.terms.sliced))


def counting(org_id: str, meter: Meter, units: int) -> Update:
    """The write that counts what costs nothing and is never refused."""
    return store.count(_month(org_id), charges.choose(SLICES), meter.value, units)


def rebalance(org_id: str) -> None:
    """Give what slices have left back to the totals of the month and the day, and take their debts from them.

    For a change of plan, since a plan that is not sliced looks at the total alone, and of the cap, since what was lent
    under the old one is not the new one's to lend. Processes that still remember the old terms may borrow by them for
    as long as they remember a key (KEY_CACHE_SECONDS).
    """
    for book in (_month(org_id), _day(org_id)):
        charges.balance(book)


def change_hard_cap(origin: Origin, changes: Mapping[str, Any]) -> None:
    """Change parts of the organisation's own monthly spending limit; the others stay as they are now."""

    def attempt() -> None:
        org = accounts.organisation(origin.org_id)
        cap = HardCap.model_validate(org.hard_cap.model_dump() | dict(changes))
        set_hard_cap(origin, org, cap, seen=org)

    again(attempt)


def set_hard_cap(
    origin: Origin, org: Organisation, cap: HardCap, effect: Effect | None = None, seen: Organisation | None = None
) -> None:
    """Set the organisation's own monthly spending limit. Raises Moved where it is no longer the one that was `seen`.

    With it slices give back what they have left of the old one, which is not the new one's to lend.
    """
    if not org.terms.sliced:
        accounts.set_hard_cap(origin, cap, effect, seen)
        return
    squared = charges.squaring(_month(org.id), "capped")
    try:
        if commit_once(effect, org.id, accounts.hard_cap_writes(origin, cap, seen), squared) is None:
            return
        # An earlier run set the cap, and may have come no further.
    except (ConditionFailedError, Contended):
        # Somebody spends meanwhile: one after the other.
        accounts.set_hard_cap(origin, cap, effect, seen)
    rebalance(org.id)


def left_of_cap(org: Organisation, meter: Meter) -> int | None:
    """What this month's cap still allows, in millionths of a dollar; `None` where no cap holds for it.

    Below 0 more was spent than the cap allows by now: it was lowered since, or calls took longer than was paid for.
    """
    if not (org.hard_cap.enabled and org.hard_cap.meters.get(CAP_SWITCH[meter], True)):
        return None
    return org.hard_cap.monthly_cap_cents * MICROS_PER_CENT - taken(org.id, clock.stamp()[:7], "capped")


def price(meter: Meter) -> int:
    """What one unit costs, in millionths of a dollar."""
    return PRICE_MICROS[meter]


def of_month(org_id: str, period: str) -> Usage:
    """What an organisation used in a month (`YYYY-MM`, UTC)."""
    items = store.counters(org_id, period)
    return Usage(
        period=period,
        units={meter.value: sum(item.get(meter.value, 0) for item in items) for meter in Meter},
        spent_micros=sum(item.get("spent", 0) for item in items),
    )
