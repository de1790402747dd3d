"""A called person opts out during the call, in words or by a key."""

from __future__ import annotations

import pytest

from switchboard.calls import service, timeouts
from switchboard.compliance.verdicts import Blocked
from switchboard.kit import clock
from tests.actors import Tenant
from tests.fakes.voice import Provider
from tests.integration.sabotage import Sabotage
from tests.unit.calls.live_calls import (
    NOBODY,
    count_hang_ups,
    dial_call,
    list_actions,
    list_opt_outs,
    place_call,
    read_call,
    report_progress,
    report_turn,
)

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


def test_a_spoken_wish_enters_the_ledger_with_its_turn_and_ends_the_call(acme: Tenant, carrier: Provider) -> None:
    call = dial_call(acme)
    report_progress(call, "answered")
    report_turn(call, "Listen, please don't call me again.")
    assert list_opt_outs(acme) == [(NOBODY, "spoken")]
    assert (read_call(call).opted_out_at, count_hang_ups()) == (clock.now_iso(), 1)
    assert {"voice.call.turn", "sms.opt_out", "voice.call.opted_out"} <= set(list_actions(acme))
    with pytest.raises(Blocked) as refused:
        place_call(acme)
    assert refused.value.code == "opted_out"
    timeouts.hang_up_call(call.org_id, call.id)
    assert [one.call_id for one in carrier.ended] == [call.id]


def test_a_key_press_opts_out_too(acme: Tenant) -> None:
    call = dial_call(acme)
    report_progress(call, "answered")
    report_progress(call, "dtmf", digits="1")
    assert list_opt_outs(acme) == []
    report_progress(call, "dtmf", digits="9")
    assert (list_opt_outs(acme), count_hang_ups()) == ([(NOBODY, "key_press")], 1)


def test_only_final_words_of_the_called_person_opt_out(acme: Tenant) -> None:
    call = dial_call(acme)
    report_progress(call, "answered")
    report_turn(call, "Press 9 or say: stop calling me.", speaker="agent", number=1)
    report_turn(call, "please stop cal", number=2, final=False)
    report_turn(call, "please stop calling", number=2, final=False)
    report_turn(call, "Go on, please.", number=4)
    assert (list_opt_outs(acme), read_call(call).opted_out_at) == ([], None)
    report_turn(call, "please stop calling me", number=2)
    assert list_opt_outs(acme) == [(NOBODY, "spoken")]


def test_a_wish_that_is_reported_twice_is_recorded_once(acme: Tenant) -> None:
    call = dial_call(acme)
    report_progress(call, "answered")
    for _ in range(2):
        report_turn(call, "Stop calling.")
        report_progress(call, "dtmf", digits="9")
    assert (len(list_opt_outs(acme)), count_hang_ups(), list_actions(acme).count("voice.call.opted_out")) == (1, 1, 1)
    assert [turn.text for turn in service.list_turns(acme.caller(), call.id)] == ["Stop calling."]


def test_a_wish_is_recorded_for_an_opted_out_number_and_after_the_end_of_the_call(acme: Tenant) -> None:
    first, second = dial_call(acme), dial_call(acme)
    report_progress(first, "answered")
    report_progress(first, "ended", end_reason="completed", duration_seconds=9)
    report_turn(first, "Take me off your list.")
    assert (list_opt_outs(acme), count_hang_ups()) == ([(NOBODY, "spoken")], 0)
    report_turn(second, "Take me off your list.")
    assert read_call(second).opted_out_at
    assert (len(list_opt_outs(acme)), count_hang_ups()) == (1, 1)


def test_a_worker_killed_at_any_step_stores_the_turn_and_the_opt_out_together(acme: Tenant) -> None:
    saboteur = Sabotage()
    call = dial_call(acme)
    report_progress(call, "answered")
    for done in range(9):
        with saboteur.killing(after=done):
            report_turn(call, "Stop calling me.")
        turns = list(service.list_turns(acme.caller(), call.id))
        assert bool(turns) == bool(list_opt_outs(acme))
    report_turn(call, "Stop calling me.")
    assert len(list_opt_outs(acme)) == 1
