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
from switchboard.aws import chance
from switchboard.aws.effect import Done, Once, commit_once, done_before
from switchboard.aws.table import ConditionFailedError, Item, Key, Update, Writes, commit
from switchboard.errors import Contended, QuotaExceeded
from switchboard.kit.change import Moved, again
from switchboard.usage import store
from switchboard.usage.store import Book

SLICES = 16
#: A slice borrows this fraction of a limit at a time. It borrows its whole share of a small limit, up to this number of
#: units, because each loan costs a request.
_LOAN, _SMALL_LOAN = 1 / (SLICES * 4), 25

#: Chooses a slice. Tests replace it.
choose: Callable[[int], int] = chance.below


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


class Place(NamedTuple):
    """The item that counts a charge: a slice with its new loans, or the total (`None`)."""

    slice: int | None
    loans: Mapping[str, int] = {}


class _NoRoomError(Exception):
    """There is too little room for a charge at its place."""


def _no_room(_: list[Item | None]) -> Exception:
    return _NoRoomError()


@dataclass(frozen=True)
class _Standing:
    """The items of a book, as they were read."""

    items: list[Item]
    total: Item = field(default_factory=dict)

    @classmethod
    def of(cls, book: Book) -> _Standing:
        return cls.from_items(store.counters(book.org_id, book.period))

    @classmethod
    def from_items(cls, items: list[Item]) -> _Standing:
        return cls(items, next((item for item in items if item["sk"] == "total"), {}))

    def used(self, counter: str) -> int:
        return sum(item.get(counter, 0) for item in self.items)

    def left(self, counter: str) -> dict[str, int]:
        """Return the units of a counter that slices have left, by sort key, without zeros. Negative units are debts."""
        return {item["sk"]: item[f"left_{counter}"] for item in self.items if item.get(f"left_{counter}")}

    def unlent(self, counter: str, limit: int) -> int:
        return int(limit - self.total.get(f"taken_{counter}", 0))

    def room(self, counter: str, limit: int) -> int:
        """Return the units that may still be used, on the total and on all slices together."""
        return self.unlent(counter, limit) + sum(self.left(counter).values())


def commit_within(
    charges: Sequence[Charge], *parts: Writes, once: Once | None = None, subject_id: str = ""
) -> Done | None:
    """Commit the parts and count the charges, all or nothing.

    With `once`, also commit the request's effect on `subject_id` (see `commit_once`). Returns `None` for a new effect,
    or the effect of an earlier run of the request, which has already been charged. Raises QuotaExceeded at a limit.
    """
    assert len({charge.book for charge in charges}) == len(charges), "a commit writes to an item once"
    places = [Place(choose(SLICES) if charge.sliced else None) for charge in charges]
    while True:
        try:
            return commit_once(once, subject_id, *parts, map(_writes, charges, places))
        except _NoRoomError:
            try:
                # Each failed round means that another transaction succeeded. So the loop ends when nothing is left.
                places = _find_rooms(charges, places)
            except QuotaExceeded:
                # Another run of this request may have used the last units between the commit and the read.
                if done := done_before(once):
                    return done
                raise


def _writes(charge: Charge, place: Place) -> list[Update]:
    """Return the writes that count a charge at a place."""
    if place.slice is None:
        return [store.add(charge.book, charge.used, charge.limits, _no_room)]
    taking = store.take(charge.book, place.slice, charge.used, charge.limits, place.loans, _no_room)
    return [taking, store.lend(charge.book, place.loans, charge.limits, _no_room)] if place.loans else [taking]


def unconditional(charge: Charge) -> Update:
    """Return the write that counts units which are already used, regardless of limits."""
    if charge.sliced:
        return store.take(charge.book, choose(SLICES), charge.used, (), {}, None)
    return store.add(charge.book, charge.used, {}, None)


def _find_rooms(charges: Sequence[Charge], places: Sequence[Place]) -> list[Place]:
    """Return new places for charges that did not all fit. Raises QuotaExceeded for a charge without any room."""
    found = store.read((charge.book for charge in charges), SLICES)
    return [
        _find_room(charge, place, _Standing.from_items(items))
        for charge, place, items in zip(charges, places, found, strict=True)
    ]


def _find_room(charge: Charge, before: Place, now: _Standing) -> Place:
    for counter, limit in charge.limits.items():
        if now.room(counter, limit) < charge.used[counter]:
            raise charge.refusal(counter, now.used(counter))
    if before.slice is None:
        # The book had slices under another plan, and they still hold a part of the limit.
        for counter in charge.limits:
            _square(charge.book, counter, now.left(counter))
        return before
    return _on_slices(charge, before.slice, now)


def _on_slices(charge: Charge, number: int, now: _Standing) -> Place:
    loans: dict[str, int] = {}
    for counter, limit in charge.limits.items():
        needed, left = charge.used[counter], now.left(counter)
        debts = {sk: amount for sk, amount in left.items() if amount < 0}
        if debts:
            # Slices were used while there was no limit. Take their debts from the limit first.
            _square(charge.book, counter, debts)
            return Place(number)
        if left.get(store.slice_sk(number), 0) >= needed:
            continue
        unlent = now.unlent(counter, limit)
        if unlent >= needed:
            loans[counter] = max(needed, min(unlent, _loan(limit)))
            continue
        other = _elsewhere(charge, now)
        if other is None:
            # The last units of the limit are spread over several slices. Return them to the total, to lend them again.
            _square(charge.book, counter, left)
        return Place(number if other is None else other)
    return Place(number, loans)


def _loan(limit: int) -> int:
    return max(int(limit * _LOAN), min(limit // SLICES, _SMALL_LOAN))


def _elsewhere(charge: Charge, now: _Standing) -> int | None:
    """Return a slice that has enough units left for all limited counters, or `None`."""
    for item in now.items:
        if item["sk"].startswith("slice#") and all(
            item.get(f"left_{counter}", 0) >= charge.used[counter] for counter in charge.limits
        ):
            return int(item["sk"].removeprefix("slice#"))
    return None


def _square(book: Book, counter: str, left: dict[str, int]) -> bool:
    """Return the slices' remaining units of a counter to the total, and take their debts from it.

    Returns False if the figures have changed since they were read.
    """
    if not left:
        return True
    try:
        commit(store.square(book, counter, left))
    except ConditionFailedError:
        # Another transaction spent units at the same time, so the figures have changed.
        telemetry.metric("UsageSquareContended")
        return False
    return True


def require_room(charges: Sequence[Charge], totals: Sequence[Item] | None = None) -> None:
    """Raise QuotaExceeded for a charge that a commit would refuse, as far as a read before the commit can show.

    Needs one read, or none if the caller passes the `totals` of the books. Slices are read only if a total is used up.
    """
    limited = [charge for charge in charges if charge.limits]
    if not limited:
        return
    found = store.totals(charge.book for charge in limited) if totals is None else totals
    for charge, total in zip(limited, found, strict=True):
        if all(total.get(f"taken_{name}", 0) + charge.used[name] <= limit for name, limit in charge.limits.items()):
            continue
        now = _Standing.of(charge.book)
        for counter, limit in charge.limits.items():
            if now.room(counter, limit) < charge.used[counter]:
                raise charge.refusal(counter, now.used(counter))


def total_key(charge: Charge) -> Key:
    """Return the key of the total of a charge's book in the `core` table, for a read together with other items."""
    return store.total_key(charge.book.org_id, charge.book.period)


def used(org_id: str, period: str, counter: str) -> int:
    """Return the used units of a counter, less the units that were given back."""
    return sum(item.get(counter, 0) for item in store.counters(org_id, period))


def balance(book: Book) -> None:
    """Return the slices' remaining units of all counters to the total, and take their debts from it.

    A transaction that spends at the same time changes the figures of a counter. Then this retries for some time.
    """

    def attempt() -> None:
        now = _Standing.of(book)
        if [name for name in _lent(now.items) if not _square(book, name, now.left(name))]:
            raise Moved

    with suppress(Contended):
        again(attempt)


def _lent(items: Iterable[Item]) -> list[str]:
    return sorted({name.removeprefix("left_") for item in items for name in item if name.startswith("left_")})


def squaring(book: Book, counter: str) -> Writes:
    """Return the writes that return all slices' remaining units of a counter to the total.

    They fail at commit with ConditionFailedError if another transaction spends units of the counter at the same time.
    """
    now = _Standing.of(book)
    return store.square(book, counter, now.left(counter), now.total.get(f"taken_{counter}", 0))
