"""What every change of a call has in common: its event, its new version, and the watch over its new state."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from switchboard.aws import clock, secret
from switchboard.aws.table import Writes
from switchboard.calls.jobs import CloseCall
from switchboard.calls.models import Call, State
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, Work
from switchboard.kit import change as kit
from switchboard.kit.collection import moved
from switchboard.timers import service as timers

Change = kit.Change[Call]


def move(
    call: Call,
    state: State,
    told: str,
    limit: timedelta | None,
    facts: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
) -> Change:
    """Move a call into a state in which it may stay for `limit`; without one, the watch that it has stands.

    `facts` are what else changes of it. `told` is the event's type, and `data` what it tells.
    """
    watched: dict[str, Any] = {}
    writes: list[Writes] = []
    if limit is not None:
        job = CloseCall(org_id=call.org_id, call_id=call.id, state=state.value)
        watch = timers.later(job, clock.now() + limit)
        watched, writes = {"watch": watch.ref}, [watch.write, timers.moot(call.watch)]
    after = moved(call, state=state, **(facts or {}), **watched)
    return after, [*writes, event(after, told, **(data or {}))]


def event(call: Call, kind: str, **data: Any) -> Writes:
    """The event of the change that made this version of the call, or of something that was heard in it then."""
    subject = Subject(type="call", id=call.id, version=call.version)
    return events.record(events.of(origin(call), kind, subject, to=secret.digest(call.to_number), **data))


def origin(call: Call) -> Work:
    """Whose work a change is that a provider's report makes."""
    return Work(
        org_id=call.org_id,
        actor=Actor(type="system", id="voice"),
        agent_id=call.agent_id,
        correlation_id=call.correlation_id,
    )


def moment(call: Call, at: str | None) -> datetime:
    """When something happened by the provider's clock, as far as that can be: after the dialling, and not ahead of us.

    Without a time, or with one that is none, now.
    """
    now = clock.now()
    try:
        told = clock.parse(at) if at else now
    except ValueError:
        return now
    return min(max(told, clock.parse(call.started_at or call.created_at)), now)
