"""Counts of things by the time of their creation, so that the things after any moment are counted without reading them.

A moment is a number of milliseconds with six digits of base 128. A node holds the counts of things for each value of
one digit, for all moments with the same digits before it. A new thing adds one in six nodes, and a removed thing takes
one from each, in any order. The count after a moment is the sum of the larger values of each digit, in the nodes on the
moment's path.

| item | pk | sk |
|---|---|---|
| node | `<org>#inbox-counts` | `<kind>#<digits>`, two hexadecimal characters for each digit, or `<kind>#first` |
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from switchboard.aws.attributes import Item, Key
from switchboard.aws.writes import Update
from switchboard.kit import clock

_BITS = 7
#: Enough digits for all milliseconds until the year 2109.
_DIGITS = 6
_BASE = 1 << _BITS


def count_writes(org_id: str, kind: str, created_at: str, by: int) -> list[Update]:
    """Return the writes that add a thing to the counts (`by` is 1), or take it from them (-1)."""
    return [
        Update(table="core", key=key, expression=f"ADD {_counter(digit)} :by", values={":by": by})
        for key, digit in zip(node_keys(org_id, kind, created_at), _digits(created_at), strict=True)
    ]


def count_items(org_id: str, kind: str, moments: Iterable[str]) -> list[Item]:
    """Return the nodes of an inbox that has things of these times only, for a bulk load."""
    nodes: dict[str, Item] = {}
    for moment in moments:
        for key, digit in zip(node_keys(org_id, kind, moment), _digits(moment), strict=True):
            node = nodes.setdefault(key["sk"], dict(key))
            node[_counter(digit)] = node.get(_counter(digit), 0) + 1
    return list(nodes.values())


def node_keys(org_id: str, kind: str, moment: str) -> list[Key]:
    """Return the keys of the nodes that count the things after a moment. All things are after an empty moment."""
    digits = _digits(moment)[:-1] if moment else []
    paths = ["".join(f"{digit:02x}" for digit in digits[:length]) for length in range(len(digits) + 1)]
    return [{"pk": f"{org_id}#inbox-counts", "sk": f"{kind}#{path or 'first'}"} for path in paths]


def count_after(moment: str, nodes: Sequence[Item | None]) -> int:
    """Return the number of things that were created after a moment, from the nodes of `node_keys`."""
    digits = _digits(moment) if moment else [-1]
    return sum(
        int(node.get(_counter(value), 0))
        for digit, node in zip(digits, nodes, strict=True)
        if node
        for value in range(digit + 1, _BASE)
    )


def _digits(moment: str) -> list[int]:
    number = round(clock.parse(moment).timestamp() * 1000)
    return [number >> _BITS * place & _BASE - 1 for place in reversed(range(_DIGITS))]


def _counter(digit: int) -> str:
    return f"c{digit}"
