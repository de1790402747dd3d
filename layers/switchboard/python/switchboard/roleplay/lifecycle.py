"""What becomes of a call until it has ended: what its transport reports, and the timers that end what is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from switchboard.aws import clock, secret, settings
from switchboard.aws.table import Writes
from switchboard.carriers import transport
from switchboard.carriers.transport import Room
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, Work
from switchboard.kit import change as kit
from switchboard.kit.jobs import Job
from switchboard.roleplay import store
from switchboard.roleplay.catalogue import drills
from switchboard.roleplay.jobs import CloseRoleplay, GiveUpScoring, WatchRoleplay
from switchboard.roleplay.models import OPEN, Call, EndReason, Progress, State
from switchboard.timers import service as timers

#: How long a rep may take to come in.
LIVE_WITHIN = timedelta(minutes=3)
#: The longest call.
LIVE_LIMIT = timedelta(hours=1)
#: How long the scoring may take, all its tries together.
SCORED_WITHIN = timedelta(minutes=30)

Change = kit.Change[Call]


def silence() -> timedelta:
    """How long nothing may be heard of a live call before its rep is taken to be gone."""
    return timedelta(seconds=settings.number("ROLEPLAY_SILENCE_SECONDS", 120))


def room(call: Call) -> Room:
    """The call, as its transport needs to know it."""
    return Room(
        org_id=call.org_id,
        call_id=call.id,
        session_id=call.session_id,
        rep=call.external_user_id,
        drill_key=call.drill_key,
        criteria=tuple(criterion.key for criterion in drills.edition(call.drill_key, call.drill_version).criteria),
        persona=call.persona,
    )


def creation(call: Call) -> list[Writes]:
    """The writes that make a call, with the timer that ends it if nobody comes."""
    data = {"drill": call.drill_key, "difficulty": call.persona.difficulty.value, "session": call.session_id}
    return [
        store.put(call),
        _closing(call, State.CREATED, LIVE_WITHIN),
        event(call, "roleplay.call.created", user=secret.digest(call.external_user_id), **data),
    ]


def begin(org_id: str, call_id: str) -> None:
    """Let the persona into a call that was just made."""
    call = store.get(org_id, call_id)
    if call and call.state is State.CREATED:
        transport.named(call.transport).begin(room(call))


def apply(progress: Progress) -> None:
    """Apply what a transport reports of a call."""
    change(progress.org_id, progress.call_id, lambda call: _applied(call, progress))


def close(org_id: str, call_id: str, state: str) -> None:
    """End a call that is still where it was when its timer was set."""
    reason = EndReason.NEVER_LIVE if state == State.CREATED else EndReason.TOO_LONG
    change(org_id, call_id, lambda call: _ended(call, reason) if call.state == state else None)


def watch(org_id: str, call_id: str, until: str) -> None:
    """End a live call in which nothing was heard for too long, or go on watching it."""
    change(org_id, call_id, lambda call: _watched(call, until))


def change(org_id: str, call_id: str, decide: Callable[[Call], Change]) -> Call | None:
    """Make a change to a call as it stands, and answer it as it then is. Raises Contended."""
    return kit.change(lambda: store.get(org_id, call_id), decide, store.save)


def _applied(call: Call, progress: Progress) -> Change:
    now = clock.stamp()
    match progress.kind:
        case "live" if call.can_become(State.LIVE):
            until = clock.now() + silence()
            live = after(call, state=State.LIVE, started_at=now, heard_at=now, watched_until=clock.iso(until))
            limit = _closing(live, State.LIVE, LIVE_LIMIT)
            return live, [_watching(live, until), limit, event(live, "roleplay.call.live")]
        case "turn" if progress.turn and call.state in OPEN:
            turn = progress.turn
            said = after(call, turns=call.turns + 1, heard_at=now)
            facts = {"number": turn.number, "speaker": turn.speaker.value, "characters": len(turn.text)}
            return said, [store.put_turn(call, turn), event(said, "roleplay.call.turn", **facts)]
        case "ended":
            return _ended(call, progress.end_reason or EndReason.COMPLETED)
    return None


def _ended(call: Call, reason: EndReason) -> Change:
    if not call.can_become(State.ENDED):
        return None
    ended = after(call, state=State.ENDED, ended_at=clock.stamp(), end_reason=reason)
    facts = {"end_reason": reason.value, "duration_seconds": ended.duration_seconds, "turns": ended.turns}
    give_up = timers.later(GiveUpScoring(org_id=call.org_id, call_id=call.id), clock.now() + SCORED_WITHIN)
    return ended, [give_up.write, event(ended, "roleplay.call.ended", **facts)]


def _watched(call: Call, until: str) -> Change:
    if call.state is not State.LIVE or call.watched_until != until:
        return None
    deadline = clock.parse(call.heard_at or call.updated_at) + silence()
    if deadline <= clock.now():
        return _ended(call, EndReason.VANISHED)
    watched = after(call, watched_until=clock.iso(deadline))
    return watched, [_watching(watched, deadline)]


def after(call: Call, **facts: object) -> Call:
    """The call's next version."""
    return call.model_copy(update={**facts, "version": call.version + 1, "updated_at": clock.stamp()})


def _watching(call: Call, until: datetime) -> Writes:
    assert call.watched_until is not None
    return _later(WatchRoleplay(org_id=call.org_id, call_id=call.id, until=call.watched_until), until)


def _closing(call: Call, state: State, after: timedelta) -> Writes:
    return _later(CloseRoleplay(org_id=call.org_id, call_id=call.id, state=state.value), clock.now() + after)


def _later(job: Job, due: datetime) -> Writes:
    return timers.later(job, due).write


def event(call: Call, kind: str, **data: Any) -> Writes:
    """The event of the change that made this version of the call."""
    origin = Work(
        org_id=call.org_id,
        actor=Actor(type="system", id="roleplay"),
        agent_id=None,
        correlation_id=call.correlation_id,
    )
    subject = Subject(type="roleplay_call", id=call.id, version=call.version)
    return events.record(events.of(origin, kind, subject, **data))
