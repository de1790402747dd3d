"""Records events and reads them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from switchboard.aws.writes import Put
from switchboard.events import registry, store
from switchboard.events.models import Event, Origin, Subject
from switchboard.events.store import event_write, parse_event, workflow_partition
from switchboard.kit import clock, ids

__all__ = ["Event", "event_write", "parse_event", "workflow_partition"]


def new_event(origin: Origin, type_: str, subject: Subject, /, **data: Any) -> Event:
    """Returns a new event of a registered type (`email.queued`) that `origin` causes on `subject` now.

    `data` holds the fields of the type's row in the registry: ids, states, numbers and digests. Raises EventError for a
    type, a subject or data that does not fit. This is a bug.
    """
    registry.validate_event(type_, subject.type, data)
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


def events_between(start: str, end: str, org_id: str | None = None) -> Iterable[Event]:
    """Returns the events from `start` until before `end` (timestamps), of one or all organizations, hour by hour.

    For replays.
    """
    return (event for event in store.events_between(start, end) if org_id in (None, event.org_id))
