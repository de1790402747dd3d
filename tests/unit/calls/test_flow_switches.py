"""A call that moves to another flow: the flow's hours, recording and kind hold as for a call to its number."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchboard.analytics.facts import make_fact
from switchboard.analytics.models import CountedNames
from switchboard.calls.models import CallerMessageState
from switchboard.errors import Invalid
from switchboard.flows import changes
from switchboard.kit import clock
from tests.actors import Tenant, tenant
from tests.unit.calls.calls_in import CLOSED, Line, make_flow, make_line, monday_noon, names_of
from tests.unit.calls.live_calls import minutes_used

SALES = "+14155550143"
SWITCH = json.dumps({"transfer": "other"})
TRANSFER = json.dumps({"transfer": "sales"})
CLOSED_NOW: dict[str, Any] = {"business_hours_enabled": True, "business_hours": CLOSED, "timezone": "UTC"}


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    monday_noon(frozen)
    return tenant()


def make_pair(acme: Tenant, *, recorded: bool, **target: Any) -> Line:
    """Returns a line whose flow hands callers to another flow, after the caller is connected."""
    other = make_flow(acme, name="Other", **target)
    line = make_line(acme, announce_recording=recorded, flow_transfer_map={"other": other.id})
    line.ask()
    return line


def test_a_recorded_flow_announces_its_recording_after_a_switch(acme: Tenant) -> None:
    line = make_pair(acme, recorded=False)
    say, start, connect = line.ask("after-talk/0", HandoffData=SWITCH)
    assert (say["text"], start["nouns"][0]["name"]) == ("This call is recorded.", "talk-1")
    assert connect["verb"] == "Connect"
    assert line.send("after-talk/0", HandoffData=SWITCH).body == line.send("after-talk/0").body


def test_a_flow_without_recording_ends_the_recording(acme: Tenant) -> None:
    line = make_pair(acme, recorded=True, announce_recording=False)
    stop, connect = line.ask("after-talk/0", HandoffData=SWITCH)
    assert (stop["verb"], stop["nouns"][0]["name"], connect["verb"]) == ("Stop", "talk-0", "Connect")


@pytest.mark.parametrize("recorded", [True, False])
def test_flows_of_the_same_kind_go_on_as_before(acme: Tenant, recorded: bool) -> None:
    line = make_pair(acme, recorded=recorded, announce_recording=recorded)
    assert names_of(line.ask("after-talk/0", HandoffData=SWITCH)) == ["Connect"]


def test_a_recording_runs_through_several_flows(acme: Tenant) -> None:
    third = make_flow(acme, name="Third", announce_recording=False)
    line = make_pair(acme, recorded=True, flow_transfer_map={"other": third.id})
    assert names_of(line.ask("after-talk/0", HandoffData=SWITCH)) == ["Connect"]
    stop, _ = line.ask("after-talk/1", HandoffData=SWITCH)
    assert stop["nouns"][0]["name"] == "talk-0", "the recording that began with the first flow"


def test_a_closed_flow_says_so_and_takes_a_message(acme: Tenant) -> None:
    line = make_pair(acme, recorded=False, after_hours_message="Billing is closed.", **CLOSED_NOW)
    closed, _, record, *_ = line.ask("after-talk/0", HandoffData=SWITCH)
    assert (closed["text"], record["verb"]) == ("Billing is closed.", "Record")
    assert names_of(line.ask("after-talk/0", HandoffData=SWITCH)) == ["Say", "Say", "Record", "Say", "Hangup"]
    call = line.read_call()
    assert (call.after_hours, call.voicemail) == (False, CallerMessageState.OFFERED)
    line.end_call()
    assert line.read_call().connected_at is not None, "the caller talked to the first flow"


def test_a_closed_flow_without_recording_ends_the_recording_too(acme: Tenant) -> None:
    line = make_pair(acme, recorded=True, announce_recording=False, voicemail_enabled=False, **CLOSED_NOW)
    assert names_of(line.ask("after-talk/0", HandoffData=SWITCH)) == ["Stop", "Say", "Hangup"]


def test_an_outbound_flow_is_no_target(acme: Tenant) -> None:
    sales = make_flow(acme, name="Outbound sales", kind="outbound")
    with pytest.raises(Invalid) as refused:
        make_flow(acme, name="Desk", flow_transfer_map={"other": sales.id})
    problem = refused.value.details["fields"]["flow_transfer_map_json"]
    assert problem == f"names the flow {sales.id}, which places calls and takes none: name an inbound flow"


def test_a_target_stays_inbound(acme: Tenant) -> None:
    line = make_pair(acme, recorded=False)
    sender = line.read_call().flow_id or ""
    target = make_flow(acme, name="Fourth")
    changes.update_flow(acme.caller(master=True), sender, {"flow_transfer_map_json": json.dumps({"other": target.id})})
    with pytest.raises(Invalid) as refused:
        changes.update_flow(acme.caller(master=True), target.id, {"kind": "outbound"})
    assert refused.value.code == "flow_in_use"
    assert [one["id"] for one in refused.value.details["flows"]] == [sender]
    changes.update_flow(acme.caller(master=True), sender, {"flow_transfer_map_json": "{}"})
    assert changes.update_flow(acme.caller(master=True), target.id, {"kind": "outbound"}).kind == "outbound"


@pytest.fixture
def line(acme: Tenant) -> Line:
    found = make_line(acme, transfer_map={"sales": SALES})
    found.ask()
    return found


def test_the_recording_ends_before_another_person_joins(line: Line) -> None:
    stop, dial = line.ask("after-talk/0", HandoffData=TRANSFER)
    assert (stop["verb"], stop["nouns"][0]["name"], dial["verb"]) == ("Stop", "talk-0", "Dial")


@pytest.mark.parametrize("step", [{"HandoffData": '{"voicemail": true}'}, {"SessionStatus": "failed"}])
def test_the_recording_of_a_call_ends_before_a_message(line: Line, step: dict[str, str]) -> None:
    for _ in range(2):
        verbs = line.ask("after-talk/0", **step)
        assert names_of(verbs).index("Stop") < names_of(verbs).index("Record"), "also if the callback comes twice"
        assert verbs[0]["nouns"][0]["name"] == "talk-0"


def test_a_message_for_a_closed_flow_is_not_in_the_recording_of_the_flow_before(acme: Tenant) -> None:
    line = make_pair(acme, recorded=True, announce_recording=True, voicemail_enabled=True, **CLOSED_NOW)
    names = names_of(line.ask("after-talk/0", HandoffData=SWITCH))
    assert (names.count("Stop"), names.index("Stop") < names.index("Record")) == (1, True)


@pytest.mark.parametrize("handoff", [SWITCH, '{"voicemail": true}'])
def test_a_message_for_a_flow_without_recording_ends_nothing(acme: Tenant, handoff: str) -> None:
    line = make_pair(acme, recorded=False, announce_recording=False, **CLOSED_NOW)
    names = names_of(line.ask("after-talk/0", HandoffData=handoff))
    assert ("Stop" in names, "Record" in names) == (False, True)


def test_a_call_that_is_not_recorded_is_transferred_at_once(acme: Tenant) -> None:
    line = make_line(acme, transfer_map={"sales": SALES}, announce_recording=False)
    line.ask()
    assert names_of(line.ask("after-talk/0", HandoffData=TRANSFER)) == ["Dial"]


@pytest.mark.parametrize("status_first", [True, False])
def test_a_transfer_counts_when_the_caller_hangs_up_first(acme: Tenant, line: Line, status_first: bool) -> None:
    line.ask("after-talk/0", HandoffData=TRANSFER)
    if status_first:
        line.end_call(seconds=700)
    for _ in range(2):
        dialed = {"DialCallStatus": "completed", "DialCallDuration": "600"}
        assert names_of(line.ask("after-dial", CallStatus="completed", **dialed)) == ["Hangup"]
    line.end_call(seconds=700)
    call = line.read_call()
    assert (call.transferred_to, make_fact(call, None, CountedNames())[0].transferred) == (SALES, True)
    assert (call.duration_seconds, call.cost_micros, minutes_used(acme)) == (700, 22 * 70_000, 22)


def test_a_caller_who_hangs_up_while_the_other_number_rings_is_not_transferred(line: Line) -> None:
    line.ask("after-talk/0", HandoffData=TRANSFER)
    assert names_of(line.ask("after-dial", CallStatus="completed", DialCallStatus="canceled")) == ["Hangup"]
    assert (line.read_call().transferred_to, line.read_call().voicemail) == (None, None)
