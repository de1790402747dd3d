"""The lifecycle of a practice call until its end: the reports of its transport, and timers that end lost calls."""

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

#: The maximum time until a rep joins the call.
JOIN_WITHIN = timedelta(minutes=2, seconds=30)
#: The maximum time until a call is live. It is longer, so that the transport can report a rep who joins last-minute.
LIVE_WITHIN = timedelta(minutes=3)
#: The maximum duration of a call.
LIVE_LIMIT = timedelta(hours=1)
#: The maximum time of the scoring, with all its attempts.
SCORED_WITHIN = timedelta(minutes=30)
#: The maximum delay of turns after the end of a call, if the end does not report the number of turns.
GRACE = timedelta(seconds=15)
#: The maximum delay of turns after the end of a call, if the end reports their number. A queue retries a failed message
#: only after minutes.
COMPLETE_WITHIN = timedelta(minutes=10)

Change = kit.Change[Call]


def silence() -> timedelta:
    """Return the maximum time without a turn in a live call. After it the rep counts as gone."""
    return timedelta(seconds=settings.number("ROLEPLAY_SILENCE_SECONDS", 120))


def room(call: Call) -> Room:
    """Return the call in the form that its transport needs."""
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
    """Return the writes that create a call, with the timer that ends it if the rep never joins."""
    data = {"drill": call.drill_key, "difficulty": call.persona.difficulty.value, "session": call.session_id}
    limit = _closing(call, State.CREATED, LIVE_WITHIN)
    return [
        store.CALLS.put(call.model_copy(update={"watch": limit.ref})),
        limit.write,
        event(call, "roleplay.call.created", user=secret.digest(call.external_user_id), **data),
    ]


def begin(org_id: str, call_id: str) -> None:
    """Bring the persona into a new call."""
    call = store.CALLS.get(org_id, call_id)
    if call and call.state is State.CREATED:
        transports.named(call.transport).begin(room(call))


def apply(progress: Progress) -> None:
    """Apply a transport's report to a call."""
    if progress.kind == "turn":
        _heard(progress)
        return
    heard = store.heard(progress.org_id, progress.call_id)
    changed = store.CALLS.change(progress.org_id, progress.call_id, lambda call: _applied(call, progress, heard))
    if changed and changed.state is State.ENDED and not is_whole(changed, heard):
        # Since the count above, other workers may have recorded turns without seeing the end.
        _score_if_whole(changed.org_id, changed.id)


def _heard(progress: Progress) -> None:
    """Record a turn. It does not change the call, so that parallel reports do not collide on the call."""
    call, turn = store.CALLS.get(progress.org_id, progress.call_id), progress.turn
    if turn is None or call is None or call.state not in OPEN:
        return
    facts = {"number": turn.number, "speaker": turn.speaker.value, "characters": len(turn.text)}
    kit.record(store.put_turn(call, turn), event(call, "roleplay.call.turn", **facts))
    # Turn and end are each written before the read of the other. So at least one of the two workers sees both.
    _score_if_whole(call.org_id, call.id)


def is_whole(call: Call, heard: Heard) -> bool:
    """Whether all turns that the call's end reported are recorded. False if the end reported no number."""
    return call.expected_turns is not None and heard.numbers >= frozenset(range(call.expected_turns))


def _score_if_whole(org_id: str, call_id: str) -> None:
    """Start the scoring of an ended call at once if no turn is missing."""
    call = store.CALLS.get(org_id, call_id)
    if call is None or call.state is not State.ENDED or call.expected_turns is None:
        return
    if is_whole(call, store.heard(org_id, call_id)):
        table.write(timers.soon(ScoreRoleplay(org_id=org_id, call_id=call_id)))


def close_room(org_id: str, call_id: str) -> None:
    """Close the room of an ended call. Raises Down."""
    call = store.CALLS.get(org_id, call_id)
    if call and call.state not in (State.CREATED, State.LIVE):
        transports.named(call.transport).close(room(call))


def close(org_id: str, call_id: str, state: str) -> None:
    """End a call if it is still in the state of its timer."""
    reason = EndReason.NEVER_LIVE if state == State.CREATED else EndReason.TOO_LONG
    heard = store.heard(org_id, call_id)
    store.CALLS.change(org_id, call_id, lambda call: _ended(call, reason, heard) if call.state == state else None)


def watch(org_id: str, call_id: str, until: str) -> None:
    """End a live call that had no turn for too long, or set the next watch."""
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
            # The reporter that counts the turns also knows the reason of the end best.
            reason = progress.end_reason or call.end_reason
            counted = moved(call, expected_turns=progress.turns, end_reason=reason, score_after=_until(COMPLETE_WITHIN))
            return counted, [scoring_at(counted).write]
    return None


def _moment(progress: Progress, earliest: str) -> str:
    """Return the time of a report: the transport's own time if it has one, limited to between `earliest` and now."""
    return clock.stamp() if progress.at is None else max(earliest, min(progress.at, clock.stamp()))


def _until(wait: timedelta) -> str:
    return clock.iso(clock.now() + wait)


def scoring_at(call: Call) -> Later:
    """Return the job that scores an ended call at its `score_after`."""
    assert call.score_after is not None
    return timers.later(ScoreRoleplay(org_id=call.org_id, call_id=call.id), clock.parse(call.score_after))


def _live_after_the_end(call: Call, at: str) -> Change:
    """Apply the report that a rep joined an ended call.

    If the rep joined before the end, only the reports were out of order. If after it, the room must be closed again.
    """
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
    """Return the write of an event at this version of the call: the change to this version, or a turn in it."""
    origin = Work(
        org_id=call.org_id,
        actor=Actor(type="system", id="roleplay"),
        agent_id=None,
        correlation_id=call.correlation_id,
    )
    subject = Subject(type="roleplay_call", id=call.id, version=call.version)
    return events.record(events.of(origin, kind, subject, **data))
