"""What becomes of a call until it has ended: what its transport reports, and the timers that end what is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from switchboard.aws import clock, secret, settings
from switchboard.aws.table import ConditionFailedError, Writes, commit
from switchboard.carriers import transport
from switchboard.carriers.transport import Room
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, Work
from switchboard.roleplay import store
from switchboard.roleplay.catalogue import drills
from switchboard.roleplay.models import OPEN, Call, EndReason, Progress, State
from switchboard.timers import service as timers

QUEUE, SCORING_QUEUE = "roleplay", "scoring"
#: How long a rep may take to come in.
LIVE_WITHIN = timedelta(minutes=3)
#: The longest call.
LIVE_LIMIT = timedelta(hours=1)
#: How long the scoring may take, all its tries together.
SCORED_WITHIN = timedelta(minutes=30)
_ATTEMPTS = 5

#: A change to a call: its next version and what is written with it, or `None` where nothing changes.
Change = tuple[Call, list[Writes]] | None


class Contended(Exception):
    """The call kept changing under us: the queue brings the report again."""


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
        _timer(call, clock.now() + LIVE_WITHIN, "close", state=State.CREATED.value),
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
    for _ in range(_ATTEMPTS):
        call = store.get(org_id, call_id)
        decided = decide(call) if call else None
        if decided is None:
            return None
        try:
            commit(store.save(decided[0]), decided[1])
        except ConditionFailedError as failed:
            if failed.item and str(failed.item.get("sk", "")).startswith("turn#"):
                return None  # this was reported before
            continue
        return decided[0]
    raise Contended(call_id)


def _applied(call: Call, progress: Progress) -> Change:
    now = clock.stamp()
    match progress.kind:
        case "live" if call.can_become(State.LIVE):
            until = clock.now() + silence()
            live = after(call, state=State.LIVE, started_at=now, heard_at=now, watched_until=clock.iso(until))
            limit = _timer(live, clock.now() + LIVE_LIMIT, "close", state=State.LIVE.value)
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
    give_up = {"job": "give_up", "org_id": call.org_id, "call_id": call.id}
    limit = timers.new(call.org_id, clock.now() + SCORED_WITHIN, SCORING_QUEUE, give_up)
    return ended, [timers.setting(limit), event(ended, "roleplay.call.ended", **facts)]


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
    return _timer(call, until, "watch", until=call.watched_until)


def _timer(call: Call, due: datetime, job: str, **facts: Any) -> Writes:
    body = {"job": job, "org_id": call.org_id, "call_id": call.id, **facts}
    return timers.setting(timers.new(call.org_id, due, QUEUE, body))


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
