"""The end of a call in when the provider's report of it is lost."""

from __future__ import annotations

import json

import pytest

from switchboard.calls import timeouts
from switchboard.calls.models import State
from switchboard.carriers.voice.ports.reports import EndReason
from switchboard.kit import clock
from tests.actors import Tenant, tenant
from tests.unit.calls.calls_in import Line, apply_reports, make_line, names_of
from tests.unit.calls.live_calls import list_actions, minutes_used

SALES = "+14155550143"


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant(concurrent_calls=1)


@pytest.fixture
def line(acme: Tenant) -> Line:
    found = make_line(acme, transfer_map={"sales": SALES})
    found.ask()
    return found


@pytest.mark.parametrize("step", ["after-talk/0", "after-dial", "after-record"])
def test_a_step_that_says_that_the_call_is_over_ends_it(
    acme: Tenant, line: Line, frozen: clock.FrozenClock, step: str
) -> None:
    if step == "after-dial":
        line.ask("after-talk/0", HandoffData=json.dumps({"transfer": "sales"}))
    frozen.advance(seconds=20)
    for _ in range(2):
        assert names_of(line.ask(step, CallStatus="completed"))[-1] == "Hangup"
        apply_reports()
    call = line.read_call()
    assert (call.state in (State.ENDING, State.COMPLETED), call.duration_seconds, minutes_used(acme)) == (True, 20, 1)
    assert names_of(line.ask(call=2))[-1] == "Connect", "the lane is free"


def test_a_report_of_the_end_after_such_a_step_corrects_the_length(acme: Tenant, line: Line) -> None:
    line.ask("after-talk/0", CallStatus="completed")
    apply_reports()
    line.end_call(seconds=121)
    line.end_call(seconds=121)
    assert (line.read_call().duration_seconds, line.read_call().cost_micros, minutes_used(acme)) == (121, 210_000, 3)
    assert list_actions(acme, line.read_call().correlation_id).count("voice.call.corrected") == 1


def test_a_step_of_a_call_in_progress_ends_nothing(line: Line) -> None:
    line.ask("after-talk/0", HandoffData='{"voicemail": true}')
    apply_reports()
    assert line.read_call().state is State.ACTIVE


def test_an_end_that_nobody_reports_costs_the_first_minute(
    acme: Tenant, line: Line, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = line.read_call()
    frozen.advance(minutes=61)
    timeouts.close_call(call.org_id, call.id, "active")
    call = line.read_call()
    assert (call.state, call.end_reason, call.provisional) == (State.FAILED, EndReason.TIMEOUT, True)
    assert (call.duration_seconds, call.cost_micros, minutes_used(acme)) == (60, 70_000, 1)
    line.end_call(seconds=1_800)
    call = line.read_call()
    assert (call.duration_seconds, call.cost_micros, minutes_used(acme)) == (1_800, 30 * 70_000, 30)
