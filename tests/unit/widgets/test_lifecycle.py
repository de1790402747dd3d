"""The course of sessions: every way to end, each settled once."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.calls import reports
from switchboard.calls.jobs import CloseCallRoom
from switchboard.calls.models import OVER_STATES, State
from switchboard.carriers import rooms
from switchboard.carriers.rooms import RoomDownError
from switchboard.carriers.rooms.simulator import SimulatedRooms
from switchboard.carriers.voice.ports.reports import EndReason, Report, Turn
from switchboard.carriers.voice.ports.talker import Voice
from switchboard.errors import QuotaExceeded
from switchboard.fanout import routes
from switchboard.flows.models import Flow
from switchboard.kit import clock, ids
from switchboard.timers import service as timers
from switchboard.usage import service as usage
from switchboard.widgets import lifecycle, service
from switchboard.widgets.jobs import (
    BeginSession,
    EndSession,
    EndTokenSessions,
    SettleSession,
)
from switchboard.widgets.models import WidgetSession, WidgetSessionState, WidgetToken
from switchboard.widgets.sessions import StartedSession, read_talk
from tests.actors import Tenant, system, tenant
from tests.unit.contacts.book import list_workflow_events
from tests.unit.properties import example_settings
from tests.unit.widgets.desk import MINUTE, do, find_call, find_session, get_day, make_flow, make_token, start


def report(session: WidgetSession, kind: Any, **facts: Any) -> None:
    reports.apply_report(Report(org_id=session.org_id, call_id=session.call_id, kind=kind, **facts))


def names(session: WidgetSession) -> dict[str, str]:
    return {"org_id": session.org_id, "session_id": session.id}


def end_event_jobs(session: WidgetSession) -> list[dict[str, Any]]:
    """The jobs of the widgets' queue that the events of the call start."""
    call = find_call(session)
    told = list_workflow_events(session.org_id, call.correlation_id)
    messages = [message for event in told if event.subject.id == call.id for message in routes.messages_of(event)]
    return [json.loads(json.dumps(message.body)) for message in messages if message.queue == "widgets"]


def test_the_end_of_the_call_settles_what_was_used(token: WidgetToken, frozen: clock.FrozenClock) -> None:
    session = start(token, name="Ada").session
    assert get_day(session) == (0, 0, 0, 5 * MINUTE)
    report(session, "answered")
    assert find_call(session).state is State.ACTIVE
    report(session, "turn", turn=Turn(number=0, speaker="agent", text="Hello", start_ms=0, end_ms=300))
    frozen.advance(seconds=70)
    report(session, "ended", end_reason=EndReason.CALLER_HANGUP)
    assert len(end_event_jobs(session)) == 1
    for _ in range(2):
        do(SettleSession(**names(session)))
    assert get_day(session) == (1, 70, 2 * MINUTE, 2 * MINUTE)
    after = find_session(session)
    assert (after.state, after.cost_micros) == (WidgetSessionState.SETTLED, 2 * MINUTE)
    assert usage.get_monthly_usage(session.org_id).spent_micros == 2 * MINUTE
    assert [turn.text for turn in read_talk(after).turns] == ["Hello"]


def test_a_talk_that_goes_on_is_not_settled(token: WidgetToken) -> None:
    session = start(token, name="Ada").session
    report(session, "answered")
    do(SettleSession(**names(session)))
    assert find_session(session).state is WidgetSessionState.OPEN
    assert get_day(session).counted_micros == 5 * MINUTE


def test_the_platform_ends_a_session_at_its_longest_time(flow: Flow, frozen: clock.FrozenClock) -> None:
    token = make_token(flow, max_session_seconds=90)
    session = start(token, name="Ada").session
    report(session, "answered")
    # The worker is late, and no report of the end ever comes.
    frozen.advance(seconds=200)
    for _ in range(2):
        do(EndSession(reason="limit", **names(session)))
    call = find_call(session)
    assert (call.state, call.end_reason, call.duration_seconds) == (State.COMPLETED, EndReason.AGENT_HANGUP, 90)
    assert get_day(session) == (1, 90, 2 * MINUTE, 2 * MINUTE)
    report(session, "ended", end_reason=EndReason.COMPLETED)
    assert find_call(session) == call


def test_a_visitor_who_never_joins_costs_nothing(token: WidgetToken, frozen: clock.FrozenClock) -> None:
    session = start(token, name="Ada").session
    frozen.advance(seconds=60)
    do(EndSession(reason="unjoined", **names(session)))
    assert find_call(session).state is State.NO_ANSWER
    assert get_day(session) == (1, 0, 0, 0)
    assert usage.get_monthly_usage(session.org_id).spent_micros == 0


def test_a_visitor_who_joined_may_stay(token: WidgetToken, frozen: clock.FrozenClock) -> None:
    session = start(token, name="Ada").session
    report(session, "answered")
    frozen.advance(seconds=60)
    do(EndSession(reason="unjoined", **names(session)))
    assert find_call(session).state is State.ACTIVE


def test_a_late_report_of_the_join_throws_nobody_out(
    token: WidgetToken, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, joined = start(token, name="Ada").session, clock.now_iso()
    monkeypatch.setattr(SimulatedRooms, "find_visitor", lambda *_: joined)
    frozen.advance(seconds=60)
    do(EndSession(reason="unjoined", **names(session)))
    frozen.advance(seconds=5)
    report(session, "answered", at=joined)
    report(session, "ended", end_reason=EndReason.CALLER_HANGUP, at=clock.now_iso())
    call = find_call(session)
    assert (call.state, call.answered_at, call.duration_seconds) == (State.COMPLETED, joined, 65)
    assert usage.get_monthly_usage(session.org_id).spent_micros == 2 * MINUTE


def test_a_room_that_cannot_be_asked_is_asked_again(
    token: WidgetToken, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(timers, "send_later", lambda job, _: sent.append(job))
    session = start(token, name="Ada").session

    def fail(*_: Any) -> None:
        raise RoomDownError("LiveKit returned the status 503")

    monkeypatch.setattr(SimulatedRooms, "find_visitor", fail)
    unjoined = EndSession(reason="unjoined", **names(session))
    frozen.advance(seconds=60)
    do(unjoined)
    assert (sent, find_call(session).state) == ([unjoined], State.RINGING)
    # The longest time ends the session, also while the room cannot be asked.
    frozen.advance(seconds=1_000)
    do(unjoined)
    do(EndSession(reason="limit", **names(session)))
    assert (sent, find_call(session).state) == ([unjoined], State.NO_ANSWER)


def test_a_join_that_is_told_after_the_end_is_charged(token: WidgetToken, frozen: clock.FrozenClock) -> None:
    session = start(token, name="Ada").session
    frozen.advance(seconds=10)
    joined = clock.now_iso()
    frozen.advance(seconds=50)
    # The visitor joined and left, and no report has come.
    do(EndSession(reason="unjoined", **names(session)))
    assert usage.get_monthly_usage(session.org_id).spent_micros == 0
    frozen.advance(seconds=30)
    report(session, "answered", at=joined)
    call = find_call(session)
    assert (call.state, call.answered_at, call.duration_seconds) == (State.COMPLETED, joined, 50)
    assert usage.get_monthly_usage(session.org_id).spent_micros == MINUTE


def test_the_visitor_ends_the_session_once(token: WidgetToken, frozen: clock.FrozenClock) -> None:
    session = start(token, name="Ada").session
    report(session, "answered")
    frozen.advance(seconds=10)
    lifecycle.request_end(session)
    asked = find_session(session)
    lifecycle.request_end(asked)
    assert find_session(session) == asked
    do(EndSession(reason="visitor", **names(session)))
    call = find_call(session)
    assert (call.state, call.end_reason, call.duration_seconds) == (State.COMPLETED, EndReason.CALLER_HANGUP, 10)
    lifecycle.request_end(find_session(session))
    assert find_session(session).state is WidgetSessionState.SETTLED


def test_a_revocation_ends_the_sessions_of_its_token_only(token: WidgetToken, flow: Flow, acme: Tenant) -> None:
    other = make_token(flow)
    ended, kept = [start(token, name="Ada").session for _ in range(3)], start(other, name="Bob").session
    for session in (*ended, kept):
        report(session, "answered")
    do(EndTokenSessions(org_id=acme.org_id, token_id=token.id))
    assert all(find_call(session).state is State.ACTIVE for session in ended)
    service.revoke_token(system(acme.org_id), token.id)
    do(EndTokenSessions(org_id=acme.org_id, token_id=token.id))
    assert all(find_session(session).state is WidgetSessionState.SETTLED for session in ended)
    assert find_call(kept).state is State.ACTIVE


def test_many_sessions_of_a_revoked_token_take_several_runs(
    token: WidgetToken, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "_SESSIONS_PER_RUN", 2)
    sent: list[Any] = []
    monkeypatch.setattr(timers, "send_later", lambda job, _: sent.append(job))
    begun = [start(token, name="Ada").session for _ in range(5)]
    service.revoke_token(system(acme.org_id), token.id)
    sent.append(EndTokenSessions(org_id=acme.org_id, token_id=token.id))
    while sent and (sent[-1].before is not None or len(sent) == 1):
        do(sent.pop())
    assert all(find_call(session).state in OVER_STATES for session in begun)


def test_the_room_is_opened_once_and_closed_at_the_end(token: WidgetToken, monkeypatch: pytest.MonkeyPatch) -> None:
    session = start(token, name="Ada").session
    made: list[tuple[str, str]] = []

    class Rooms:
        def list_voices(self) -> list[Voice]:
            return [Voice(find_call(session).voice_id, "Ada", "basic", "en-US", "female", ())]

        def start_talk(self, room: rooms.VoiceRoom) -> None:
            made.append(("start", room.greeting))

        def close_room(self, _: str, call_id: str) -> None:
            made.append(("close", call_id))

    monkeypatch.setattr(rooms, "named", lambda _: Rooms())
    do(CloseCallRoom(org_id=session.org_id, call_id=session.call_id))
    do(BeginSession(**names(session)))
    report(session, "answered")
    do(EndSession(reason="limit", **names(session)))
    do(CloseCallRoom(org_id=session.org_id, call_id=session.call_id))
    do(BeginSession(**names(session)))
    first_words = "This call is recorded. This is an artificial voice. Hello Ada, how can I help?"
    assert made == [("start", first_words), ("close", session.call_id)]


@pytest.mark.parametrize(
    ("settings", "first_words"),
    [
        ({"greeting": "Hello.", "announce_recording": False}, "This is an artificial voice. Hello."),
        ({"greeting": "Hello, I am an AI assistant for Acme."}, "This call is recorded. Hello, I am an AI assistant"),
    ],
)
def test_the_voice_says_what_it_is(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], first_words: str
) -> None:
    session = start(make_token(make_flow(acme.org_id, **settings))).session
    opened: list[rooms.VoiceRoom] = []
    monkeypatch.setattr(SimulatedRooms, "start_talk", lambda _, room: opened.append(room))
    do(BeginSession(**names(session)))
    (room,) = opened
    assert room.greeting.startswith(first_words)


@pytest.mark.parametrize("order", list(permutations(["limit", "visitor", "ended", "settle"])), ids="-".join)
def test_ends_in_any_order_settle_once(token: WidgetToken, frozen: clock.FrozenClock, order: tuple[str, ...]) -> None:
    session = start(token, name="Ada").session
    report(session, "answered")
    frozen.advance(seconds=61)
    for step in order:
        match step:
            case "ended":
                report(session, "ended", end_reason=EndReason.COMPLETED)
            case "settle":
                do(SettleSession(**names(session)))
            case reason:
                do(EndSession(reason=reason, **names(session)))
    assert get_day(session) == (1, 61, 2 * MINUTE, 2 * MINUTE)
    ended = [one for one in list_workflow_events(session.org_id, "corr_test") if one.type == "widget.session_ended"]
    assert len(ended) == 1


@example_settings(25)
@given(steps=st.lists(st.tuples(st.sampled_from(["start", "end", "settle"]), st.integers(0, 300)), max_size=14))
def test_the_cap_holds_whatever_the_order(
    cloud: dict[str, str], frozen: clock.FrozenClock, steps: list[tuple[str, int]]
) -> None:
    flow = make_flow(tenant(f"acme-{ids.new_id('x')[-6:]}").org_id)
    token = make_token(flow, daily_spend_cap_cents=100, max_session_seconds=120)
    open_: list[StartedSession] = []
    over: list[WidgetSession] = []
    for step, number in steps:
        if step == "start":
            try:
                open_.append(start(token))
            except QuotaExceeded:
                counted = get_day(over[0] if over else open_[0].session).counted_micros
                assert counted + 2 * MINUTE > 100 * 10_000
            else:
                report(open_[-1].session, "answered")
        elif step == "end" and open_:
            session = open_.pop(number % len(open_)).session
            frozen.advance(seconds=number % 40)
            do(EndSession(reason="visitor", **names(session)))
            over.append(session)
        elif over:
            do(SettleSession(**names(over[number % len(over)])))
        everyone = [*over, *(one.session for one in open_)]
        if everyone:
            spent = sum(find_session(one).cost_micros for one in over)
            found = get_day(everyone[0])
            assert found.counted_micros == spent + 2 * MINUTE * len(open_) <= 100 * 10_000
            assert (found.uses, found.spent_micros) == (len(over), spent)
