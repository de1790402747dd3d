"""Events in the `activity` table.

| item | pk | sk | gsi1 |
|---|---|---|---|
| event | `<org>#chain#<correlation id>` | `<id>` | `events#<hour>#<shard>`, `<id>`: for replays |

Each workflow has its own partition. So one consistent query reads a workflow, and no organization has a hot partition.
`outbox` marks the items that the stream passes to the fan-out.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from datetime import timedelta

from switchboard.aws.dynamodb import Item
from switchboard.aws.reads import Query
from switchboard.aws.writes import Put
from switchboard.events.models import Event
from switchboard.kit import clock

#: Partitions of an hour in the index. Each takes 1,000 writes per second, for all organizations together.
_SHARDS = 32


def event_write(event: Event) -> Put:
    """Return the write that records an event. The stream passes it on to all asynchronous work."""
    return Put(
        table="activity",
        item={
            "pk": workflow_partition(event.org_id, event.correlation_id),
            "sk": event.id,
            "gsi1pk": f"events#{event.at[:13]}#{zlib.crc32(event.id.encode()) % _SHARDS}",
            "gsi1sk": event.id,
            "outbox": "event",
            **event.model_dump(),
        },
        unless_exists=True,
    )


def parse_event(item: Item) -> Event:
    """Parse an event from a stored item, or from the item's image in the stream."""
    return Event.model_validate(item)


def workflow_partition(org_id: str, correlation_id: str) -> str:
    """Return the partition of a workflow. The audit stores its receipts there, beside the events."""
    return f"{org_id}#chain#{correlation_id}"


def events_between(start: str, end: str) -> Iterator[Event]:
    for hour in _hours(start, end):
        for shard in range(_SHARDS):
            query = Query(table="activity", index="gsi1", partition=f"events#{hour}#{shard}")
            yield from (event for event in map(parse_event, query.all()) if start <= event.at < end)


def _hours(start: str, end: str) -> Iterable[str]:
    moment = clock.parse(start).replace(minute=0, second=0, microsecond=0)
    while clock.format_iso(moment) < end:
        yield clock.format_iso(moment)[:13]
        moment += timedelta(hours=1)
