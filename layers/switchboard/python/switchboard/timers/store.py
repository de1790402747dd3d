"""Timers in the `activity` table.

| item | pk | sk |
|---|---|---|
| timer | `timer#<minute>#<shard>` | `<due>#<id>` |
| watermark | `timers` | `watermark` |

A timer that is due before the next tick has `outbox`, so that the stream's fan-out enqueues it at once.
"""

from __future__ import annotations

from collections.abc import Iterator

from switchboard.aws import table
from switchboard.aws.table import ConditionFailedError, Delete, Item, Key, Put, Query, Update
from switchboard.timers.models import Timer

SHARDS = 4
_WATERMARK = {"pk": "timers", "sk": "watermark"}


def key(timer: Timer) -> Key:
    shard = int(timer.id[-1], 36) % SHARDS
    return {"pk": f"timer#{timer.minute}#{shard}", "sk": f"{timer.due}#{timer.id}"}


def put(timer: Timer, *, soon: bool) -> Put:
    outbox = {"outbox": "timer"} if soon else {}
    return Put(
        table="activity", item={**key(timer), **timer.model_dump(exclude_none=True), **outbox}, unless_exists=True
    )


def read(item: Item) -> Timer:
    return Timer.model_validate(item)


def in_minute(minute: str) -> Iterator[Timer]:
    for shard in range(SHARDS):
        yield from map(read, Query(table="activity", partition=f"timer#{minute}#{shard}").all())


def claim(timer: Timer, now: str, until: str) -> bool:
    """Take a lease on a timer. False if it is gone, cancelled or claimed."""
    change = Update(
        table="activity",
        key=key(timer),
        expression="SET lease_until = :until",
        condition="attribute_exists(pk) AND (attribute_not_exists(lease_until) OR lease_until < :now)",
        values={":until": until, ":now": now},
    )
    try:
        table.write(change)
    except ConditionFailedError:
        return False
    return True


def remove(timer: Timer) -> None:
    table.write(Delete(table="activity", key=key(timer)))


def cancel(timer: Timer) -> Delete:
    return Delete(
        table="activity",
        key=key(timer),
        condition="attribute_exists(pk) AND attribute_not_exists(lease_until)",
    )


def watermark() -> str | None:
    item = table.get("activity", _WATERMARK)
    return item["minute"] if item else None


def advance(minute: str) -> None:
    """Move the watermark forward; never back."""
    change = Update(
        table="activity",
        key=_WATERMARK,
        expression="SET #minute = :minute",
        names={"#minute": "minute"},
        values={":minute": minute},
        condition="attribute_not_exists(pk) OR #minute < :minute",
    )
    try:
        table.write(change)
    except ConditionFailedError:
        return
