"""Usage counters in the `core` table.

| item | pk | sk |
|---|---|---|
| a month's counters | `<org>#usage#<YYYY-MM>` | `total` |
| a slice of them | `<org>#usage#<YYYY-MM>` | `slice#<n>` |

`total` holds what was used (`email`), what it cost (`spent`) and, on sliced plans, how much of each limit was lent to
slices (`lent_email`, `lent_spent`). A slice holds what it used and what it may still use (`left_email`, `left_spent`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from switchboard.aws.table import Item, Query, Update, room_for

Refusal = Callable[[list[Item | None]], Exception]


def partition(org_id: str, period: str) -> str:
    return f"{org_id}#usage#{period}"


def add(org_id: str, period: str, used: Mapping[str, int], limits: Mapping[str, int], otherwise: Refusal) -> Update:
    """Count on the month's one item, each limited counter staying within its limit."""
    conditions = [room_for(f"#{name}", f":room_{name}", limit - used[name]) for name, limit in limits.items()]
    return Update(
        table="core",
        key={"pk": partition(org_id, period), "sk": "total"},
        expression="ADD " + ", ".join(f"#{name} :{name}" for name in used),
        names={f"#{name}": name for name in used},
        values={f":{name}": amount for name, amount in used.items()}
        | {f":room_{name}": limit - used[name] for name, limit in limits.items()},
        condition=" AND ".join(conditions) or None,
        otherwise=otherwise,
    )


def take(
    org_id: str, period: str, number: int, used: Mapping[str, int], limited: Mapping[str, int], otherwise: Refusal
) -> Update:
    """Count on a slice, out of what was lent to it."""
    names = {f"#{name}": name for name in used} | {f"#left_{name}": f"left_{name}" for name in limited}
    values = {f":{name}": amount for name, amount in used.items()}
    values |= {f":minus_{name}": -used[name] for name in limited}
    adds = [f"#{name} :{name}" for name in used] + [f"#left_{name} :minus_{name}" for name in limited]
    return Update(
        table="core",
        key=slice_key(org_id, period, number),
        expression="ADD " + ", ".join(adds),
        names=names,
        values=values,
        condition=" AND ".join(f"#left_{name} >= :{name}" for name in limited) or None,
        otherwise=otherwise,
    )


def lend(
    org_id: str, period: str, number: int, name: str, amount: int, limit: int, otherwise: Refusal
) -> tuple[Update, Update]:
    """Move a part of the month's limit from the total to a slice."""
    return (
        Update(
            table="core",
            key={"pk": partition(org_id, period), "sk": "total"},
            expression="ADD #lent :amount",
            names={"#lent": f"lent_{name}"},
            values={":amount": amount, ":room": limit - amount},
            condition="attribute_not_exists(#lent) OR #lent <= :room",
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


def slice_key(org_id: str, period: str, number: int) -> dict[str, str]:
    return {"pk": partition(org_id, period), "sk": f"slice#{number:02d}"}


def counters(org_id: str, period: str) -> list[Item]:
    return list(Query(table="core", partition=partition(org_id, period)).all())
