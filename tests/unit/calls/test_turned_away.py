"""Callers who talk to nobody: what they hear, what it costs, and how the call is counted and shown."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.accounts import organizations
from switchboard.analytics import service as analytics
from switchboard.analytics.models import CallFigures
from switchboard.call_records import service as records
from switchboard.calls import store
from switchboard.calls.models import Call, CallerMessageState, Declined
from switchboard.carriers.voice.ports.reports import EndReason
from switchboard.compliance import ledgers
from switchboard.dialects.hum.call_details import CallRecordView
from switchboard.dialects.hum.call_stream import CallEntries
from switchboard.dialects.hum.webhooks import render
from switchboard.kit import clock
from switchboard.projections import service as projections
from tests.actors import Tenant, member, tenant
from tests.unit.analytics.ledger import count_call, event_of
from tests.unit.calls.calls_in import (
    CALLER,
    CLOSED,
    Line,
    make_flow,
    make_line,
    make_number,
    monday_noon,
    names_of,
    suspend,
)
from tests.unit.calls.live_calls import minutes_used

CLOSED_NOW: dict[str, Any] = {"business_hours_enabled": True, "business_hours": CLOSED, "timezone": "UTC"}
DONE = {
    "RecordingSid": f"RE{'1' * 32}",
    "RecordingDuration": "7",
    "RecordingStatus": "completed",
    "RecordingSource": "RecordVerb",
}


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    monday_noon(frozen)
    return tenant(concurrent_calls=1)


def held_lanes(line: Line, *calls: int) -> list[str | None]:
    return [line.read_call(call).lane for call in calls]


def test_callers_after_hours_take_no_lane(acme: Tenant) -> None:
    line = make_line(acme, **CLOSED_NOW, after_hours_message="We open at nine.")
    for call in (1, 2):
        closed, *_ = line.ask(call=call)
        assert closed["text"] == "We open at nine."
        assert (line.read_call(call).declined, line.read_call(call).after_hours) == (None, True)
    assert held_lanes(line, 1, 2) == [None, None]
    open_line = Line(make_number(acme, make_flow(acme, name="Open"), place=1))
    assert names_of(open_line.ask(call=3))[-1] == "Connect"


def test_a_caller_may_leave_a_message_when_all_lines_are_busy(acme: Tenant) -> None:
    line = make_line(acme, voicemail_leave_message="Tell us your name.")
    line.ask(call=1)
    said, asked, record, *_ = line.ask(call=2)
    assert (said["text"], asked["text"]) == ("Thank you for calling. All our lines are busy.", "Tell us your name.")
    assert record["verb"] == "Record"
    assert line.send(call=2).body == line.send(call=2).body
    call = line.read_call(2)
    assert (call.declined, call.lane, call.voicemail) == (Declined.BUSY, None, CallerMessageState.OFFERED)
    line.tell("recording", call=2, **DONE)
    line.end_call(call=2, seconds=70)
    call = line.read_call(2)
    assert (call.end_reason, call.has_voicemail, call.cost_micros) == (EndReason.BUSY, True, 140_000)
    assert minutes_used(acme) == 3


def test_a_polite_message_alone_costs_nothing(acme: Tenant) -> None:
    line = make_line(acme, voicemail_enabled=False, **CLOSED_NOW)
    assert names_of(line.ask()) == ["Say", "Hangup"]
    line.end_call(seconds=6)
    assert (line.read_call().cost_micros, minutes_used(acme)) == (0, 0)


def test_a_blocked_caller_of_a_suspended_organization_hears_nothing(acme: Tenant) -> None:
    line = make_line(acme)
    ledgers.block_number(acme.caller(master=True), CALLER)
    suspend(acme)
    assert names_of(line.ask()) == ["Reject"]
    assert line.read_call().end_reason is EndReason.BLOCKED


def turn_away(acme: Tenant, why: str) -> tuple[Line, Call]:
    """Returns the line, and the call of a caller who was turned away and has hung up."""
    flow = None if why == "no_flow" else make_flow(acme, **(CLOSED_NOW if why == "after_hours" else {}))
    line = Line(make_number(acme, flow))
    if why == "busy":
        line.ask(call=9)
    if why == "suspended":
        suspend(acme)
    line.ask()
    line.end_call(seconds=6)
    return line, line.read_call()


@pytest.mark.parametrize("why", ["no_flow", "suspended", "busy", "after_hours"])
def test_a_caller_who_was_turned_away_was_not_answered(acme: Tenant, why: str) -> None:
    line, call = turn_away(acme, why)
    count_call(call)
    if why == "busy":
        count_call(line.read_call(9))
    org = organizations.get_organization(acme.org_id)
    counted = analytics.get_analytics(org, 30, None, None).totals
    assert counted == CallFigures(calls=1 + (why == "busy"), inbound=1 + (why == "busy"), answered=int(why == "busy"))
    assert counted.answered_rate == (0.5 if why == "busy" else 0.0)
    projections.clear_projection(acme.org_id, "call_tallies")
    for one in [call, *([line.read_call(9)] if why == "busy" else [])]:
        count_call(one)
    assert analytics.get_analytics(org, 30, None, None).totals == counted, "a rebuild counts the same"
    assert call.end_reason is not None
    assert call.end_reason.value == why
    assert call.connected_at is None


@pytest.mark.parametrize("why", ["no_flow", "busy", "after_hours"])
def test_the_console_shows_why_a_caller_was_turned_away(acme: Tenant, why: str) -> None:
    _, call = turn_away(acme, why)
    viewer = member(acme.org_id)
    view = CallRecordView.of_record(records.get_call(viewer, call.id))
    assert (view.answered_at, view.end_reason) == (None, why)
    assert (view.declined, view.after_hours) == (None if why == "after_hours" else why, why == "after_hours")
    snapshot = CallEntries(viewer, call.id).find_start(None).opening
    assert snapshot is not None
    assert f'"after_hours":{"true" if why == "after_hours" else "false"}'.encode() in snapshot.replace(b" ", b"")
    assert [one.event for one in render(event_of(call, "voice.call.completed"), call)] == ["call.completed"]


def test_a_call_with_a_talk_was_answered_when_it_began(acme: Tenant) -> None:
    line = make_line(acme)
    line.ask()
    line.ask("after-talk/0", HandoffData='{"voicemail": true}')
    line.end_call()
    call = line.read_call()
    assert (call.connected_at, call.end_reason) == (call.answered_at, EndReason.COMPLETED)
    assert store.CALLS.get_object(acme.org_id, call.id) == call
