"""Usage counters in the `core` table.

| item | pk | sk |
|---|---|---|
| the counters of a month, a day, or a key's day | `<org>#usage#<YYYY-MM[-DD[#<key>]]>` | `total` |
| a slice of them | the same | `slice#<n>` |
| counters without a limit | `<org>#usage#<YYYY-MM>` | `count#<n>` |

`total` holds the units that were used through it (`email`), their cost (`spent`), and for each counter the taken part
of its limit (`taken_email`). Units are taken if they were used through the total or lent to a slice. A slice holds the
units that were used through it, and the rest of its loans (`left_email`). Without a limit a slice borrows nothing, and
its `left` becomes negative. This is a debt, which is taken from the limit as soon as there is a limit. So the units
that may still be used are always: the limit, minus the taken units, plus the units left on all slices.

The items of a day have `expires`, in seconds since 1970, after which the table deletes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import Update, room_condition

Refusal = Callable[[list[Item | None]], Exception]


class Book(NamedTuple):
    """A group of counters: an organization's month or day, or the day of a key or a contact."""

    org_id: str
    period: str
    #: The time of their deletion, in seconds since 1970.
    expires: int | None = None


def book_partition(org_id: str, period: str) -> str:
    return f"{org_id}#usage#{period}"


def total_ref(org_id: str, period: str) -> Key:
    return {"pk": book_partition(org_id, period), "sk": "total"}


def slice_sk(number: int) -> str:
    return f"slice#{number:02d}"


def _counter_write(
    book: Book,
    sk: str,
    amounts: Mapping[str, int],
    conditions: Mapping[str, tuple[str, int]] | None = None,
    otherwise: Refusal | None = None,
) -> Update:
    """Returns the write that adds to counters of an item.

    `conditions` holds for each placeholder the text of a condition and the placeholder's value.
    """
    needed = conditions or {}
    setting = "SET #expires = if_not_exists(#expires, :expires) " if book.expires else ""
    return Update(
        table="core",
        key={"pk": book_partition(book.org_id, book.period), "sk": sk},
        expression=f"{setting}ADD " + ", ".join(f"#{name} :{name}" for name in amounts),
        names={f"#{name}": name for name in amounts} | ({"#expires": "expires"} if book.expires else {}),
        values={f":{name}": amount for name, amount in amounts.items()}
        | {name: value for name, (_, value) in needed.items()}
        | ({":expires": book.expires} if book.expires else {}),
        condition=" AND ".join(text for text, _ in needed.values()) or None,
        otherwise=otherwise,
    )


def _within(name: str, room: int) -> dict[str, tuple[str, int]]:
    return {f":room_{name}": (room_condition(f"#taken_{name}", f":room_{name}", room), room)}


def total_write(book: Book, used: Mapping[str, int], limits: Mapping[str, int], otherwise: Refusal | None) -> Update:
    """Returns the write that counts on the total, within the limit of each limited counter."""
    amounts = {counter: amount for name, units in used.items() for counter, amount in _taken(name, units)}
    rooms = [_within(name, limit - used[name]) for name, limit in limits.items()]
    return _counter_write(
        book, "total", amounts, {key: value for room in rooms for key, value in room.items()}, otherwise
    )


def _taken(name: str, units: int) -> Iterable[tuple[str, int]]:
    return ((name, units), (f"taken_{name}", units))


def slice_write(
    book: Book,
    number: int,
    used: Mapping[str, int],
    limited: Iterable[str],
    loans: Mapping[str, int],
    otherwise: Refusal | None,
) -> Update:
    """Returns the write that counts on a slice.

    A limited counter must have enough units left on the slice, unless the slice borrows in the same commit.
    """
    amounts = {**used, **{f"left_{name}": loans.get(name, 0) - units for name, units in used.items()}}
    needed = {f":need_{name}": (f"#left_{name} >= :need_{name}", used[name]) for name in limited if name not in loans}
    return _counter_write(book, slice_sk(number), amounts, needed, otherwise)


def loan_write(book: Book, loans: Mapping[str, int], limits: Mapping[str, int], otherwise: Refusal) -> Update:
    """Returns the write that lends parts of the limits to a slice. It fails if they are already taken."""
    rooms = [_within(name, limits[name] - amount) for name, amount in loans.items()]
    return _counter_write(
        book,
        "total",
        {f"taken_{name}": amount for name, amount in loans.items()},
        {key: value for room in rooms for key, value in room.items()},
        otherwise,
    )


def loan_return_writes(book: Book, name: str, left: Mapping[str, int], taken: int | None = None) -> list[Update]:
    """Returns the writes that set `left` of slices to zero: the limit pays debts and gets remaining units back.

    `left` holds the units by sort key, as they were read. With `taken`, as it was read from the total, the writes fail
    if units were lent since.
    """
    still = {} if taken is None else {":seen": (_still(f"#taken_{name}", ":seen", taken), taken)}
    slices = [
        Update(
            table="core",
            key={"pk": book_partition(book.org_id, book.period), "sk": sk},
            expression="SET #left = :none",
            names={"#left": f"left_{name}"},
            values={":none": 0, ":seen": seen},
            condition="#left = :seen",
        )
        for sk, seen in left.items()
    ]
    return [_counter_write(book, "total", {f"taken_{name}": -sum(left.values())}, still), *slices]


def _still(counter: str, placeholder: str, seen: int) -> str:
    # A counter that was never written has no attribute, and reads as zero.
    same = f"{counter} = {placeholder}"
    return same if seen else f"(attribute_not_exists({counter}) OR {same})"


def unlimited_count_write(book: Book, number: int, name: str, amount: int) -> Update:
    """Returns the write that counts without a limit, on one of several items, so that transactions do not collide."""
    return _counter_write(book, f"count#{number:02d}", {name: amount})


def get_totals(books: Iterable[Book]) -> list[Item]:
    """Returns the totals of books, in one read."""
    return [item or {} for item in reads.get_items("core", [total_ref(book.org_id, book.period) for book in books])]


def get_books(books: Iterable[Book], slices: int) -> list[list[Item]]:
    """Returns the totals and slices of a few books, in one consistent read."""
    kept = list(books)
    sks = ["total", *map(slice_sk, range(slices))]
    keys = [{"pk": book_partition(book.org_id, book.period), "sk": sk} for book in kept for sk in sks]
    found = reads.get_items("core", keys)
    return [[item for item in found[n * len(sks) : (n + 1) * len(sks)] if item] for n in range(len(kept))]


def list_counters(org_id: str, period: str) -> list[Item]:
    return list(Query(table="core", partition=book_partition(org_id, period)).read_all())
