"""The lifecycle of a practice call until its end: the reports of its transport, and timers that end lost calls."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from switchboard import telemetry
from switchboard.aws import writes
from switchboard.aws.writes import Writes
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, SystemActor
from switchboard.kit import clock, settings, texts
from switchboard.persistence import optimistic
from switchboard.persistence.collection import next_version
from switchboard.roleplay import store, transports
from switchboard.roleplay.catalog import drills
from switchboard.roleplay.jobs import CloseRoleplay, CloseRoom, GiveUpScoring, ScoreRoleplay, WatchRoleplay
from switchboard.roleplay.models import OPEN_STATES, RoleplayCall, RoleplayEndReason, RoleplayState, TransportReport
from switchboard.roleplay.store import RecordedTurns
from switchboard.roleplay.transports import Room
from switchboard.timers import service as timers
from switchboard.timers.service import ScheduledJob

#: The maximum time until a rep joins the call.
JOIN_LIMIT = timedelta(minutes=2, seconds=30)
#: The maximum time until a call is live. It is longer, so that the transport can report a rep who joins last-minute.
WAIT_LIMIT = timedelta(minutes=3)
#: The maximum duration of a call.
LIVE_LIMIT = timedelta(hours=1)
#: The maximum time of the scoring, with all its attempts.
SCORING_LIMIT = timedelta(minutes=30)
#: The maximum delay of turns after the end of a call, if the end does not report the number of turns.
UNCOUNTED_TURNS_LIMIT = timedelta(seconds=15)
#: The maximum delay of turns after the end of a call, if the end reports their number. A queue retries a failed message
#: only after minutes.
LATE_TURNS_LIMIT = timedelta(minutes=10)

CallChange = optimistic.Decision[RoleplayCall]


def silence_limit() -> timedelta:
    """Returns the maximum time without a turn in a live call. After it the rep counts as gone."""
    return timedelta(seconds=settings.number("ROLEPLAY_SILENCE_SECONDS", 120))


def room_of(call: RoleplayCall) -> Room:
    """Returns the call in the form that its transport needs."""
    return Room(
        org_id=call.org_id,
        call_id=call.id,
        session_id=call.session_id,
        rep=call.external_user_id,
        drill_key=call.drill_key,
        criteria=tuple(criterion.key for criterion in drills.edition(call.drill_key, call.drill_version).criteria),
        persona=call.persona,
        join_seconds=int(JOIN_LIMIT.total_seconds()),
    )


def creation_writes(call: RoleplayCall) -> list[Writes]:
    """Returns the writes that create a call, with the timer that ends it if the rep never joins."""
    data = {"drill": call.drill_key, "difficulty": call.persona.difficulty.value, "session": call.session_id}
    limit = _close_job(call, RoleplayState.CREATED, WAIT_LIMIT)
    return [
        store.CALLS.create_write(call.model_copy(update={"watch": limit.ref})),
        limit.write,
        call_event_write(call, "roleplay.call.created", user=texts.digest(call.external_user_id), **data),
    ]


def begin_call(org_id: str, call_id: str) -> None:
    """Brings the persona into a new call."""
    call = store.CALLS.get_object(org_id, call_id)
    if call and call.state is RoleplayState.CREATED:
        transports.named(call.transport).start_persona(room_of(call))
    else:
        telemetry.log_skip("the practice call is gone, or has begun", org_id=org_id, call_id=call_id)


def apply_report(progress: TransportReport) -> None:
    """Applies a transport's report to a call."""
    if progress.kind == "turn":
        _record_turn(progress)
        return
    heard = store.get_recorded_turns(progress.org_id, progress.call_id)
    changed = store.CALLS.change_object(
        progress.org_id, progress.call_id, lambda call: _decide_report(call, progress, heard)
    )
    if changed is None:
        telemetry.log_skip(
            "the report changes nothing", org_id=progress.org_id, call_id=progress.call_id, report=progress.kind
        )
    if changed and changed.state is RoleplayState.ENDED and not is_whole(changed, heard):
        # Since the count above, other workers may have recorded turns without seeing the end.
        _score_if_whole(changed.org_id, changed.id)


def _record_turn(progress: TransportReport) -> None:
    """Records a turn. It does not change the call, so that parallel reports do not collide on the call."""
    call, turn = store.CALLS.get_object(progress.org_id, progress.call_id), progress.turn
    if turn is None or call is None or call.state not in OPEN_STATES:
        telemetry.log_skip("the practice call takes no more turns", org_id=progress.org_id, call_id=progress.call_id)
        return
    facts = {"number": turn.number, "speaker": turn.speaker.value, "characters": len(turn.text)}
    optimistic.record_once(store.turn_write(call, turn), call_event_write(call, "roleplay.call.turn", **facts))
    # Turn and end are each written before the read of the other. So at least one of the two workers sees both.
    _score_if_whole(call.org_id, call.id)


def is_whole(call: RoleplayCall, heard: RecordedTurns) -> bool:
    """Whether all turns that the call's end reported are recorded. False if the end reported no number."""
    return call.expected_turns is not None and heard.numbers >= frozenset(range(call.expected_turns))


def _score_if_whole(org_id: str, call_id: str) -> None:
    """Starts the scoring of an ended call at once if no turn is missing."""
    call = store.CALLS.get_object(org_id, call_id)
    if call is None or call.state is not RoleplayState.ENDED or call.expected_turns is None:
        return
    if is_whole(call, store.get_recorded_turns(org_id, call_id)):
        writes.write_item(timers.job_write(ScoreRoleplay(org_id=org_id, call_id=call_id)))


def close_room(org_id: str, call_id: str) -> None:
    """Closes the room of an ended call. Raises Down."""
    call = store.CALLS.get_object(org_id, call_id)
    if call and call.state not in (RoleplayState.CREATED, RoleplayState.LIVE):
        transports.named(call.transport).close_room(room_of(call))
    else:
        telemetry.log_skip("the room is still in use, or gone", org_id=org_id, call_id=call_id)


def close_call(org_id: str, call_id: str, state: str) -> None:
    """Ends a call if it is still in the state of its timer."""
    reason = RoleplayEndReason.NEVER_LIVE if state == RoleplayState.CREATED else RoleplayEndReason.TOO_LONG
    heard = store.get_recorded_turns(org_id, call_id)
    if not store.CALLS.change_object(
        org_id, call_id, lambda call: _decide_end(call, reason, heard) if call.state == state else None
    ):
        telemetry.log_skip("the practice call left the state of this timer", org_id=org_id, call_id=call_id)


def watch_call(org_id: str, call_id: str, until: str) -> None:
    """Ends a live call that had no turn for too long, or sets the next watch."""
    heard = store.get_recorded_turns(org_id, call_id)
    if not store.CALLS.change_object(org_id, call_id, lambda call: _decide_watch(call, until, heard)):
        telemetry.log_skip("the practice call is over, or has another watch", org_id=org_id, call_id=call_id)


def _decide_report(call: RoleplayCall, progress: TransportReport, heard: RecordedTurns) -> CallChange:
    match progress.kind:
        case "live" if call.can_become(RoleplayState.LIVE):
            started_at = _report_time(progress, call.created_at)
            until = clock.now() + silence_limit()
            watching, limit = _watch_job(call, until), _close_job(call, RoleplayState.LIVE, LIVE_LIMIT)
            live = next_version(
                call,
                state=RoleplayState.LIVE,
                started_at=started_at,
                watched_until=clock.format_iso(until),
                silence_watch=watching.ref,
                watch=limit.ref,
            )
            moot = timers.cancel_writes(call.watch)
            return live, [watching.write, limit.write, moot, call_event_write(live, "roleplay.call.live")]
        case "live" if call.ended_at is not None:
            return _decide_late_join(call, _report_time(progress, call.created_at))
        case "ended" if call.can_become(RoleplayState.ENDED):
            return _decide_end(call, progress.end_reason or RoleplayEndReason.COMPLETED, heard, progress)
        case "ended" if (
            call.state is RoleplayState.ENDED and call.expected_turns is None and progress.turns is not None
        ):
            # The reporter that counts the turns also knows the reason of the end best.
            reason = progress.end_reason or call.end_reason
            counted = next_version(
                call, expected_turns=progress.turns, end_reason=reason, score_after=_time_after(LATE_TURNS_LIMIT)
            )
            return counted, [scoring_job(counted).write]
    return None


def _report_time(progress: TransportReport, earliest: str) -> str:
    """Returns the time of a report: the transport's own time if it has one, limited to between `earliest` and now."""
    return clock.now_iso() if progress.at is None else max(earliest, min(progress.at, clock.now_iso()))


def _time_after(wait: timedelta) -> str:
    return clock.format_iso(clock.now() + wait)


def scoring_job(call: RoleplayCall) -> ScheduledJob:
    """Returns the job that scores an ended call at its `score_after`."""
    assert call.score_after is not None
    return timers.schedule(ScoreRoleplay(org_id=call.org_id, call_id=call.id), clock.parse(call.score_after))


def _decide_late_join(call: RoleplayCall, at: str) -> CallChange:
    """Applies the report that a rep joined an ended call.

    If the rep joined before the end, only the reports were out of order. If after it, the room must be closed again.
    """
    assert call.ended_at is not None
    if at > call.ended_at:
        return next_version(call), [timers.job_write(CloseRoom(org_id=call.org_id, call_id=call.id))]
    if call.started_at is None and call.state is RoleplayState.ENDED:
        live = next_version(call, started_at=at)
        return live, [call_event_write(live, "roleplay.call.live")]
    return None


def _decide_end(
    call: RoleplayCall, reason: RoleplayEndReason, heard: RecordedTurns, told: TransportReport | None = None
) -> CallChange:
    if not call.can_become(RoleplayState.ENDED):
        return None
    give_up = timers.schedule(GiveUpScoring(org_id=call.org_id, call_id=call.id), clock.now() + SCORING_LIMIT)
    expected = told.turns if told else None
    ended = next_version(
        call,
        state=RoleplayState.ENDED,
        ended_at=_report_time(told, call.started_at or call.created_at) if told else clock.now_iso(),
        end_reason=reason,
        turns=heard.turns,
        expected_turns=expected,
        score_after=_time_after(UNCOUNTED_TURNS_LIMIT if expected is None else LATE_TURNS_LIMIT),
        silence_watch=None,
        watch=give_up.ref,
    )
    turns = heard.turns if expected is None else expected
    facts = {"end_reason": reason.value, "duration_seconds": ended.duration_seconds, "turns": turns}
    moot = timers.cancel_writes(call.watch, call.silence_watch)
    closing = timers.job_write(CloseRoom(org_id=call.org_id, call_id=call.id))
    return ended, [give_up.write, closing, moot, call_event_write(ended, "roleplay.call.ended", **facts)]


def _decide_watch(call: RoleplayCall, until: str, heard: RecordedTurns) -> CallChange:
    if call.state is not RoleplayState.LIVE or call.watched_until != until:
        return None
    assert call.started_at is not None
    deadline = clock.parse(max(heard.at or "", call.started_at)) + silence_limit()
    if deadline <= clock.now():
        return _decide_end(call, RoleplayEndReason.VANISHED, heard)
    watching = _watch_job(call, deadline)
    watched = next_version(call, watched_until=clock.format_iso(deadline), silence_watch=watching.ref)
    return watched, [watching.write, timers.cancel_writes(call.silence_watch)]


def _watch_job(call: RoleplayCall, until: datetime) -> ScheduledJob:
    return timers.schedule(WatchRoleplay(org_id=call.org_id, call_id=call.id, until=clock.format_iso(until)), until)


def _close_job(call: RoleplayCall, state: RoleplayState, after: timedelta) -> ScheduledJob:
    job = CloseRoleplay(org_id=call.org_id, call_id=call.id, state=state.value)
    return timers.schedule(job, clock.now() + after)


def call_event_write(call: RoleplayCall, kind: str, **data: Any) -> Writes:
    """Returns the write of an event at this version of the call: the change to this version, or a turn in it."""
    origin = SystemActor(
        org_id=call.org_id,
        actor=Actor(type="system", id="roleplay"),
        agent_id=None,
        correlation_id=call.correlation_id,
    )
    subject = Subject(type="roleplay_call", id=call.id, version=call.version)
    return events.new_event_write(origin, kind, subject, **data)
