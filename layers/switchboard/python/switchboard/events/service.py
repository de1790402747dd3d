"""Recording events, and reading them again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from switchboard.aws import clock, ids
from switchboard.aws.table import Item, Put
from switchboard.events import registry, store
from switchboard.events.models import Event, Origin, Subject

__all__ = ["Event", "between", "chain_partition", "from_item", "of", "record"]


def of(origin: Origin, type_: str, subject: Subject, /, **data: Any) -> Event:
    """An event of a registered type (`email.queued`), done by `origin` to `subject`, now.

    `data` holds what the type's row in the registry names: ids, states, numbers and digests. Raises EventError, a fault
    of the code, for a type, a subject or data that do not fit.
    """
    registry.require_fitting(type_, subject.type, data)
    return Event(
        id=ids.new("evt"),
        org_id=origin.org_id,
        type=type_,
        at=clock.stamp(),
        actor=origin.actor,
        agent_id=origin.agent_id,
        correlation_id=origin.correlation_id,
        subject=subject,
        data=data,
    )


def record(event: Event) -> Put:
    """The write that records an event: the outbox from which everything asynchronous starts."""
    return store.put(event)


def from_item(item: Item) -> Event:
    """The event that a stored item, or its image in the stream, holds."""
    return store.read(item)


def chain_partition(org_id: str, correlation_id: str) -> str:
    """The partition of a workflow, where the audit keeps its seals beside the events."""
    return store.chain_key(org_id, correlation_id)


def between(start: str, end: str, org_id: str | None = None) -> Iterable[Event]:
    """The events of a time range (two timestamps), of all organisations or one, hour by hour: for a replay."""
    return (event for event in store.between(start, end) if org_id in (None, event.org_id))
