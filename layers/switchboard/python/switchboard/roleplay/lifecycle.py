"""What becomes of a call until it has ended: what its transport reports, and the timers that end what is forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from switchboard.aws import clock, secret, settings, table
from switchboard.aws.table import Writes
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, Work
from switchboard.kit import change as kit
from switchboard.kit.collection import moved
from switchboard.roleplay import store, transports
from switchboard.roleplay.catalog import drills
from switchboard.roleplay.jobs import CloseRoleplay, CloseRoom, GiveUpScoring, ScoreRoleplay, WatchRoleplay
from switchboard.roleplay.models import OPEN, Call, EndReason, Progress, State
from switchboard.roleplay.store import Heard
from switchboard.roleplay.transports import Room
from switchboard.timers import service as timers
from switchboard.timers.service import Later

#: How long a rep may take to come in.
JOIN_WITHIN = timedelta(minutes=2, seconds=30)
#: How long a call waits for its rep. It is longer: the transport has to report who came at the last moment.
LIVE_WITHIN = timedelta(minutes=3)
#: The longest call.
LIVE_LIMIT = timedelta(hours=1)
#: How long the scoring may take, all its tries together.
SCORED_WITHIN = timedelta(minutes=30)
#: How long turns may follow the end of a call that does not say how many there were.
GRACE = timedelta(seconds=15)
#: How long the turns that the end tells of may follow it: a queue brings back after minutes what failed.
COMPLETE_WITHIN = timedelta(minutes=10)

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
        join_seconds=int(JOIN_WITHIN.total_seconds()),
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
        transports.named(call.transport).begin(room(call))


def apply(progress: Progress) -> None:
    """Apply what a transport reports of a call."""
    if progress.kind == "turn":
        _heard(progress)
        return
    heard = store.heard(progress.org_id, progress.call_id)
    changed = store.CALLS.change(progress.org_id, progress.call_id, lambda call: _applied(call, progress, heard))
    if changed and changed.state is State.ENDED and not is_whole(changed, heard):
        # Turns may have been recorded since they were counted, by workers that did not see the end.
        _score_if_whole(changed.org_id, changed.id)


def _heard(progress: Progress) -> None:
    """Record what was said. It changes nothing of the call, so that its reporters do not meet there."""
    call, turn = store.CALLS.get(progress.org_id, progress.call_id), progress.turn
    if turn is None or call is None or call.state not in OPEN:
        return
    facts = {"number": turn.number, "speaker": turn.speaker.value, "characters": len(turn.text)}
    kit.record(store.put_turn(call, turn), event(call, "roleplay.call.turn", **facts))
    # Turn and end are each written before the other is looked for, so that one of the two sees both.
    _score_if_whole(call.org_id, call.id)


def is_whole(call: Call, heard: Heard) -> bool:
    """Whether all turns are there that the end of a call told of. Without a number nobody knows."""
    return call.expected_turns is not None and heard.numbers >= frozenset(range(call.expected_turns))


def _score_if_whole(org_id: str, call_id: str) -> None:
    """Have an ended call scored at once if nothing of it is missing any more."""
    call = store.CALLS.get(org_id, call_id)
    if call is None or call.state is not State.ENDED or call.expected_turns is None:
        return
    if is_whole(call, store.heard(org_id, call_id)):
        table.write(timers.soon(ScoreRoleplay(org_id=org_id, call_id=call_id)))


def close_room(org_id: str, call_id: str) -> None:
    """Put everybody out of the room of a call that is over. Raises Down."""
    call = store.CALLS.get(org_id, call_id)
    if call and call.state not in (State.CREATED, State.LIVE):
        transports.named(call.transport).close(room(call))


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
            started_at = _moment(progress, call.created_at)
            until = clock.now() + silence()
            watching, limit = _watching(call, until), _closing(call, State.LIVE, LIVE_LIMIT)
            live = moved(
                call,
                state=State.LIVE,
                started_at=started_at,
                watched_until=clock.iso(until),
                silence_watch=watching.ref,
                watch=limit.ref,
            )
            moot = timers.moot(call.watch)
            return live, [watching.write, limit.write, moot, event(live, "roleplay.call.live")]
        case "live" if call.ended_at is not None:
            return _live_after_the_end(call, _moment(progress, call.created_at))
        case "ended" if call.can_become(State.ENDED):
            return _ended(call, progress.end_reason or EndReason.COMPLETED, heard, progress)
        case "ended" if call.state is State.ENDED and call.expected_turns is None and progress.turns is not None:
            # Who counts the turns knows best why the call ended, too.
            reason = progress.end_reason or call.end_reason
            counted = moved(call, expected_turns=progress.turns, end_reason=reason, score_after=_until(COMPLETE_WITHIN))
            return counted, [scoring_at(counted).write]
    return None


def _moment(progress: Progress, earliest: str) -> str:
    """When something happened, by the transport's clock where it says so, which is not taken beyond reason."""
    return clock.stamp() if progress.at is None else max(earliest, min(progress.at, clock.stamp()))


def _until(wait: timedelta) -> str:
    return clock.iso(clock.now() + wait)


def scoring_at(call: Call) -> Later:
    """The job that scores an ended call when it need not be waited for any longer."""
    assert call.score_after is not None
    return timers.later(ScoreRoleplay(org_id=call.org_id, call_id=call.id), clock.parse(call.score_after))


def _live_after_the_end(call: Call, at: str) -> Change:
    """A rep came: before the end, which was reported first, or after it, into a room that is to be closed again."""
    assert call.ended_at is not None
    if at > call.ended_at:
        return moved(call), [timers.soon(CloseRoom(org_id=call.org_id, call_id=call.id))]
    if call.started_at is None and call.state is State.ENDED:
        live = moved(call, started_at=at)
        return live, [event(live, "roleplay.call.live")]
    return None


def _ended(call: Call, reason: EndReason, heard: Heard, told: Progress | None = None) -> Change:
    if not call.can_become(State.ENDED):
        return None
    give_up = timers.later(GiveUpScoring(org_id=call.org_id, call_id=call.id), clock.now() + SCORED_WITHIN)
    expected = told.turns if told else None
    ended = moved(
        call,
        state=State.ENDED,
        ended_at=_moment(told, call.started_at or call.created_at) if told else clock.stamp(),
        end_reason=reason,
        turns=heard.turns,
        expected_turns=expected,
        score_after=_until(GRACE if expected is None else COMPLETE_WITHIN),
        silence_watch=None,
        watch=give_up.ref,
    )
    turns = heard.turns if expected is None else expected
    facts = {"end_reason": reason.value, "duration_seconds": ended.duration_seconds, "turns": turns}
    moot = timers.moot(call.watch, call.silence_watch)
    closing = timers.soon(CloseRoom(org_id=call.org_id, call_id=call.id))
    return ended, [give_up.write, closing, moot, event(ended, "roleplay.call.ended", **facts)]


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
