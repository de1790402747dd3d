"""Counts use within limits, in the same transaction that uses the units.

On small plans a book of counters is one item, and each limit is a condition on it. One item takes part in one
transaction at a time. So on the Growth plan and above a book has slices. A transaction counts on one slice. If too
little is left there, the transaction also borrows a part of the limit for the slice. Each slice gets about a sixteenth
of the writes, and no limit is ever exceeded. A refusal means that all slices together have less left than the charge
needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from switchboard import telemetry
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.writes import ConditionFailedError, Update, Writes, commit
from switchboard.errors import Contended, QuotaExceeded
from switchboard.kit import chance
from switchboard.persistence.idempotency import EarlierEffect, IdempotencyGuard, commit_once, find_earlier_effect
from switchboard.persistence.optimistic import StaleVersionError, retry_on_conflict
from switchboard.usage import store
from switchboard.usage.store import Book

SLICES = 16
#: A slice borrows this fraction of a limit at a time. It borrows its whole share of a small limit, up to this number of
#: units, because each loan costs a request.
_LOAN_FRACTION, _SMALL_LOAN_UNITS = 1 / (SLICES * 4), 25

#: Chooses a slice. Tests replace it.
choose_slice: Callable[[int], int] = chance.below


@dataclass(frozen=True, slots=True, eq=False)
class Charge:
    """Units that a transaction adds to counters of a book, and the limits of these counters.

    `refusal` makes the exception for a counter that has reached its limit, from the counter's name and used units.
    """

    book: Book
    used: Mapping[str, int]
    limits: Mapping[str, int]
    refusal: Callable[[str, int], QuotaExceeded]
    sliced: bool


class ChargePlace(NamedTuple):
    """The item that counts a charge: a slice with its new loans, or the total (`None`)."""

    slice: int | None
    loans: Mapping[str, int] = {}


class _NoRoomError(Exception):
    """There is too little room for a charge at its place."""


def _no_room(_: list[Item | None]) -> Exception:
    return _NoRoomError()


@dataclass(frozen=True)
class _BookState:
    """The items of a book, as they were read."""

    items: list[Item]
    total: Item = field(default_factory=dict)

    @classmethod
    def read_state(cls, book: Book) -> _BookState:
        return cls.from_items(store.list_counters(book.org_id, book.period))

    @classmethod
    def from_items(cls, items: list[Item]) -> _BookState:
        return cls(items, next((item for item in items if item["sk"] == "total"), {}))

    def used_units(self, counter: str) -> int:
        return sum(item.get(counter, 0) for item in self.items)

    def left_units(self, counter: str) -> dict[str, int]:
        """Returns the units of a counter that slices have left, by sort key, without zeros. Debts are negative."""
        return {item["sk"]: item[f"left_{counter}"] for item in self.items if item.get(f"left_{counter}")}

    def unlent_units(self, counter: str, limit: int) -> int:
        return int(limit - self.total.get(f"taken_{counter}", 0))

    def room_units(self, counter: str, limit: int) -> int:
        """Returns the units that may still be used, on the total and on all slices together."""
        return self.unlent_units(counter, limit) + sum(self.left_units(counter).values())


def commit_within(
    charges: Sequence[Charge], *parts: Writes, once: IdempotencyGuard | None = None, subject_id: str = ""
) -> EarlierEffect | None:
    """Commits the parts and counts the charges, all or nothing.

    With `once`, also commit the request's effect on `subject_id` (see `commit_once`). Returns `None` for a new effect,
    or the effect of an earlier run of the request, which has already been charged. Raises QuotaExceeded at a limit.
    """
    assert len({charge.book for charge in charges}) == len(charges), "a commit writes to an item once"
    places = [ChargePlace(choose_slice(SLICES) if charge.sliced else None) for charge in charges]
    while True:
        try:
            return commit_once(once, subject_id, *parts, map(_charge_writes, charges, places))
        except _NoRoomError:
            try:
                # Each failed round means that another transaction succeeded. So the loop ends when nothing is left.
                places = _find_rooms(charges, places)
            except QuotaExceeded:
                # Another run of this request may have used the last units between the commit and the read.
                if done := find_earlier_effect(once):
                    return done
                raise


def _charge_writes(charge: Charge, place: ChargePlace) -> list[Update]:
    """Returns the writes that count a charge at a place."""
    if place.slice is None:
        return [store.total_write(charge.book, charge.used, charge.limits, _no_room)]
    taking = store.slice_write(charge.book, place.slice, charge.used, charge.limits, place.loans, _no_room)
    return [taking, store.loan_write(charge.book, place.loans, charge.limits, _no_room)] if place.loans else [taking]


def unconditional_charge_write(charge: Charge) -> Update:
    """Returns the write that counts units which are already used, regardless of limits."""
    if charge.sliced:
        return store.slice_write(charge.book, choose_slice(SLICES), charge.used, (), {}, None)
    return store.total_write(charge.book, charge.used, {}, None)


def _find_rooms(charges: Sequence[Charge], places: Sequence[ChargePlace]) -> list[ChargePlace]:
    """Returns new places for charges that did not all fit. Raises QuotaExceeded for a charge without any room."""
    found = store.get_books((charge.book for charge in charges), SLICES)
    return [
        _find_room(charge, place, _BookState.from_items(items))
        for charge, place, items in zip(charges, places, found, strict=True)
    ]


def _find_room(charge: Charge, before: ChargePlace, now: _BookState) -> ChargePlace:
    for counter, limit in charge.limits.items():
        if now.room_units(counter, limit) < charge.used[counter]:
            raise charge.refusal(counter, now.used_units(counter))
    if before.slice is None:
        # The book had slices under another plan, and they still hold a part of the limit.
        for counter in charge.limits:
            _return_loans(charge.book, counter, now.left_units(counter))
        return before
    return _find_slice(charge, before.slice, now)


def _find_slice(charge: Charge, number: int, now: _BookState) -> ChargePlace:
    loans: dict[str, int] = {}
    for counter, limit in charge.limits.items():
        needed, left = charge.used[counter], now.left_units(counter)
        debts = {sk: amount for sk, amount in left.items() if amount < 0}
        if debts:
            # Slices were used while there was no limit. Take their debts from the limit first.
            _return_loans(charge.book, counter, debts)
            return ChargePlace(number)
        if left.get(store.slice_sk(number), 0) >= needed:
            continue
        unlent = now.unlent_units(counter, limit)
        if unlent >= needed:
            loans[counter] = max(needed, min(unlent, _loan_units(limit)))
            continue
        other = _slice_with_room(charge, now)
        if other is None:
            # The last units of the limit are spread over several slices. Return them to the total, to lend them again.
            _return_loans(charge.book, counter, left)
        return ChargePlace(number if other is None else other)
    return ChargePlace(number, loans)


def _loan_units(limit: int) -> int:
    return max(int(limit * _LOAN_FRACTION), min(limit // SLICES, _SMALL_LOAN_UNITS))


def _slice_with_room(charge: Charge, now: _BookState) -> int | None:
    """Returns a slice that has enough units left for all limited counters, or `None`."""
    for item in now.items:
        if item["sk"].startswith("slice#") and all(
            item.get(f"left_{counter}", 0) >= charge.used[counter] for counter in charge.limits
        ):
            return int(item["sk"].removeprefix("slice#"))
    return None


def _return_loans(book: Book, counter: str, left: dict[str, int]) -> bool:
    """Returns the slices' remaining units of a counter to the total, and takes their debts from it.

    Returns False if the figures have changed since they were read.
    """
    if not left:
        return True
    try:
        commit(store.loan_return_writes(book, counter, left))
    except ConditionFailedError:
        # Another transaction spent units at the same time, so the figures have changed.
        telemetry.emit_metric("UsageSquareContended")
        return False
    return True


def require_room(charges: Sequence[Charge], totals: Sequence[Item] | None = None) -> None:
    """Raises QuotaExceeded for a charge that a commit would refuse, as far as a read before the commit can show.

    Needs one read, or none if the caller passes the `totals` of the books. Slices are read only if a total is used up.
    """
    limited = [charge for charge in charges if charge.limits]
    if not limited:
        return
    found = store.get_totals(charge.book for charge in limited) if totals is None else totals
    for charge, total in zip(limited, found, strict=True):
        if all(total.get(f"taken_{name}", 0) + charge.used[name] <= limit for name, limit in charge.limits.items()):
            continue
        now = _BookState.read_state(charge.book)
        for counter, limit in charge.limits.items():
            if now.room_units(counter, limit) < charge.used[counter]:
                raise charge.refusal(counter, now.used_units(counter))


def total_ref(charge: Charge) -> Key:
    """Returns the key of the total of a charge's book in the `core` table, for a read together with other items."""
    return store.total_ref(charge.book.org_id, charge.book.period)


def used_in_month(org_id: str, period: str, counter: str) -> int:
    """Returns the used units of a counter in a month (`YYYY-MM`), less the units that were given back."""
    return sum(item.get(counter, 0) for item in store.list_counters(org_id, period))


def balance_book(book: Book) -> None:
    """Returns the slices' remaining units of all counters to the total, and takes their debts from it.

    A transaction that spends at the same time changes the figures of a counter. Then this retries for some time.
    """

    def attempt() -> None:
        now = _BookState.read_state(book)
        if [name for name in _lent_counters(now.items) if not _return_loans(book, name, now.left_units(name))]:
            raise StaleVersionError

    with suppress(Contended):
        retry_on_conflict(attempt)


def _lent_counters(items: Iterable[Item]) -> list[str]:
    return sorted({name.removeprefix("left_") for item in items for name in item if name.startswith("left_")})


def loan_return_writes(book: Book, counter: str) -> Writes:
    """Returns the writes that return all slices' remaining units of a counter to the total.

    They fail at commit with ConditionFailedError if another transaction spends units of the counter at the same time.
    """
    now = _BookState.read_state(book)
    return store.loan_return_writes(book, counter, now.left_units(counter), now.total.get(f"taken_{counter}", 0))
