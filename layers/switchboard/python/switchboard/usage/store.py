"""Usage counters in the `core` table.

| item | pk | sk |
|---|---|---|
| a month's, or a day's, counters | `<org>#usage#<YYYY-MM[-DD]>` | `total` |
| a slice of a month's | `<org>#usage#<YYYY-MM>` | `slice#<n>` |
| what is counted and not limited | `<org>#usage#<YYYY-MM>` | `count#<n>` |

`total` holds what was used through it (`email`), what that cost (`spent`), and of each counter how much of its limit is
taken (`taken_email`): used through the total, or lent to a slice. A slice holds what was used through it, and what is
left of its loans (`left_email`). Where no limit is in force a slice borrows nothing, and its `left` goes below zero: a
debt, which is taken from the limit as soon as there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from switchboard.aws import table
from switchboard.aws.table import Item, Query, Update, room_for

Refusal = Callable[[list[Item | None]], Exception]


def partition(org_id: str, period: str) -> str:
    return f"{org_id}#usage#{period}"


def total_key(org_id: str, period: str) -> dict[str, str]:
    return {"pk": partition(org_id, period), "sk": "total"}


def slice_key(org_id: str, period: str, number: int) -> dict[str, str]:
    return {"pk": partition(org_id, period), "sk": f"slice#{number:02d}"}


def add(
    org_id: str, period: str, used: Mapping[str, int], limits: Mapping[str, int], otherwise: Refusal | None
) -> Update:
    """Count on the one item, each limited counter staying within its limit."""
    conditions = [room_for(f"#taken_{name}", f":room_{name}", limit - used[name]) for name, limit in limits.items()]
    return Update(
        table="core",
        key=total_key(org_id, period),
        expression="ADD " + ", ".join(f"#{name} :{name}, #taken_{name} :{name}" for name in used),
        names={f"#{name}": name for name in used} | {f"#taken_{name}": f"taken_{name}" for name in used},
        values={f":{name}": amount for name, amount in used.items()}
        | {f":room_{name}": limit - used[name] for name, limit in limits.items()},
        condition=" AND ".join(conditions) or None,
        otherwise=otherwise,
    )


def take(
    org_id: str,
    period: str,
    number: int,
    used: Mapping[str, int],
    limited: Iterable[str],
    otherwise: Refusal | None,
) -> Update:
    """Count on a slice; of a limited counter no more than is left there."""
    return Update(
        table="core",
        key=slice_key(org_id, period, number),
        expression="ADD " + ", ".join(f"#{name} :{name}, #left_{name} :minus_{name}" for name in used),
        names={f"#{name}": name for name in used} | {f"#left_{name}": f"left_{name}" for name in used},
        values={f":{name}": amount for name, amount in used.items()}
        | {f":minus_{name}": -amount for name, amount in used.items()},
        condition=" AND ".join(f"#left_{name} >= :{name}" for name in limited) or None,
        otherwise=otherwise,
    )


def lend(
    org_id: str, period: str, number: int, name: str, amount: int, limit: int, otherwise: Refusal
) -> tuple[Update, Update]:
    """Take a part of the limit and leave it with a slice."""
    return (
        Update(
            table="core",
            key=total_key(org_id, period),
            expression="ADD #taken :amount",
            names={"#taken": f"taken_{name}"},
            values={":amount": amount, ":room": limit - amount},
            condition=room_for("#taken", ":room", limit - amount),
            otherwise=otherwise,
        ),
        Update(
            table="core",
            key=slice_key(org_id, period, number),
            expression="ADD #left :amount",
            names={"#left": f"left_{name}"},
            values={":amount": amount},
        ),
    )


def square(org_id: str, period: str, name: str, left: Mapping[str, int], taken: int | None = None) -> list[Update]:
    """Bring what is left on slices (by sort key, as it was read) to nothing: debts are taken, leftovers given back.

    With `taken`, what was read of the total, it holds only if nothing was lent since.
    """
    slices = [
        Update(
            table="core",
            key={"pk": partition(org_id, period), "sk": sk},
            expression="SET #left = :none",
            names={"#left": f"left_{name}"},
            values={":none": 0, ":seen": seen},
            condition="#left = :seen",
        )
        for sk, seen in left.items()
    ]
    total = Update(
        table="core",
        key=total_key(org_id, period),
        expression="ADD #taken :amount",
        names={"#taken": f"taken_{name}"},
        values={":amount": -sum(left.values())} | ({} if taken is None else {":seen": taken}),
        condition=None if taken is None else _still("#taken", ":seen", taken),
    )
    return [total, *slices]


def _still(counter: str, placeholder: str, seen: int) -> str:
    # What was never counted reads as nothing.
    same = f"{counter} = {placeholder}"
    return same if seen else f"(attribute_not_exists({counter}) OR {same})"


def count(org_id: str, period: str, number: int, name: str, amount: int) -> Update:
    """Count what has no limit: on one of several items, so that no transaction waits for another."""
    return Update(
        table="core",
        key={"pk": partition(org_id, period), "sk": f"count#{number:02d}"},
        expression="ADD #name :amount",
        names={"#name": name},
        values={":amount": amount},
    )


def get_total(org_id: str, period: str) -> Item:
    return table.get("core", total_key(org_id, period)) or {}


def counters(org_id: str, period: str) -> list[Item]:
    return list(Query(table="core", partition=partition(org_id, period)).all())
