"""Spending within limits: the costs of mails and calls, and the limits of a day and a month.

`switchboard.usage.charges` counts the charges, on one item or in slices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from switchboard.accounts import organizations
from switchboard.accounts.models import HardCap, Organization
from switchboard.aws.dynamodb import Item
from switchboard.aws.reads import Ref
from switchboard.aws.writes import ConditionFailedError, Update, Writes
from switchboard.errors import Contended, QuotaExceeded
from switchboard.events.models import Origin
from switchboard.kit import clock, texts
from switchboard.persistence.idempotency import EarlierEffect, IdempotencyGuard, IdempotencyKey, commit_once
from switchboard.persistence.optimistic import retry_on_conflict
from switchboard.usage import charges, store
from switchboard.usage.charges import SLICES, Charge, commit_within, require_room, total_ref, used_in_month
from switchboard.usage.models import (
    BILLED_LATER,
    CAP_SWITCH,
    INCLUDED,
    MICROS_PER_CENT,
    MONTHLY_QUOTA,
    PRICE_MICROS,
    QUOTA_COUNTER,
    Meter,
    SpendingReceipt,
    Usage,
)
from switchboard.usage.store import Book

__all__ = [
    "SLICES",
    "Charge",
    "change_hard_cap",
    "commit_spending",
    "commit_within",
    "correction_write",
    "count_write",
    "daily_charge",
    "daily_charge_of_contact",
    "daily_charge_of_key",
    "daily_limit_write",
    "get_monthly_usage",
    "hold_charge",
    "monthly_charge",
    "monthly_counter_refs",
    "owed_write",
    "price_micros",
    "rebalance",
    "receipt_of",
    "refund_write",
    "remaining_micros",
    "require_room",
    "set_hard_cap",
    "spending_charge",
    "sum_units",
    "total_ref",
    "unbilled_charge",
    "unbilled_limit",
    "used_in_month",
]


#: The text of a daily limit that the plan sets.
_PLAN_CAP = "The plan's daily cap is reached: change the plan, or wait for the next day (UTC)."
_PLAN_QUOTA = "The plan's monthly quota is reached: change the plan, or wait for the next month (UTC)."
#: A plan that nobody pays for has this part of what the platform pays and bills nobody for.
_FREE_PART = 50
#: The time that the counters of a day are kept after it.
_DAYS_KEPT = timedelta(days=35)


def commit_spending(
    org: Organization,
    meter: Meter,
    units: int,
    *parts: Writes,
    beside: Sequence[Charge] = (),
    once: IdempotencyGuard | None = None,
    subject_id: str = "",
) -> EarlierEffect | None:
    """Commits the parts and counts the units, with the charges in `beside`, all or nothing.

    `once` and `subject_id` are those of `commit_once`. Returns `None` for a new effect, or the effect of an earlier run
    of the request. Raises QuotaExceeded at a limit.
    """
    return commit_within([*beside, spending_charge(org, meter, units)], *parts, once=once, subject_id=subject_id)


#: The counter of what an organization with an unpaid subscription sends. Its limit is zero, so it is never written.
_UNPAID = "unpaid"
#: The counter of the cost of what is billed after its use. Only a new payer has a limit of it.
_CREDIT = "credit"


def spending_charge(org: Organization, meter: Meter, units: int, *, sends: bool = True, held: int = 0) -> Charge:
    """Returns the charge for units of a meter, within the plan's monthly quota and the organization's own cap.

    `held` are more units, which count towards the limits only (`hold_charge`).

    Without somebody who pays for more, what the plan includes is a quota too (`Organization.pays_overage`). With
    `sends`, as for everything but a call in, an unpaid subscription leaves no room. A claim asks about it again, in its
    own transaction (`accounts.stops`).
    """
    capped = org.hard_cap.meters.get(CAP_SWITCH[meter], True)
    used, limits = _spent(meter, units, capped=capped), _limits(org, meter)
    for counter, more in _held(meter, held, capped=capped).items():
        used[counter] += more
    if sends and org.unpaid:
        used, limits = used | {_UNPAID: 1}, {_UNPAID: 0}

    def refusal(counter: str, current: int) -> QuotaExceeded:
        if counter == _UNPAID:
            return QuotaExceeded(
                "The organization's subscription is unpaid: pay the open invoice, or end the dispute of a payment, to"
                " call, text and mail again.",
                code="subscription_unpaid",
            )
        return _limit_reached(org, meter, counter, current, limits[counter])

    return Charge(_month(org.id), used, limits, refusal, org.terms.sliced)


def hold_charge(org: Organization, meter: Meter, units: int, spent: SpendingReceipt) -> Charge:
    """Returns the charge that holds units for a use that was begun with `spent`, within the same limits.

    Held units count towards the limits, and not as use. `correction_write` releases them.
    """
    limits = _limits(org, meter)
    held = _held(meter, units, capped=spent.capped)

    def refusal(counter: str, current: int) -> QuotaExceeded:
        return _limit_reached(org, meter, counter, current, limits[counter])

    within = {counter: limit for counter, limit in limits.items() if counter in held}
    return Charge(_month(org.id, spent.period), held, within, refusal, org.terms.sliced)


def _held(meter: Meter, units: int, *, capped: bool) -> dict[str, int]:
    """Returns what held units add to the counters of limits."""
    return _shared(meter, units, units * PRICE_MICROS[meter], capped=capped) if units else {}


def _limits(org: Organization, meter: Meter) -> dict[str, int]:
    """Returns the limits of a month by their counters: the meter's quota, the organization's cap, a payer's credit."""
    limits = {}
    if (quota := _monthly_quota(org, meter)) is not None:
        limits[QUOTA_COUNTER.get(meter, meter.value)] = quota
    if org.hard_cap.enabled and org.hard_cap.meters.get(CAP_SWITCH[meter], True):
        limits["capped"] = org.hard_cap.monthly_cap_cents * MICROS_PER_CENT
    if (credit := _credit_micros(org, meter)) is not None:
        limits[_CREDIT] = credit
    return limits


def _credit_micros(org: Organization, meter: Meter) -> int | None:
    """Returns what the billed use of a new payer may cost in a month, `None` without a limit."""
    cents = org.terms.first_month_cents
    return cents * MICROS_PER_CENT if org.new_payer and cents is not None and meter in BILLED_LATER else None


def _limit_reached(org: Organization, meter: Meter, counter: str, current: int, limit: int) -> QuotaExceeded:
    if counter == "capped":
        return QuotaExceeded(
            "The organization's monthly spending cap is reached: raise the cap, or wait for the next month (UTC).",
            code="hard_cap",
            resource=CAP_SWITCH[meter],
            current=current // MICROS_PER_CENT,
            cap=org.hard_cap.monthly_cap_cents,
        )
    if counter == _CREDIT:
        return QuotaExceeded(
            "A new subscription may use this much before a whole month was paid: wait for the next month (UTC), or ask"
            " your contact for more.",
            code="credit_limit",
            resource=CAP_SWITCH[meter],
            current=current // MICROS_PER_CENT,
            cap=limit // MICROS_PER_CENT,
        )
    return QuotaExceeded(
        _quota_text(org, meter, limit), code="plan_quota", resource=CAP_SWITCH[meter], current=current, cap=limit
    )


def _monthly_quota(org: Organization, meter: Meter) -> int | None:
    """Returns the units of a meter that an organization may use in a month, `None` without a limit."""
    names = MONTHLY_QUOTA if org.pays_overage else MONTHLY_QUOTA | INCLUDED
    return getattr(org.terms, names[meter]) if meter in names else None


def _quota_text(org: Organization, meter: Meter, quota: int) -> str:
    if meter in MONTHLY_QUOTA:
        return _PLAN_QUOTA if quota else _not_included(CAP_SWITCH[meter])
    remedy = "pay the open invoice" if org.past_due else "subscribe to a plan"
    return f"Everything that the plan includes is used: {remedy}, or wait for the next month (UTC)."


def _not_included(counter: str) -> str:
    """Returns the text for a limit of zero: nothing was used, and waiting does not help."""
    return f"Your plan does not include {counter.replace('_', ' ')}: change the plan."


def _spent(meter: Meter, units: int, *, capped: bool) -> dict[str, int]:
    """Returns the amounts that a spending adds to each counter."""
    return _spent_at(meter, units, units * PRICE_MICROS[meter], capped=capped)


def _spent_at(meter: Meter, units: int, cost: int, *, capped: bool) -> dict[str, int]:
    return {meter.value: units, "spent": cost, **_shared(meter, units, cost, capped=capped)}


def _shared(meter: Meter, units: int, cost: int, *, capped: bool) -> dict[str, int]:
    """Returns what units add to the counters that several meters share, which are those of limits."""
    shared = {QUOTA_COUNTER[meter]: units} if meter in QUOTA_COUNTER else {}
    shared |= {_CREDIT: cost} if meter in BILLED_LATER else {}
    return shared | ({"capped": cost} if capped else {})


def receipt_of(within: Sequence[Charge]) -> SpendingReceipt | None:
    """Returns the receipt of the spending among these charges, or `None` if there is none."""
    receipts = (
        SpendingReceipt(period=one.book.period, capped="capped" in one.used) for one in within if "spent" in one.used
    )
    return next(receipts, None)


def _month(org_id: str, period: str | None = None) -> Book:
    return Book(org_id, period or clock.now_iso()[:7])


def _day(org_id: str, of: str = "") -> Book:
    now = clock.now()
    return Book(org_id, clock.format_iso(now)[:10] + of, int((now + _DAYS_KEPT).timestamp()))


def daily_charge(org: Organization, counter: str, limit: int, *, refusal_text: str = _PLAN_CAP) -> Charge:
    """Returns the charge for one unit of a counter with a daily limit (UTC).

    A limit that is the same for every plan has its own `refusal_text`.
    """

    def refusal(_: str, current: int) -> QuotaExceeded:
        return QuotaExceeded(
            refusal_text if limit else _not_included(counter),
            code="daily_cap",
            resource=counter,
            current=current,
            cap=limit,
        )

    return Charge(_day(org.id), {counter: 1}, {counter: limit}, refusal, org.terms.sliced)


def daily_limit_write(org_id: str, counter: str, limit: int, refusal_text: str) -> Update:
    """Returns the write that counts one unit of a counter of its own with a daily limit (UTC), the same for each plan.

    It is for commits that charge nothing. It raises QuotaExceeded at commit.
    """

    def refuse(_: list[Item | None]) -> QuotaExceeded:
        return QuotaExceeded(refusal_text, code="daily_cap", resource=counter, current=limit, cap=limit)

    return store.total_write(_day(org_id, f"#{counter}"), {counter: 1}, {counter: limit}, refuse)


def unbilled_charge(org: Organization, counter: str, limit: int, *, refusal_text: str = _PLAN_CAP) -> Charge:
    """Returns the charge for one use that the platform pays and bills nobody for, such as a question to a model.

    `limit` is the most of them in a day (UTC). A plan that nobody pays for has a small part of it.
    """
    return daily_charge(org, counter, unbilled_limit(org, limit), refusal_text=refusal_text)


def unbilled_limit(org: Organization, limit: int) -> int:
    """Returns how many of an unbilled use an organization has in a day, at most `limit`."""
    return limit if org.terms.has_overage else max(1, limit // _FREE_PART)


def daily_charge_of_key(org: Organization, key_id: str, limit: int, refusal: QuotaExceeded) -> Charge:
    """Returns the charge for one call of a key with a daily limit (UTC). At the limit it raises `refusal`."""
    return Charge(_day(org.id, f"#{key_id}"), {"calls": 1}, {"calls": limit}, lambda *_: refusal, org.terms.sliced)


def daily_charge_of_contact(org: Organization, contact_e164: str, counter: str, limit: int) -> Charge:
    """Returns the charge for one unit that a contact causes, with a daily limit (UTC) for each contact."""

    def refusal(_: str, current: int) -> QuotaExceeded:
        return QuotaExceeded(
            "Too many requests came from this contact today: try again tomorrow (UTC).",
            code="daily_cap",
            resource=counter,
            current=current,
            cap=limit,
        )

    book = _day(org.id, f"#contact#{texts.digest(contact_e164)}")
    return Charge(book, {counter: 1}, {counter: limit}, refusal, sliced=False)


def monthly_charge(org: Organization, period: str, counter: str, limit: int | None) -> Charge:
    """Returns the charge for one unit of a counter with a monthly limit (UTC). `None` means no limit."""

    def refusal(_: str, current: int) -> QuotaExceeded:
        return QuotaExceeded(
            _PLAN_QUOTA,
            code="plan_quota",
            resource=counter,
            current=current,
            cap=limit,
        )

    limits = {} if limit is None else {counter: limit}
    return Charge(_month(org.id, period), {counter: 1}, limits, refusal, org.terms.sliced)


def refund_write(org_id: str, period: str, counter: str, *, sliced: bool) -> Update:
    """Returns the write that gives one unit back to the month (`YYYY-MM`) in which it was counted.

    `sliced` says how the unit was counted. Both ways stay correct after a change of plan.
    """
    return charges.unconditional_charge_write(Charge(_month(org_id, period), {counter: -1}, {}, _unlimited, sliced))


def _unlimited(counter: str, current: int) -> QuotaExceeded:
    raise AssertionError(f"{counter} has no limit here, and {current} of it cannot be too many")


def correction_write(
    org: Organization, meter: Meter, units: int, spent: SpendingReceipt, *, released: int = 0
) -> Update | None:
    """Returns the write that corrects a spending by the difference to the real use. Fewer units are negative.

    It also releases so many held units. A negative number holds more.

    The correction counts where the spending counted: in the same month, even if a new one has begun, and towards the
    cap only if the spending did, even if the cap's switches have changed. So units are given back only where they were
    counted.

    The write has no condition, because the units are already used. If it exceeds a limit, the next spending fails.
    """
    if not units and not released:
        return None
    used = _spent(meter, units, capped=spent.capped)
    for counter, held in _held(meter, released, capped=spent.capped).items():
        used[counter] -= held
    return charges.unconditional_charge_write(
        Charge(_month(org.id, spent.period), used, {}, _unlimited, org.terms.sliced)
    )


def owed_write(org: Organization, meter: Meter, units: int, cost_micros: int, period: str) -> Update:
    """Returns the write that counts units which the platform owes in any case, at a given cost in a month (`YYYY-MM`).

    It has no condition: above the quota or the cap it also counts, and the next spending fails.
    """
    capped = org.hard_cap.meters.get(CAP_SWITCH[meter], True)
    used = _spent_at(meter, units, cost_micros, capped=capped)
    return charges.unconditional_charge_write(Charge(_month(org.id, period), used, {}, _unlimited, org.terms.sliced))


def count_write(org_id: str, meter: Meter, units: int) -> Update:
    """Returns the write that counts units without a price and without a limit."""
    return store.unlimited_count_write(_month(org_id), charges.choose_slice(SLICES), meter.value, units)


def rebalance(org_id: str) -> None:
    """Returns the slices' remaining units to the totals of the month and the day, and takes their debts from them.

    Call it after a change of plan, because a plan without slices reads only the total. Call it after a change of the
    cap, because loans under the old cap do not fit the new one. Processes with a cached key may borrow under the old
    terms for up to KEY_CACHE_SECONDS.
    """
    for book in (_month(org_id), _day(org_id)):
        charges.balance_book(book)


def change_hard_cap(origin: Origin, changes: Mapping[str, Any]) -> None:
    """Changes some fields of the organization's own monthly spending limit. The other fields stay as they are now."""

    def attempt() -> None:
        org = organizations.get_organization(origin.org_id)
        cap = HardCap.model_validate(org.hard_cap.model_dump() | dict(changes))
        set_hard_cap(origin, org, cap, seen=org)

    retry_on_conflict(attempt)


def set_hard_cap(
    origin: Origin,
    org: Organization,
    cap: HardCap,
    effect: IdempotencyKey | None = None,
    seen: Organization | None = None,
) -> None:
    """Sets the organization's own monthly spending limit.

    Raises StaleVersionError if it has changed since `seen` was read.

    Slices return the units that they borrowed under the old limit.
    """
    if not org.terms.sliced:
        organizations.set_hard_cap(origin, cap, effect, seen)
        return
    squared = charges.loan_return_writes(_month(org.id), "capped")
    try:
        if commit_once(effect, org.id, organizations.hard_cap_writes(origin, cap, seen), squared) is None:
            return
        # An earlier run of the request set the cap. It may have stopped before the rebalancing.
    except (ConditionFailedError, Contended):
        # Another transaction spends at the same time. Set the cap first, and then rebalance.
        organizations.set_hard_cap(origin, cap, effect, seen)
    rebalance(org.id)


def remaining_micros(org: Organization, meter: Meter) -> int | None:
    """Returns how much a meter may still cost this month, in millionths of a dollar, or `None` without a limit.

    The limits are the organization's cap, the plan's quota of the meter, and the limit of a new payer. A negative rest
    means that more was spent than they allow: a limit was lowered, or calls took longer than their prepaid time.
    """
    limits = _limits(org, meter)
    if not limits:
        return None
    items = store.list_counters(org.id, clock.now_iso()[:7])
    # A quota counts units, and the other limits are sums of money.
    prices = {QUOTA_COUNTER.get(meter, meter.value): PRICE_MICROS[meter]}
    rests: list[int] = [
        (limit - sum(item.get(counter, 0) for item in items)) * prices.get(counter, 1)
        for counter, limit in limits.items()
    ]
    return min(rests)


def price_micros(meter: Meter) -> int:
    """Returns the price of one unit, in millionths of a dollar."""
    return PRICE_MICROS[meter]


def monthly_counter_refs(org_id: str) -> list[Ref[Item]]:
    """Returns the references to the counters of the current month, for a read with others (`sum_units`)."""
    partition = store.book_partition(org_id, clock.now_iso()[:7])
    sks = ["total", *map(store.slice_sk, range(SLICES))]
    return [Ref("core", {"pk": partition, "sk": sk}, dict) for sk in sks]


def sum_units(counters: Sequence[Item | None], *meters: Meter) -> int:
    """Returns the units of some meters in the counters of a month."""
    return sum(int(item.get(meter.value, 0)) for item in counters if item for meter in meters)


def get_monthly_usage(org_id: str, period: str | None = None) -> Usage:
    """Returns an organization's usage of a month (`YYYY-MM`, UTC), by default of the current month."""
    period = period or clock.now_iso()[:7]
    items = store.list_counters(org_id, period)
    return Usage(
        period=period,
        units={meter.value: sum(item.get(meter.value, 0) for item in items) for meter in Meter},
        spent_micros=sum(item.get("spent", 0) for item in items),
    )
