"""Counting within limits, in the transaction that uses what is counted.

On small plans a book of counters is one item, and each limit a condition on it. One item takes part in one transaction
at a time, so from the Growth plan on a book is cut into slices: a transaction counts on one of them, and borrows a part
of the limit with it when too little is left there. No item then carries more than a sixteenth of the writes, no limit
is ever exceeded, and a refusal means that less is left in all slices together than was asked for.
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
#: A slice borrows this part of a limit at a time; of a small limit its whole share, since each loan costs a request.
_LOAN, _SMALL_LOAN = 1 / (SLICES * 4), 25

#: How a slice is chosen. Tests replace it.
choose: Callable[[int], int] = chance.below


@dataclass(frozen=True, slots=True, eq=False)
class Charge:
    """Units that a transaction uses of counters of a book, and the limits that hold for them.

    `refusal` makes the exception for a counter whose limit is reached, from what is used of it.
    """

    book: Book
    used: Mapping[str, int]
    limits: Mapping[str, int]
    refusal: Callable[[str, int], QuotaExceeded]
    sliced: bool


class Place(NamedTuple):
    """Where a charge is counted: on a slice, with what that borrows, or on the total (`None`)."""

    slice: int | None
    loans: Mapping[str, int] = {}


class _NoRoomError(Exception):
    """A charge found too little room where it was to be counted."""


def _no_room(_: list[Item | None]) -> Exception:
    return _NoRoomError()


@dataclass(frozen=True)
class _Standing:
    """A book as it was read."""

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
        """What slices have left of a counter, or owe it (negative), where it is anything."""
        return {item["sk"]: item[f"left_{counter}"] for item in self.items if item.get(f"left_{counter}")}

    def unlent(self, counter: str, limit: int) -> int:
        return int(limit - self.total.get(f"taken_{counter}", 0))

    def room(self, counter: str, limit: int) -> int:
        """How much may still be used, wherever it is."""
        return self.unlent(counter, limit) + sum(self.left(counter).values())


def commit_within(
    charges: Sequence[Charge], *parts: Writes, once: Once | None = None, subject_id: str = ""
) -> Done | None:
    """Commit the parts and count the charges with them, all or nothing.

    With `once`, the request's effect on `subject_id` is committed too (`commit_once`): returns `None` when everything
    is made now, and otherwise what an earlier run of the request made, which has paid already. Raises QuotaExceeded
    at a limit.
    """
    assert len({charge.book for charge in charges}) == len(charges), "a commit writes to an item once"
    places = [Place(choose(SLICES) if charge.sliced else None) for charge in charges]
    while True:
        try:
            return commit_once(once, subject_id, *parts, map(_writes, charges, places))
        except _NoRoomError:
            try:
                # Each round means that somebody else was served meanwhile: it ends when nothing is left.
                places = _find_rooms(charges, places)
            except QuotaExceeded:
                # Another run of this request may have taken the last of it between the commit and the reading.
                if done := done_before(once):
                    return done
                raise


def _writes(charge: Charge, place: Place) -> list[Update]:
    """The writes that count a charge at a place."""
    if place.slice is None:
        return [store.add(charge.book, charge.used, charge.limits, _no_room)]
    taking = store.take(charge.book, place.slice, charge.used, charge.limits, place.loans, _no_room)
    return [taking, store.lend(charge.book, place.loans, charge.limits, _no_room)] if place.loans else [taking]


def unconditional(charge: Charge) -> Update:
    """The write that counts what was used already, whatever the limits say."""
    if charge.sliced:
        return store.take(charge.book, choose(SLICES), charge.used, (), {}, None)
    return store.add(charge.book, charge.used, {}, None)


def _find_rooms(charges: Sequence[Charge], places: Sequence[Place]) -> list[Place]:
    """Where charges fit that did not all fit where they were. Raises QuotaExceeded for one that fits nowhere."""
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
        # The book was sliced under another plan, and slices still hold a part of the limit.
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
            # Used while there was no limit: it is taken from this one first.
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
            # The last of a limit, here and there on slices: brought together, it can be lent to one.
            _square(charge.book, counter, left)
        return Place(number if other is None else other)
    return Place(number, loans)


def _loan(limit: int) -> int:
    return max(int(limit * _LOAN), min(limit // SLICES, _SMALL_LOAN))


def _elsewhere(charge: Charge, now: _Standing) -> int | None:
    """A slice that has enough left of all that is limited."""
    for item in now.items:
        if item["sk"].startswith("slice#") and all(
            item.get(f"left_{counter}", 0) >= charge.used[counter] for counter in charge.limits
        ):
            return int(item["sk"].removeprefix("slice#"))
    return None


def _square(book: Book, counter: str, left: dict[str, int]) -> bool:
    """Give back what slices have left of a counter, and take what they owe. Answers whether it stood as it was read."""
    if not left:
        return True
    try:
        commit(store.square(book, counter, left))
    except ConditionFailedError:
        # Somebody spent meanwhile: what is left now is another figure.
        telemetry.metric("UsageSquareContended")
        return False
    return True


def require_room(charges: Sequence[Charge], totals: Sequence[Item] | None = None) -> None:
    """Raise QuotaExceeded for a charge that a commit would refuse, as far as can be seen before it.

    One read, or none with the `totals` of their books. Only where a total is used up are its slices looked at.
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
    """Where the total of a charge's book is in the `core` table, for a reader that fetches other items with it."""
    return store.total_key(charge.book.org_id, charge.book.period)


def used(org_id: str, period: str, counter: str) -> int:
    """How much of a counter was used, and not given back."""
    return sum(item.get(counter, 0) for item in store.counters(org_id, period))


def balance(book: Book) -> None:
    """Give what slices have left of all counters back to the total, and take their debts from it.

    Somebody who spends meanwhile changes the figures of a counter, which is then tried again, for some time.
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
    """The writes that give all slices' leftovers of a counter back, if nobody spends from it meanwhile."""
    now = _Standing.of(book)
    return store.square(book, counter, now.left(counter), now.total.get(f"taken_{counter}", 0))
