"""A person who calls us opts out of our calls by an explicit wish only, and is never hung up on for it."""

from __future__ import annotations

import pytest

from switchboard.kit import clock
from tests.actors import Tenant
from tests.unit.calls.calls_in import CALLER, Line, make_line
from tests.unit.calls.live_calls import count_hang_ups, list_opt_outs, report_progress, report_turn

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def line(acme: Tenant) -> Line:
    found = make_line(acme, system_prompt="To hear the hours again, press 9.")
    found.ask()
    return found


@pytest.mark.parametrize("digits", ["9", "9#"])
def test_no_key_of_a_caller_opts_out(line: Line, acme: Tenant, digits: str) -> None:
    report_progress(line.read_call(), "dtmf", digits=digits)
    assert (list_opt_outs(acme), count_hang_ups(), line.read_call().opted_out_at) == ([], 0, None)


@pytest.mark.parametrize("text", ["Stop.", "No more.", "End.", "Okay stop.", "Could you please stop?", "Basta."])
def test_a_caller_who_says_stop_goes_on_talking(line: Line, acme: Tenant, text: str) -> None:
    report_turn(line.read_call(), text)
    assert (list_opt_outs(acme), count_hang_ups(), line.read_call().opted_out_at) == ([], 0, None)


@pytest.mark.parametrize("text", ["Please don't call me again.", "Take me off your list.", "Stop calling me."])
def test_an_explicit_wish_is_recorded_and_the_call_goes_on(line: Line, acme: Tenant, text: str) -> None:
    report_turn(line.read_call(), text)
    assert list_opt_outs(acme) == [(CALLER, "spoken")]
    assert (line.read_call().opted_out_at, count_hang_ups()) == (clock.now_iso(), 0)


def test_a_wish_that_the_talker_reports_is_recorded_too(line: Line, acme: Tenant) -> None:
    report_progress(line.read_call(), "opt_out")
    assert (list_opt_outs(acme), count_hang_ups()) == ([(CALLER, "spoken")], 0)


def test_a_wish_cut_off_by_the_end_is_read_in_the_same_way(line: Line, acme: Tenant) -> None:
    report_turn(line.read_call(), "Stop.", number=3, final=False)
    line.end_call()
    assert list_opt_outs(acme) == []
    line.ask(call=2)
    report_turn(line.read_call(2), "and please don't call me again", number=3, final=False)
    line.end_call(call=2)
    assert list_opt_outs(acme) == [(CALLER, "spoken")]
