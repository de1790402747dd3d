"""What becomes of a call until it has ended: what its transport reports, and the timers that end what is forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from switchboard.aws import clock, secret, settings
from switchboard.aws.table import Writes
from switchboard.carriers import transport
from switchboard.carriers.transport import Room
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, Work
from switchboard.kit import change as kit
from switchboard.kit.collection import moved
from switchboard.roleplay import store
from switchboard.roleplay.catalogue import drills
from switchboard.roleplay.jobs import CloseRoleplay, GiveUpScoring, WatchRoleplay
from switchboard.roleplay.models import OPEN, Call, EndReason, Progress, State
from switchboard.roleplay.store import Heard
from switchboard.timers import service as timers
from switchboard.timers.service import Later

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
    """The writes that make a call, with the job that ends it if nobody comes."""
    data = {"drill": call.drill_key, "difficulty": call.persona.difficulty.value, "session": call.session_id}
    limit = _closing(call, State.CREATED, LIVE_WITHIN)
    return [
        store.CALLS.put(call.model_copy(update={"watch": limit.ref})),
        limit.write,
        event(call, "roleplay.call.created", user=secret.digest(call.external_user_id), **data),
    ]


def begin(org_id: str, call_id: str) -> None:
    """Let the persona into a call that was just made."""
    call = store.CALLS.get(org_id, call_id)
    if call and call.state is State.CREATED:
        transport.named(call.transport).begin(room(call))


def apply(progress: Progress) -> None:
    """Apply what a transport reports of a call."""
    if progress.kind == "turn":
        _heard(progress)
        return
    heard = store.heard(progress.org_id, progress.call_id)
    store.CALLS.change(progress.org_id, progress.call_id, lambda call: _applied(call, progress, heard))


def _heard(progress: Progress) -> None:
    """Record what was said. It changes nothing of the call, so that its reporters do not meet there."""
    call, turn = store.CALLS.get(progress.org_id, progress.call_id), progress.turn
    if turn is None or call is None or call.state not in OPEN:
        return
    facts = {"number": turn.number, "speaker": turn.speaker.value, "characters": len(turn.text)}
    kit.record(store.put_turn(call, turn), event(call, "roleplay.call.turn", **facts))


def close(org_id: str, call_id: str, state: str) -> None:
    """End a call that is still where it was when its timer was set."""
    reason = EndReason.NEVER_LIVE if state == State.CREATED else EndReason.TOO_LONG
    heard = store.heard(org_id, call_id)
    store.CALLS.change(org_id, call_id, lambda call: _ended(call, reason, heard) if call.state == state else None)


def watch(org_id: str, call_id: str, until: str) -> None:
    """End a live call in which nothing was heard for too long, or go on watching it."""
    heard = store.heard(org_id, call_id)
    store.CALLS.change(org_id, call_id, lambda call: _watched(call, until, heard))


def _applied(call: Call, progress: Progress, heard: Heard) -> Change:
    match progress.kind:
        case "live" if call.can_become(State.LIVE):
            until = clock.now() + silence()
            watching, limit = _watching(call, until), _closing(call, State.LIVE, LIVE_LIMIT)
            live = moved(
                call,
                state=State.LIVE,
                started_at=clock.stamp(),
                watched_until=clock.iso(until),
                silence_watch=watching.ref,
                watch=limit.ref,
            )
            moot = timers.moot(call.watch)
            return live, [watching.write, limit.write, moot, event(live, "roleplay.call.live")]
        case "ended":
            return _ended(call, progress.end_reason or EndReason.COMPLETED, heard)
    return None


def _ended(call: Call, reason: EndReason, heard: Heard) -> Change:
    if not call.can_become(State.ENDED):
        return None
    give_up = timers.later(GiveUpScoring(org_id=call.org_id, call_id=call.id), clock.now() + SCORED_WITHIN)
    ended = moved(
        call,
        state=State.ENDED,
        ended_at=clock.stamp(),
        end_reason=reason,
        turns=heard.turns,
        silence_watch=None,
        watch=give_up.ref,
    )
    facts = {"end_reason": reason.value, "duration_seconds": ended.duration_seconds, "turns": heard.turns}
    moot = timers.moot(call.watch, call.silence_watch)
    return ended, [give_up.write, moot, event(ended, "roleplay.call.ended", **facts)]


def _watched(call: Call, until: str, heard: Heard) -> Change:
    if call.state is not State.LIVE or call.watched_until != until:
        return None
    assert call.started_at is not None
    deadline = clock.parse(max(heard.at or "", call.started_at)) + silence()
    if deadline <= clock.now():
        return _ended(call, EndReason.VANISHED, heard)
    watching = _watching(call, deadline)
    watched = moved(call, watched_until=clock.iso(deadline), silence_watch=watching.ref)
    return watched, [watching.write, timers.moot(call.silence_watch)]


def _watching(call: Call, until: datetime) -> Later:
    return timers.later(WatchRoleplay(org_id=call.org_id, call_id=call.id, until=clock.iso(until)), until)


def _closing(call: Call, state: State, after: timedelta) -> Later:
    job = CloseRoleplay(org_id=call.org_id, call_id=call.id, state=state.value)
    return timers.later(job, clock.now() + after)


def event(call: Call, kind: str, **data: Any) -> Writes:
    """The event of the change that made this version of the call, or of something that was said in it then."""
    origin = Work(
        org_id=call.org_id,
        actor=Actor(type="system", id="roleplay"),
        agent_id=None,
        correlation_id=call.correlation_id,
    )
    subject = Subject(type="roleplay_call", id=call.id, version=call.version)
    return events.record(events.of(origin, kind, subject, **data))
