"""Spending within limits.

Up to the Growth plan a month is one item, and each limit a condition on it. On larger plans the month is cut into
slices: a transaction spends from one slice, and a slice borrows from the month's total when it runs low, so that no
item carries more than a sixteenth of the writes and no limit is ever exceeded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from switchboard import telemetry
from switchboard.accounts import service as accounts
from switchboard.accounts.models import HardCap, Organisation
from switchboard.aws import chance, clock
from switchboard.aws.effect import AlreadyDone, Effect
from switchboard.aws.table import ConditionFailedError, Item, Update, Writes, commit
from switchboard.errors import Contended, QuotaExceeded
from switchboard.events.models import Origin
from switchboard.usage import store
from switchboard.usage.models import CAP_SWITCH, MICROS_PER_CENT, PRICE_MICROS, QUOTA, Meter, Usage

SLICES = 16
#: A slice borrows this part of a limit at a time.
_LOAN = 1 / (SLICES * 4)
_ATTEMPTS = 5

#: How a slice is chosen. Tests replace it.
choose: Callable[[int], int] = chance.below


@dataclass(frozen=True)
class _Spending:
    """What one request uses, by counter, and the limits that hold for it."""

    org: Organisation
    meter: Meter
    period: str
    used: dict[str, int]
    limits: dict[str, int]

    def refusal(self, counter: str, current: int) -> QuotaExceeded:
        if counter == "capped":
            return QuotaExceeded(
                "The organisation's monthly spending cap is reached.",
                code="hard_cap",
                resource=CAP_SWITCH[self.meter],
                current=current // MICROS_PER_CENT,
                cap=self.org.hard_cap.monthly_cap_cents,
            )
        return QuotaExceeded(
            "The plan's monthly quota is reached.",
            code="plan_quota",
            resource=CAP_SWITCH[self.meter],
            current=current,
            cap=self.limits[counter],
        )


class _SliceEmptyError(Exception):
    """A slice has too little left for this request. `item` is the slice."""

    def __init__(self, item: Item | None) -> None:
        super().__init__("slice empty")
        self.item = item or {}


def commit_spending(org: Organisation, meter: Meter, units: int, *parts: Writes) -> None:
    """Commit the parts and count the units with them, all or nothing. Raises QuotaExceeded at a limit."""
    spending = _spending(org, meter, units)
    if not org.terms.sliced:
        commit(*parts, store.add(org.id, spending.period, spending.used, spending.limits, partial(_over, spending)))
        return
    number = choose(SLICES)
    while True:
        try:
            commit(*parts, _from_slice(spending, number))
        except _SliceEmptyError as empty:
            number = _replenish(spending, number, empty.item)
        else:
            return


def _spending(org: Organisation, meter: Meter, units: int) -> _Spending:
    cost = units * PRICE_MICROS[meter]
    used, limits = {meter.value: units, "spent": cost}, {}
    quota = getattr(org.terms, QUOTA[meter]) if meter in QUOTA else None
    if quota is not None:
        limits[meter.value] = quota
    if org.hard_cap.meters.get(CAP_SWITCH[meter], True):
        used["capped"] = cost
        if org.hard_cap.enabled:
            limits["capped"] = org.hard_cap.monthly_cap_cents * MICROS_PER_CENT
    return _Spending(org=org, meter=meter, period=clock.stamp()[:7], used=used, limits=limits)


def _over(spending: _Spending, items: list[Item | None]) -> Exception:
    found: dict[str, Any] = items[0] or {}
    for counter, limit in spending.limits.items():
        taken = found.get(f"taken_{counter}", 0)
        if taken + spending.used[counter] > limit:
            return spending.refusal(counter, taken)
    raise AssertionError("a spending was refused within its limits")


def _empty(items: list[Item | None]) -> Exception:
    return _SliceEmptyError(items[0])


def _from_slice(spending: _Spending, number: int) -> Update:
    return store.take(spending.org.id, spending.period, number, spending.used, spending.limits, _empty)


def _replenish(spending: _Spending, number: int, found: Item) -> int:
    """Bring what a slice lacks, or name another slice that has it. Raises QuotaExceeded when none has."""
    org_id, period = spending.org.id, spending.period
    for counter, limit in spending.limits.items():
        needed = spending.used[counter]
        if found.get(f"left_{counter}", 0) >= needed:
            continue
        _settle_debts(org_id, period, counter)
        for amount in (max(needed, int(limit * _LOAN)), needed):
            try:
                commit(store.lend(org_id, period, number, counter, amount, limit, _empty))
            except _SliceEmptyError:
                continue
            break
        else:
            return _elsewhere(spending, counter)
    return number


def _settle_debts(org_id: str, period: str, counter: str) -> None:
    """Take from the limit what slices used while there was none."""
    left = _left(store.counters(org_id, period), counter)
    _square(org_id, period, counter, {sk: amount for sk, amount in left.items() if amount < 0})


def _square(org_id: str, period: str, counter: str, left: dict[str, int]) -> bool:
    if not left:
        return True
    try:
        commit(store.square(org_id, period, counter, left))
    except ConditionFailedError:
        # Somebody spent meanwhile: what is left now is another figure.
        telemetry.metric("UsageSquareContended")
        return False
    return True


def _left(items: list[Item], counter: str) -> dict[str, int]:
    return {item["sk"]: item[f"left_{counter}"] for item in items if item.get(f"left_{counter}")}


def rebalance(org_id: str) -> None:
    """Give what slices have left back to the month's total, and take their debts from it.

    For a change of plan, since a plan that is not sliced looks at the total alone, and of the cap, since what was lent
    under the old one is not the new one's to lend. Processes that still remember the old terms may borrow by them for
    as long as they remember a key (KEY_CACHE_SECONDS).
    """
    period = clock.stamp()[:7]
    counters = [*(meter.value for meter in Meter), "spent", "capped"]
    for _ in range(_ATTEMPTS):
        items = store.counters(org_id, period)
        counters = [name for name in counters if not _square(org_id, period, name, _left(items, name))]
        if not counters:
            return


def set_hard_cap(origin: Origin, org: Organisation, cap: HardCap, effect: Effect | None = None) -> None:
    """Set the organisation's own monthly spending limit.

    With it slices give back what they have left of the old one, which is not the new one's to lend.
    """
    if not org.terms.sliced:
        accounts.set_hard_cap(origin, cap, effect)
        return
    try:
        commit(accounts.capping(origin, cap, effect), _squaring(org.id, "capped"))
    except (AlreadyDone, ConditionFailedError, Contended):
        # Somebody spends meanwhile, or an earlier run set the cap and may have come no further: one after the other.
        accounts.set_hard_cap(origin, cap, effect)
        rebalance(org.id)


def _squaring(org_id: str, counter: str) -> Writes:
    """The writes that give all slices' leftovers of a counter back, if nobody spends from it meanwhile."""
    period = clock.stamp()[:7]
    items = store.counters(org_id, period)
    taken = sum(item.get(f"taken_{counter}", 0) for item in items)
    return store.square(org_id, period, counter, _left(items, counter), taken)


def _elsewhere(spending: _Spending, counter: str) -> int:
    items = store.counters(spending.org.id, spending.period)
    for item in items:
        if item["sk"].startswith("slice#") and all(
            item.get(f"left_{name}", 0) >= spending.used[name] for name in spending.limits
        ):
            return int(item["sk"].removeprefix("slice#"))
    raise spending.refusal(counter, sum(item.get(counter, 0) for item in items))


def price(meter: Meter) -> int:
    """What one unit costs, in millionths of a dollar."""
    return PRICE_MICROS[meter]


def settling(org: Organisation, meter: Meter, units: int) -> Update | None:
    """The write that counts what turned out to be used beyond what was spent before, or below it (negative).

    It has no condition: what was used was used, and a limit that it passes refuses the next spending.
    """
    if not units:
        return None
    spending = _spending(org, meter, units)
    if not org.terms.sliced:
        return store.add(org.id, spending.period, spending.used, {}, None)
    return store.take(org.id, spending.period, choose(SLICES), spending.used, (), None)


def within_day(org: Organisation, counter: str, limit: int) -> Update:
    """The write that counts one of something that is limited by the day (UTC). Raises QuotaExceeded at commit."""
    used, limits, day = {counter: 1}, {counter: limit}, clock.stamp()[:10]

    def over(items: list[Item | None]) -> Exception:
        return QuotaExceeded(
            "The plan's daily cap is reached.",
            code="daily_cap",
            resource=counter,
            current=(items[0] or {}).get(f"taken_{counter}", 0),
            cap=limit,
        )

    return store.add(org.id, day, used, limits, over)


def within_month(org_id: str, period: str, counter: str, limit: int | None) -> Update:
    """The write that counts one of something that is limited by the month (UTC). Raises QuotaExceeded at commit."""

    def over(items: list[Item | None]) -> Exception:
        return QuotaExceeded(
            "The plan's monthly quota is reached.",
            code="plan_quota",
            resource=counter,
            current=(items[0] or {}).get(f"taken_{counter}", 0),
            cap=limit,
        )

    return store.add(org_id, period, {counter: 1}, {} if limit is None else {counter: limit}, over)


def taken(org_id: str, period: str, counter: str) -> int:
    """How many of it were counted in a month, and not given back."""
    return int(store.get_total(org_id, period).get(f"taken_{counter}", 0))


def giving_back(org_id: str, period: str, counter: str) -> Update:
    """The write that gives one of it back, in the month that it was counted in."""
    return store.add(org_id, period, {counter: -1}, {}, None)


def counting(org_id: str, meter: Meter, units: int) -> Update:
    """The write that counts what costs nothing and is never refused."""
    return store.count(org_id, clock.stamp()[:7], choose(SLICES), meter.value, units)


def of_month(org_id: str, period: str) -> Usage:
    """What an organisation used in a month (`YYYY-MM`, UTC)."""
    items = store.counters(org_id, period)
    return Usage(
        period=period,
        units={meter.value: sum(item.get(meter.value, 0) for item in items) for meter in Meter},
        spent_micros=sum(item.get("spent", 0) for item in items),
    )
