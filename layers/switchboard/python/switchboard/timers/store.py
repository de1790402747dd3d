"""Timers and jobs of the outbox, in the `activity` table.

| item | pk | sk |
|---|---|---|
| job that is due within 15 minutes | `<org>#outbox#<id>` | `job` |
| timer | `timer#<minute>#<shard>` | `<due>#<id>` |
| dead timer | `timers#dead` | `<when>#<id>` |
| last minute that was passed to the workers | `timers` | `watermark` |

A job that is due within 15 minutes has `outbox`, so the table's stream sends it at once. It expires by itself. Timers
are read by time, for all organizations together, so their keys begin with the minute.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from switchboard.aws import clock, table
from switchboard.aws.table import ConditionFailedError, Delete, Item, Key, Put, Query, Update
from switchboard.timers.models import DeadTimer, Timer

#: Partitions of one minute. Each takes 1,000 writes per second, and has its own job.
SHARDS = 16
#: The time that a job of the outbox is kept after its due time, for inspection.
_KEPT = timedelta(days=1)
_WATERMARK = {"pk": "timers", "sk": "watermark"}
_DEAD = "timers#dead"


def shard_of(timer_id: str) -> int:
    return int(timer_id[-2:], 36) % SHARDS


def key(timer: Timer) -> Key:
    return {"pk": f"timer#{timer.minute}#{shard_of(timer.id)}", "sk": f"{timer.due}#{timer.id}"}


def put(timer: Timer) -> Put:
    return Put(table="activity", item={**key(timer), **timer.model_dump()}, unless_exists=True)


def put_in_outbox(timer: Timer) -> Put:
    item = {
        "pk": f"{timer.org_id}#outbox#{timer.id}",
        "sk": "job",
        "outbox": "job",
        "expires": int((clock.parse(timer.due) + _KEPT).timestamp()),
        **timer.model_dump(exclude={"attempts"}),
    }
    return Put(table="activity", item=item, unless_exists=True)


def read(item: Item) -> Timer:
    return Timer.model_validate(item)


def in_minute(minute: str, shard: int) -> Iterator[list[Item]]:
    """Yield the timers of a minute and shard in batches."""
    yield from Query(table="activity", partition=f"timer#{minute}#{shard}").chunks()


def key_of_ref(ref: str) -> Key:
    pk, _, sk = ref.partition("|")
    return {"pk": pk, "sk": sk}


def ref_of(timer: Timer) -> str:
    place = key(timer)
    return f"{place['pk']}|{place['sk']}"


def delete(place: Key) -> Delete:
    return Delete(table="activity", key={"pk": place["pk"], "sk": place["sk"]})


def delete_all(items: Sequence[Item]) -> None:
    table.delete_many("activity", [{"pk": item["pk"], "sk": item["sk"]} for item in items])


def put_dead(dead: DeadTimer) -> Put:
    return Put(table="activity", item={"pk": _DEAD, "sk": f"{dead.died_at}#{dead.id}", **dead.model_dump()})


def dead(limit: int, start: Item | None) -> tuple[list[DeadTimer], Item | None]:
    page = Query(table="activity", partition=_DEAD).page(limit, start)
    return [DeadTimer.model_validate(item) for item in page.items], page.next_key


def delete_dead(dead: DeadTimer) -> Delete:
    return Delete(
        table="activity",
        key={"pk": _DEAD, "sk": f"{dead.died_at}#{dead.id}"},
        condition="attribute_exists(pk)",
    )


def watermark() -> tuple[str | None, int]:
    """Return the last minute that was passed to the workers, and the largest number of shards in use so far."""
    item: dict[str, Any] = table.get("activity", _WATERMARK) or {}
    return item.get("minute"), max(SHARDS, int(item.get("shards", 0)))


def advance(minute: str, shards: int | None = None) -> None:
    """Move the watermark forward. It never moves back."""
    change = Update(
        table="activity",
        key=_WATERMARK,
        expression="SET #minute = :minute, shards = :shards",
        names={"#minute": "minute"},
        values={":minute": minute, ":shards": shards or SHARDS},
        condition="attribute_not_exists(pk) OR #minute < :minute",
    )
    try:
        table.write(change)
    except ConditionFailedError:
        return
