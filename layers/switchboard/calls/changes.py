"""The common parts of every change of a call: its event, its new version, and the timer for its new state."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from switchboard.aws.writes import Writes
from switchboard.calls.jobs import CloseCall
from switchboard.calls.models import Call, State
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, SystemActor
from switchboard.kit import clock, texts
from switchboard.persistence import optimistic
from switchboard.persistence.collection import next_version
from switchboard.timers import service as timers

CallChange = optimistic.Decision[Call]


def transition(
    call: Call,
    state: State,
    told: str,
    limit: timedelta | None,
    facts: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
) -> CallChange:
    """Returns the change that moves a call into a state for at most `limit`. Without a limit the present timer stays.

    `facts` are other changed fields. `told` is the event's type, and `data` its data.
    """
    watched: dict[str, Any] = {}
    writes: list[Writes] = []
    if limit is not None:
        job = CloseCall(org_id=call.org_id, call_id=call.id, state=state.value)
        watch = timers.schedule(job, clock.now() + limit)
        watched, writes = {"watch": watch.ref}, [watch.write, timers.cancel_writes(call.watch)]
    after = next_version(call, state=state, **(facts or {}), **watched)
    return after, [*writes, event_writes(after, told, **(data or {}))]


def event_writes(call: Call, kind: str, **data: Any) -> Writes:
    """Returns the write of an event about this version of the call: its change, or something heard during it."""
    subject = Subject(type="call", id=call.id, version=call.version)
    return events.new_event_write(call_origin(call), kind, subject, to=texts.digest(call.person_number), **data)


def call_origin(call: Call) -> SystemActor:
    """Returns the origin of changes that a provider's report makes."""
    return SystemActor(
        org_id=call.org_id,
        actor=Actor(type="system", id="voice"),
        agent_id=call.agent_id,
        correlation_id=call.correlation_id,
    )


def event_time(call: Call, at: str | None) -> datetime:
    """Returns the provider's time of an event, limited to the time between the dialing and now.

    Returns the present time if `at` is missing or invalid.
    """
    now = clock.now()
    try:
        told = clock.parse(at) if at else now
    except ValueError:
        return now
    return min(max(told, clock.parse(call.started_at or call.created_at)), now)
