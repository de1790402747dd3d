"""The course of a session: its talk begins, it ends in one of several ways, and its cost is settled once.

The end of the call is an event, and the event starts the settlement. Without the event, for example because the report
of the end was lost, the timer of the session ends the call at its longest time, and settles the session itself.
"""

from __future__ import annotations

from datetime import timedelta

from switchboard import telemetry
from switchboard.calls import room_calls
from switchboard.calls import service as calls
from switchboard.calls.jobs import CloseCallRoom
from switchboard.calls.models import OVER_STATES, Call
from switchboard.carriers.rooms import RoomDownError
from switchboard.carriers.voice.ports.reports import EndReason
from switchboard.errors import NotFound
from switchboard.events import service as events
from switchboard.events.models import Subject
from switchboard.kit import clock
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import Decision
from switchboard.timers import service as timers
from switchboard.usage import reservations
from switchboard.widgets import days, service, session_store
from switchboard.widgets.jobs import EndSession, EndTokenSessions
from switchboard.widgets.models import WidgetSession, WidgetSessionState
from switchboard.widgets.sessions import session_origin

_REASONS = {
    "limit": EndReason.AGENT_HANGUP,
    "unjoined": EndReason.NO_ANSWER,
    "revoked": EndReason.AGENT_HANGUP,
    "visitor": EndReason.CALLER_HANGUP,
}
#: How many sessions of a revoked token one run ends.
_SESSIONS_PER_RUN = 50
#: When a room is asked again whether its visitor has joined.
_ASKED_AGAIN = timedelta(seconds=20)
#: When the sessions of a revoked token are listed for the second time.
_SECOND_LOOK = timedelta(seconds=15)


def begin_session(org_id: str, session_id: str) -> None:
    """Lets the voice AI join a new session. Raises RoomDownError."""
    session = session_store.SESSIONS.get_object(org_id, session_id)
    if session is None or session.state is not WidgetSessionState.OPEN:
        telemetry.log_skip("the session is gone, or over", org_id=org_id, session_id=session_id)
        return
    room_calls.begin_talk(org_id, session.call_id, session.id)


def request_end(session: WidgetSession) -> None:
    """Ends a session because its visitor asked for it. A repeated request changes nothing."""

    def decide(found: WidgetSession) -> Decision[WidgetSession]:
        if found.end_requested_at or found.state is not WidgetSessionState.OPEN:
            return None
        ending = EndSession(org_id=found.org_id, session_id=found.id, reason="visitor")
        return next_version(found, end_requested_at=clock.now_iso()), timers.job_write(ending)

    session_store.SESSIONS.change_object(session.org_id, session.id, decide)


def end_session(org_id: str, session_id: str, reason: str) -> None:
    """Ends the call of a session, and settles the session."""
    session = session_store.SESSIONS.get_object(org_id, session_id)
    if session is None or session.state is not WidgetSessionState.OPEN:
        telemetry.log_skip("the session is gone, or over", org_id=org_id, session_id=session_id)
        return
    if reason == "unjoined" and _has_joined(session):
        telemetry.log_skip("the visitor has joined, or nobody knows", org_id=org_id, session_id=session_id)
        return
    # A late worker must not make the session longer than its reservation.
    at = min(clock.now(), clock.parse(session.ends_at))
    room_calls.end_room_call(org_id, session.call_id, _REASONS[reason], at)
    settle_session(org_id, session_id)


def _has_joined(session: WidgetSession) -> bool:
    """Whether the visitor is in the room. The room is asked, because the report of the join may be late.

    A room that cannot be asked is asked again. At the session's longest time, its other timer ends it in any case.
    """
    call = _call_of(session)
    if call.answered_at or call.state in OVER_STATES:
        return call.answered_at is not None
    try:
        return room_calls.note_visitor(call)
    except RoomDownError as error:
        telemetry.logger().warning("the room cannot be asked", extra={"session_id": session.id, "reason": str(error)})
        again = clock.now() + _ASKED_AGAIN
        if again < clock.parse(session.ends_at):
            timers.send_later(EndSession(org_id=session.org_id, session_id=session.id, reason="unjoined"), again)
        return True


def _call_of(session: WidgetSession) -> Call:
    call = calls.find_call(session.org_id, session.call_id)
    assert call is not None, "a session and its call are in one commit"
    return call


def settle_session(org_id: str, session_id: str) -> None:
    """Replaces the reservation of a session whose call is over by its cost, once, and closes its room."""

    def decide(found: WidgetSession) -> Decision[WidgetSession]:
        call = _call_of(found)
        if found.state is not WidgetSessionState.OPEN or call.state not in OVER_STATES:
            return None
        after = next_version(found, state=WidgetSessionState.SETTLED, cost_micros=call.cost_micros, timer=None)
        seconds = call.duration_seconds or 0
        told = events.new_event_write(
            session_origin(found.org_id, call.correlation_id),
            "widget.session_ended",
            Subject(type="widget_session", id=found.id, version=after.version),
            token=found.token_id,
            call=found.call_id,
            seconds=seconds,
            cost_micros=call.cost_micros,
        )
        return after, [
            timers.cancel_writes(found.timer),
            room_calls.leave_address_write(found.org_id, found.address_lane, found.call_id)
            if found.address_lane
            else None,
            timers.job_write(CloseCallRoom(org_id=found.org_id, call_id=found.call_id)),
            reservations.settlement_write(
                found.org_id, days.PURPOSE, found.day, found.reserved_micros, call.cost_micros, seconds
            ),
            told,
        ]

    if not session_store.SESSIONS.change_object(org_id, session_id, decide):
        telemetry.log_skip("the session is settled, or its call goes on", org_id=org_id, session_id=session_id)


def end_token_sessions(org_id: str, token_id: str, before: str | None) -> None:
    """Ends the running sessions of a revoked token. Many sessions take several runs."""
    try:
        token = service.get_token(org_id, token_id)
    except NotFound:
        token = None
    if token is None or token.revoked_at is None:
        telemetry.log_skip("the token is not revoked", org_id=org_id, token_id=token_id)
        return
    places = session_store.list_open_places(org_id, token_id, _SESSIONS_PER_RUN, before)
    for place in places:
        end_session(org_id, place.partition("#")[2], "revoked")
    if len(places) == _SESSIONS_PER_RUN:
        timers.send_later(EndTokenSessions(org_id=org_id, token_id=token_id, before=places[-1]), clock.now())
    elif before is None and clock.parse(token.revoked_at) > clock.now() - _SECOND_LOOK:
        # A list follows its objects after a moment: a session that began just before the revocation may be missing.
        again = EndTokenSessions(org_id=org_id, token_id=token_id)
        timers.send_later(again, clock.parse(token.revoked_at) + _SECOND_LOOK)
