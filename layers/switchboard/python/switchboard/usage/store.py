"""Usage counters in the `core` table.

| item | pk | sk |
|---|---|---|
| the counters of a month, a day, or a key's day | `<org>#usage#<YYYY-MM[-DD[#<key>]]>` | `total` |
| a slice of them | the same | `slice#<n>` |
| what is counted and not limited | `<org>#usage#<YYYY-MM>` | `count#<n>` |

`total` holds what was used through it (`email`), what that cost (`spent`), and of each counter how much of its limit is
taken (`taken_email`): used through the total, or lent to a slice. A slice holds what was used through it, and what is
left of its loans (`left_email`). Where no limit is in force a slice borrows nothing, and its `left` goes below zero: a
debt, which is taken from the limit as soon as there is one. So at any moment the limit less what is taken, plus what is
left on all slices, is what may still be used.

The items of a day carry `expires`, in seconds since 1970, when the table deletes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from switchboard.aws import table
from switchboard.aws.table import Item, Key, Query, Update, room_for

Refusal = Callable[[list[Item | None]], Exception]


class Book(NamedTuple):
    """Counters that are kept together: an organisation's of a month or a day, or a key's of a day."""

    org_id: str
    period: str
    #: When they may be deleted, in seconds since 1970.
    expires: int | None = None


def partition(org_id: str, period: str) -> str:
    return f"{org_id}#usage#{period}"


def total_key(org_id: str, period: str) -> Key:
    return {"pk": partition(org_id, period), "sk": "total"}


def slice_sk(number: int) -> str:
    return f"slice#{number:02d}"


def _add(
    book: Book,
    sk: str,
    amounts: Mapping[str, int],
    conditions: Mapping[str, tuple[str, int]] | None = None,
    otherwise: Refusal | None = None,
) -> Update:
    """Add to counters of an item. A condition is its text and its placeholder's value, by the placeholder."""
    needed = conditions or {}
    setting = "SET #expires = if_not_exists(#expires, :expires) " if book.expires else ""
    return Update(
        table="core",
        key={"pk": partition(book.org_id, book.period), "sk": sk},
        expression=f"{setting}ADD " + ", ".join(f"#{name} :{name}" for name in amounts),
        names={f"#{name}": name for name in amounts} | ({"#expires": "expires"} if book.expires else {}),
        values={f":{name}": amount for name, amount in amounts.items()}
        | {name: value for name, (_, value) in needed.items()}
        | ({":expires": book.expires} if book.expires else {}),
        condition=" AND ".join(text for text, _ in needed.values()) or None,
        otherwise=otherwise,
    )


def _within(name: str, room: int) -> dict[str, tuple[str, int]]:
    return {f":room_{name}": (room_for(f"#taken_{name}", f":room_{name}", room), room)}


def add(book: Book, used: Mapping[str, int], limits: Mapping[str, int], otherwise: Refusal | None) -> Update:
    """Count on the total, each limited counter staying within its limit."""
    amounts = {counter: amount for name, units in used.items() for counter, amount in _taken(name, units)}
    rooms = [_within(name, limit - used[name]) for name, limit in limits.items()]
    return _add(book, "total", amounts, {key: value for room in rooms for key, value in room.items()}, otherwise)


def _taken(name: str, units: int) -> Iterable[tuple[str, int]]:
    return ((name, units), (f"taken_{name}", units))


def take(
    book: Book,
    number: int,
    used: Mapping[str, int],
    limited: Iterable[str],
    loans: Mapping[str, int],
    otherwise: Refusal | None,
) -> Update:
    """Count on a slice; of a limited counter no more than is left there, unless it borrows with the same commit."""
    amounts = {**used, **{f"left_{name}": loans.get(name, 0) - units for name, units in used.items()}}
    needed = {f":need_{name}": (f"#left_{name} >= :need_{name}", used[name]) for name in limited if name not in loans}
    return _add(book, slice_sk(number), amounts, needed, otherwise)


def lend(book: Book, loans: Mapping[str, int], limits: Mapping[str, int], otherwise: Refusal) -> Update:
    """Take parts of the limits for a slice, as far as they are not taken yet."""
    rooms = [_within(name, limits[name] - amount) for name, amount in loans.items()]
    return _add(
        book,
        "total",
        {f"taken_{name}": amount for name, amount in loans.items()},
        {key: value for room in rooms for key, value in room.items()},
        otherwise,
    )


def square(book: Book, name: str, left: Mapping[str, int], taken: int | None = None) -> list[Update]:
    """Bring what is left on slices (by sort key, as it was read) to nothing: debts are taken, leftovers given back.

    With `taken`, what was read of the total, it holds only if nothing was lent since.
    """
    still = {} if taken is None else {":seen": (_still(f"#taken_{name}", ":seen", taken), taken)}
    slices = [
        Update(
            table="core",
            key={"pk": partition(book.org_id, book.period), "sk": sk},
            expression="SET #left = :none",
            names={"#left": f"left_{name}"},
            values={":none": 0, ":seen": seen},
            condition="#left = :seen",
        )
        for sk, seen in left.items()
    ]
    return [_add(book, "total", {f"taken_{name}": -sum(left.values())}, still), *slices]


def _still(counter: str, placeholder: str, seen: int) -> str:
    # What was never counted reads as nothing.
    same = f"{counter} = {placeholder}"
    return same if seen else f"(attribute_not_exists({counter}) OR {same})"


def count(book: Book, number: int, name: str, amount: int) -> Update:
    """Count what has no limit: on one of several items, so that no transaction waits for another."""
    return _add(book, f"count#{number:02d}", {name: amount})


def totals(books: Iterable[Book]) -> list[Item]:
    """The totals of books, in one read."""
    return [item or {} for item in table.get_many("core", [total_key(book.org_id, book.period) for book in books])]


def read(books: Iterable[Book], slices: int) -> list[list[Item]]:
    """The totals and slices of a few books, in one consistent read."""
    kept = list(books)
    sks = ["total", *map(slice_sk, range(slices))]
    keys = [{"pk": partition(book.org_id, book.period), "sk": sk} for book in kept for sk in sks]
    found = table.get_many("core", keys)
    return [[item for item in found[n * len(sks) : (n + 1) * len(sks)] if item] for n in range(len(kept))]


def counters(org_id: str, period: str) -> list[Item]:
    return list(Query(table="core", partition=partition(org_id, period)).all())
