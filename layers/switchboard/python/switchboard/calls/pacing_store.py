"""How fast calls go out, in the `core` table.

| item | pk | sk |
|---|---|---|
| pace of an organization | `<org>#pace` | `org` |
| pace of an organization's number | `<org>#pace` | `number#<number>` |
| pace of a number that tenants share | `pace#<number>` | `number` |

`last` is when a call last went, `tail` the next moment that nobody has reserved, both in milliseconds since 1970. A
number that tenants share has one pace for all, since its carrier counts so. It holds times alone.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from switchboard.aws import clock, table
from switchboard.aws.table import ConditionFailedError, Item, Key, Update

#: How long an item stays after its last use. Longer than any moment that may be reserved lies ahead.
KEPT = timedelta(days=1)


class Pace(NamedTuple):
    """When a call last went, and the next moment that nobody has reserved; 0 where there is none."""

    last: int
    tail: int


def _pace(item: Item | None) -> Pace:
    found = item or {}
    return Pace(int(found.get("last", 0)), int(found.get("tail", 0)))


def read(key: Key) -> Pace:
    return _pace(table.get("core", key))


def org_key(org_id: str) -> Key:
    return {"pk": f"{org_id}#pace", "sk": "org"}


def number_key(org_id: str, number: str) -> Key:
    return {"pk": f"{org_id}#pace", "sk": f"number#{number}"}


def shared_number_key(number: str) -> Key:
    return {"pk": f"pace#{number}", "sk": "number"}


def go(key: Key, now: int, interval: int, *, in_turn: bool) -> Pace | None:
    """Let a call go now, if none went within the interval before, and nobody has reserved unless it is `in_turn`.

    Returns `None` when it may go, and else what stands in its way.
    """
    condition = "(attribute_not_exists(#last) OR #last <= :before)"
    if not in_turn:
        condition += " AND (attribute_not_exists(tail) OR tail <= :now)"
    values = {":now": now, ":before": now - interval, ":expires": _expires()}
    change = Update(
        table="core",
        key=key,
        expression="SET #last = :now, expires = :expires",
        names={"#last": "last"},
        values=values,
        condition=condition,
    )
    try:
        table.write(change)
    except ConditionFailedError as failed:
        return _pace(failed.item)
    return None


def reserve_next(key: Key, now: int, interval: int, latest: int) -> int | None:
    """Reserve the moment behind those that others have reserved; `None` where none has, or it lies too far ahead."""
    change = Update(
        table="core",
        key=key,
        expression="SET tail = tail + :interval, expires = :expires",
        values={":interval": interval, ":now": now, ":latest": latest, ":expires": _expires()},
        condition="tail > :now AND tail <= :latest",
    )
    try:
        found = table.write(change)
    except ConditionFailedError:
        return None
    assert found is not None
    return int(found["tail"]) - interval


def reserve_first(key: Key, now: int, interval: int, moment: int) -> bool:
    """Reserve a moment where nobody else has reserved one. Returns whether it was so."""
    change = Update(
        table="core",
        key=key,
        expression="SET tail = :after, expires = :expires",
        values={":after": moment + interval, ":now": now, ":expires": _expires()},
        condition="attribute_not_exists(tail) OR tail <= :now",
    )
    try:
        table.write(change)
    except ConditionFailedError:
        return False
    return True


def _expires() -> int:
    return int((clock.now() + KEPT).timestamp()) + 1
