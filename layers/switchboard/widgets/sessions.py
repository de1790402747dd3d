"""Starts the sessions of visitors, and reads them.

The order of the checks: the key, the origin, the visitor's answers, the rate, the captcha, the spend cap, the flow. The
edge checks the origin and the rate (`functions/hum/widget_sessions`).

A session reserves the cost of its longest talk from the day's cap, in the transaction that creates it. The end returns
what was not used (`switchboard.widgets.lifecycle`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from switchboard.accounts import organizations, stops
from switchboard.accounts.models import Organization
from switchboard.accounts.stops import StoppedError
from switchboard.aws.writes import Writes
from switchboard.calls import holds, lookup, room_calls
from switchboard.calls import service as calls
from switchboard.calls.lanes import LaneTakenError
from switchboard.calls.models import Call, WidgetVisit
from switchboard.carriers import captcha, rooms
from switchboard.carriers.captcha import CaptchaDownError
from switchboard.carriers.rooms import RoomTicket
from switchboard.carriers.voice.ports.reports import Turn
from switchboard.errors import Contended, Invalid, NotFound, QuotaExceeded, Unavailable
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, SystemActor
from switchboard.flows import hours
from switchboard.flows import service as flows
from switchboard.flows.models import Flow
from switchboard.kit import clock, ids
from switchboard.persistence.idempotency import IdempotencyKey, find_earlier_effect
from switchboard.persistence.optimistic import StaleVersionError, retry_on_conflict
from switchboard.timers import service as timers
from switchboard.usage import reservations
from switchboard.usage import service as usage
from switchboard.widgets import captcha_keys, days, leads, origins, session_store, store, tokens
from switchboard.widgets.jobs import EndSession
from switchboard.widgets.models import LeadAnswers, WidgetSession, WidgetToken

#: The action that a page's captcha names.
CAPTCHA_ACTION = "widget_session"
_NO_SUCH_WIDGET = "There is no such widget, or it is no longer active: check its key."
_CAP_REACHED = "The daily spending cap of this organization's widgets is reached: try again tomorrow."


class StartedSession(NamedTuple):
    """A new session, the token that reads it, and the ticket of its room."""

    session: WidgetSession
    token: str
    ticket: RoomTicket


class SessionWithTalk(NamedTuple):
    """A session, its call, and the turns so far in their order."""

    session: WidgetSession
    call: Call
    turns: list[Turn]


def admit_key(public_key: str) -> WidgetToken:
    """Returns the usable token with a public key. Raises NotFound."""
    place = store.find_place(public_key)
    token = store.TOKENS.get_object(*place) if place else None
    if token is None or not token.usable:
        raise _missing()
    return token


def _missing() -> NotFound:
    return NotFound(_NO_SUCH_WIDGET, code="unknown_widget")


def check_captcha(token: WidgetToken, origin: str, answer: str | None, address: str) -> None:
    """Raises Invalid if the captcha says that no person asks, or that the person is on another page.

    Raises Unavailable if the captcha cannot be asked: nobody passes unchecked.
    """
    if token.captcha_provider == "none":
        return
    if not answer:
        raise _captcha_failed("is missing")
    own = captcha_keys.read_secret(token)
    if own is None and captcha_keys.has_own_captcha(token):
        raise Unavailable("This widget's captcha has no secret: ask the owner of the page.", code="no_captcha")
    found = captcha.find_captcha(with_secret=own is not None)
    if found is None:
        raise Unavailable("No captcha is configured: ask the operator.", code="no_captcha")
    try:
        result = found.check_token(answer, address, own)
    except CaptchaDownError:
        raise Unavailable("The captcha does not respond: try again.", code="captcha_down", retry_after=5) from None
    if not result.is_for(origins.host_of(origin), CAPTCHA_ACTION):
        raise _captcha_failed("was used before, has expired, or is not for this page: solve it again")


def _captcha_failed(why: str) -> Invalid:
    return Invalid("The captcha is not solved.", code="captcha_failed", fields={"captcha_token": why})


def find_started_session(effect: IdempotencyKey | None, org_id: str) -> StartedSession | None:
    """Returns the session that an earlier run of the same request started: its captcha is already used."""
    done = find_earlier_effect(effect)
    return _ticketed(*_load(org_id, done.subject_id)) if done else None


def start_session(
    token: WidgetToken,
    origin: str,
    answers: LeadAnswers,
    correlation_id: str,
    effect: IdempotencyKey | None = None,
    *,
    address: str,
) -> StartedSession:
    """Starts a session, with its call, its lead and its reservation, in one commit.

    `address` is the visitor's address or network. Raises NotFound for a token that was revoked meanwhile, QuotaExceeded
    at a cap, Invalid without a flow, and Unavailable without a provider of rooms, a free line or an open flow. Raises
    RateLimited if the address has too many sessions at one time.
    """
    made = retry_on_conflict(lambda: _start_once(token, origin, answers, correlation_id, effect, address))
    assert made is not None, "no write of a session says that it is recorded already"
    return _ticketed(*made)


def _ticketed(session: WidgetSession, call: Call) -> StartedSession:
    room = room_calls.room_of(call, session.id)
    return StartedSession(session, tokens.make_token(session), rooms.named(session.provider).make_ticket(room))


def _start_once(
    token: WidgetToken,
    origin: str,
    answers: LeadAnswers,
    correlation_id: str,
    effect: IdempotencyKey | None,
    address: str,
) -> tuple[WidgetSession, Call]:
    token = admit_key(token.public_key)
    org = organizations.get_organization(token.org_id)
    if org.status != "active":
        raise _missing()
    room_calls.require_rooms()
    session_id, lead_id = ids.new_id("wgs"), None if answers.is_empty else ids.new_id("led")
    visit = WidgetVisit(
        session_id=session_id,
        token_id=token.id,
        origin=origin,
        lead_id=lead_id,
        name=answers.name,
        email=answers.email,
        phone=answers.phone,
    )
    call = room_calls.new_room_call(org.id, ids.new_id("call"), _find_flow(token), visit, correlation_id)
    of_address, lane = room_calls.find_address_lane(org.id, address), room_calls.find_lane(org, call)
    hold = holds.find_hold(org, call, token.max_session_seconds)
    session = _new_session(org, token, call, visit, hold.seconds).model_copy(update={"address_lane": of_address.ref})
    within = [
        room_calls.new_call_charge(org, call, hold),
        reservations.reservation_charge(
            org.id, days.PURPOSE, session.day, session.reserved_micros, token.daily_spend_cap_cents, _CAP_REACHED
        ),
    ]
    receipt = usage.receipt_of(within)
    call = call.model_copy(update={"lane": lane.ref, "receipt": receipt, "held_minutes": hold.minutes})
    session, timer_writes = _timed(session, hold.seconds)
    try:
        done = usage.commit_within(
            within,
            room_calls.new_call_writes(call, lane),
            of_address.take_writes(call, clock.parse(session.ends_at)),
            store.unchanged_check(token),
            stops.claim_checks(org.id, None),
            session_store.SESSIONS.create_write(session),
            timer_writes,
            _event_writes(session, answers, token.lead_retention_days, correlation_id),
            once=effect,
            subject_id=session.id,
        )
    except (LaneTakenError, Contended):
        # Another call took the lane, or another session counted at the same time. Decide again.
        raise StaleVersionError from None
    except QuotaExceeded as refused:
        if holds.was_outrun(refused, hold):
            raise StaleVersionError from None
        raise
    except StoppedError:
        raise _missing() from None
    return _load(org.id, done.subject_id) if done else (session, call)


def _find_flow(token: WidgetToken) -> Flow:
    try:
        flow = flows.get_flow(token.org_id, token.default_flow_id or "")
    except NotFound:
        raise Invalid("This widget has no flow that could talk: choose one for the token.", code="no_flow") from None
    if not hours.is_open(flow, clock.now()):
        message = flow.after_hours_message or "Nobody is here at this time: come back during business hours."
        raise Unavailable(message, code="after_hours", retry_after=600)
    return flow


def _new_session(org: Organization, token: WidgetToken, call: Call, visit: WidgetVisit, longest: int) -> WidgetSession:
    now = clock.now()
    minutes = -(-longest // 60)
    return WidgetSession(
        id=visit.session_id,
        org_id=org.id,
        token_id=token.id,
        call_id=call.id,
        lead_id=visit.lead_id,
        origin=visit.origin,
        provider=call.provider,
        day=days.today(org),
        reserved_micros=minutes * usage.price_micros(room_calls.meter_of(call)),
        ends_at=clock.format_iso(now + timedelta(seconds=longest)),
        created_at=clock.format_iso(now),
        updated_at=clock.format_iso(now),
    )


def _timed(session: WidgetSession, longest: int) -> tuple[WidgetSession, Writes]:
    """Returns the session with the timers that end it: after its longest time, and when nobody joins."""
    ids_ = {"org_id": session.org_id, "session_id": session.id}
    begun = clock.parse(session.created_at)
    limit = timers.schedule(EndSession(reason="limit", **ids_), begun + timedelta(seconds=longest))
    joined = timers.schedule(
        EndSession(reason="unjoined", **ids_), begun + timedelta(seconds=min(longest, room_calls.JOIN_SECONDS))
    )
    return session.model_copy(update={"timer": limit.ref}), [limit.write, joined.write]


def _event_writes(session: WidgetSession, answers: LeadAnswers, lead_days: int, correlation_id: str) -> list[Writes]:
    origin = session_origin(session.org_id, correlation_id)
    started = events.new_event_write(
        origin,
        "widget.session_started",
        Subject(type="widget_session", id=session.id, version=session.version),
        token=session.token_id,
        call=session.call_id,
    )
    if session.lead_id is None:
        return [started]
    lead, lead_writes = leads.new_lead(session.lead_id, session, answers, lead_days)
    captured = events.new_event_write(
        origin,
        "widget.lead_captured",
        Subject(type="widget_lead", id=lead.id, version=1),
        token=lead.token_id,
        call=lead.call_id,
        fields=sorted(name for name, value in answers if value),
    )
    return [started, *lead_writes, captured]


def session_origin(org_id: str, correlation_id: str) -> SystemActor:
    """Returns the origin of what a widget's visitor causes."""
    actor = Actor(type="system", id="widget")
    return SystemActor(org_id=org_id, actor=actor, agent_id=None, correlation_id=correlation_id)


def _load(org_id: str, session_id: str) -> tuple[WidgetSession, Call]:
    session = session_store.SESSIONS.get_object(org_id, session_id)
    call = calls.find_call(org_id, session.call_id) if session else None
    assert session is not None, "a request's marker and its session are in one commit"
    assert call is not None, "as above"
    return session, call


def admit_visitor(token_text: str) -> WidgetSession:
    """Returns the session of a session token. Raises Unauthenticated."""
    claims = tokens.verify_token(token_text)
    session = session_store.SESSIONS.get_object(*claims)
    assert session is not None, "a signed token names a session that exists"
    return session


def read_talk(session: WidgetSession) -> SessionWithTalk:
    """Returns a session with its call and what was said so far."""
    call = calls.find_call(session.org_id, session.call_id)
    assert call is not None, "a session and its call are in one commit"
    turns: Iterable[Turn] = lookup.fit_turns(call, lookup.list_turns(session.org_id, session.call_id))
    return SessionWithTalk(session, call, list(turns))
