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

from switchboard.aws import reads, writes
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import ConditionFailedError, Delete, Put, Update
from switchboard.kit import clock
from switchboard.timers.models import DeadTimer, Timer

#: Partitions of one minute. Each takes 1,000 writes per second, and has its own job.
SHARDS = 16
#: The time that a job of the outbox is kept after its due time, for inspection.
_KEPT = timedelta(days=1)
_WATERMARK = {"pk": "timers", "sk": "watermark"}
_DEAD = "timers#dead"


def shard_of(timer_id: str) -> int:
    return int(timer_id[-2:], 36) % SHARDS


def timer_ref(timer: Timer) -> Key:
    return {"pk": f"timer#{timer.minute}#{shard_of(timer.id)}", "sk": f"{timer.due}#{timer.id}"}


def timer_write(timer: Timer) -> Put:
    return Put(table="activity", item={**timer_ref(timer), **timer.model_dump()}, unless_exists=True)


def outbox_write(timer: Timer) -> Put:
    item = {
        "pk": f"{timer.org_id}#outbox#{timer.id}",
        "sk": "job",
        "outbox": "job",
        "expires": int((clock.parse(timer.due) + _KEPT).timestamp()),
        **timer.model_dump(exclude={"attempts"}),
    }
    return Put(table="activity", item=item, unless_exists=True)


def parse_timer(item: Item) -> Timer:
    return Timer.model_validate(item)


def timers_of_minute(minute: str, shard: int) -> Iterator[list[Item]]:
    """Yields the timers of a minute and shard in batches."""
    yield from Query(table="activity", partition=f"timer#{minute}#{shard}").read_chunks()


def parse_ref(ref: str) -> Key:
    pk, _, sk = ref.partition("|")
    return {"pk": pk, "sk": sk}


def format_ref(timer: Timer) -> str:
    place = timer_ref(timer)
    return f"{place['pk']}|{place['sk']}"


def timer_delete_write(place: Key) -> Delete:
    return Delete(table="activity", key={"pk": place["pk"], "sk": place["sk"]})


def delete_timers(items: Sequence[Item]) -> None:
    writes.delete_items("activity", [{"pk": item["pk"], "sk": item["sk"]} for item in items])


def dead_timer_write(dead: DeadTimer) -> Put:
    return Put(table="activity", item={"pk": _DEAD, "sk": f"{dead.died_at}#{dead.id}", **dead.model_dump()})


def list_dead_timers(limit: int, start: Item | None = None) -> tuple[list[DeadTimer], Item | None]:
    """Returns a page of the dead timers, oldest first, and the key of the next page."""
    page = Query(table="activity", partition=_DEAD).read_page(limit, start)
    return [DeadTimer.model_validate(item) for item in page.items], page.next_key


def dead_timer_delete_write(dead: DeadTimer) -> Delete:
    return Delete(
        table="activity",
        key={"pk": _DEAD, "sk": f"{dead.died_at}#{dead.id}"},
        condition="attribute_exists(pk)",
    )


def get_watermark() -> tuple[str | None, int]:
    """Returns the last minute that was passed to the workers, and the largest number of shards in use so far."""
    item: dict[str, Any] = reads.get_item("activity", _WATERMARK) or {}
    return item.get("minute"), max(SHARDS, int(item.get("shards", 0)))


def advance_watermark(minute: str, shards: int | None = None) -> None:
    """Moves the watermark forward. It never moves back."""
    change = Update(
        table="activity",
        key=_WATERMARK,
        expression="SET #minute = :minute, shards = :shards",
        names={"#minute": "minute"},
        values={":minute": minute, ":shards": shards or SHARDS},
        condition="attribute_not_exists(pk) OR #minute < :minute",
    )
    try:
        writes.write_item(change)
    except ConditionFailedError:
        return
