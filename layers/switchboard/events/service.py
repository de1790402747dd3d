"""Records events and reads them. Events are in the `activity` table.

| item | pk | sk | gsi1 |
|---|---|---|---|
| event | `<org>#chain#<correlation id>` | `<id>` | `events#<hour>#<shard>`, `<id>`: for replays |

Each workflow has its own partition. So one consistent query reads a workflow, and no organization has a hot partition.
`outbox` marks the items that the stream passes to the fan-out.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item
from switchboard.aws.reads import Query, Ref
from switchboard.aws.writes import Put
from switchboard.events import registry
from switchboard.events.models import Event, Origin, Subject
from switchboard.kit import clock, ids

_WORDS = {"missing": "is missing", "extra_forbidden": "is not a field of the row"}
#: Partitions of an hour in the index. Each takes 1,000 writes per second, for all organizations together.
_SHARDS = 32


def new_event(origin: Origin, type_: str, subject: Subject, /, **data: Any) -> Event:
    """Returns a new event of a registered type (`email.queued`) that `origin` causes on `subject` now.

    `data` holds the fields of the type's row in the registry: ids, states, numbers and digests. Raises EventError for a
    type, a subject or data that does not fit. This is a bug.
    """
    require_registered(type_, subject.type, data)
    return Event(
        id=ids.new_id("evt"),
        org_id=origin.org_id,
        type=type_,
        at=clock.now_iso(),
        actor=origin.actor,
        agent_id=origin.agent_id,
        correlation_id=origin.correlation_id,
        subject=subject,
        data=data,
    )


def new_event_write(origin: Origin, type_: str, subject: Subject, /, **data: Any) -> Put:
    """Returns the write that records a new event. Arguments and errors are those of `new_event`."""
    return event_write(new_event(origin, type_, subject, **data))


def require_registered(name: str, subject: str, data: dict[str, Any]) -> None:
    """Raises EventError, with the names of the type and the field, if an event does not fit its row."""
    row = registry.TYPES.get(name)
    if row is None:
        raise registry.EventError(f"{name} is not registered: add a row for it in switchboard/events/types.")
    if subject != row.subject:
        raise registry.EventError(f"{name} is about a {row.subject}, not about a {subject}.")
    try:
        _validator(row.data).validate_python(data)
    except ValidationError as error:
        raise registry.EventError(f"The data of {name} do not fit {row.data.__name__}: {_problems(error)}.") from None


def _problems(error: ValidationError) -> str:
    # The message leaves the values out, because it is logged.
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {_WORDS.get(one['type'], one['msg'])}" for one in problems)


@cache
def _validator(model: type) -> TypeAdapter[Any]:
    """Returns the validator of a type's data. It is built at the first use: each function records only a few types."""
    return TypeAdapter(with_config(ConfigDict(extra="forbid", strict=True))(model))


def event_write(event: Event) -> Put:
    """Returns the write that records an event. The stream passes it on to all asynchronous work."""
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
    """Parses an event from a stored item, or from the item's image in the stream."""
    return Event.model_validate(item)


def find_events(org_id: str, places: Sequence[tuple[str, str]]) -> list[Event]:
    """Returns up to 100 events of an organization, by their workflow and their id. Missing events are left out."""
    if not places:
        return []
    refs = [
        Ref("activity", {"pk": workflow_partition(org_id, correlation_id), "sk": event_id}, parse_event)
        for correlation_id, event_id in places
    ]
    return [event for event in reads.read_refs(*refs) if event]


def workflow_partition(org_id: str, correlation_id: str) -> str:
    """Returns the partition of a workflow. The audit stores its receipts there, beside the events."""
    return f"{org_id}#chain#{correlation_id}"


def events_between(start: str, end: str, org_id: str | None = None) -> Iterator[Event]:
    """Returns the events from `start` until before `end` (timestamps), of one or all organizations, hour by hour.

    For replays.
    """
    for hour in _hours(start, end):
        for shard in range(_SHARDS):
            query = Query(table="activity", index="gsi1", partition=f"events#{hour}#{shard}")
            for event in map(parse_event, query.read_all()):
                if start <= event.at < end and org_id in (None, event.org_id):
                    yield event


def _hours(start: str, end: str) -> Iterable[str]:
    moment = clock.parse(start).replace(minute=0, second=0, microsecond=0)
    while clock.format_iso(moment) < end:
        yield clock.format_iso(moment)[:13]
        moment += timedelta(hours=1)
