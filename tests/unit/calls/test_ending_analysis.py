"""Analyzed calls: the end of the line and the analysis arrive separately, in any order."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest

from switchboard.calls import service, store, timeouts
from switchboard.calls.ending import ANALYSIS_LIMIT
from switchboard.calls.jobs import CloseCall
from switchboard.calls.models import State
from switchboard.carriers import voice
from switchboard.carriers.voice.ports.reports import EndReason, Recording, ToolUse, Turn
from switchboard.dialects.opticomm import dispositions
from switchboard.kit import clock
from tests.actors import Tenant, tenant
from tests.fakes.voice import Provider
from tests.integration.sabotage import drain_queue
from tests.unit.calls.live_calls import (
    after_report,
    build_call,
    dial_call,
    end_line,
    list_actions,
    minutes_used,
    read_call,
    report_progress,
)

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock, provider: Provider) -> Tenant:
    return tenant()


def test_a_call_is_ending_until_its_analysis_and_settled_at_once(acme: Tenant) -> None:
    call = dial_call(acme)
    end_line(call)
    ending = read_call(call)
    assert (ending.state, ending.duration_seconds, ending.end_reason) == (State.ENDING, 61, EndReason.CALLER_HANGUP)
    assert minutes_used(acme) == 2
    assert "voice.call.completed" not in list_actions(acme)

    report_progress(call, "analyzed", outcome="success", summary="They agreed.")
    done = read_call(call)
    assert (done.state, done.outcome, done.summary) == (State.COMPLETED, "success", "They agreed.")
    assert (done.ended_at, minutes_used(acme)) == (ending.ended_at, 2)
    assert list_actions(acme)[-2:] == ["voice.call.ending", "voice.call.completed"]


def test_an_analysis_before_the_end_completes_the_call_with_the_end(acme: Tenant) -> None:
    call = dial_call(acme)
    report_progress(call, "answered")
    report_progress(call, "analyzed", outcome="failure", summary="They declined.")
    report_progress(call, "ended", end_reason=EndReason.COMPLETED, duration_seconds=5)
    assert (read_call(call).state, read_call(call).outcome) == (State.COMPLETED, "failure")
    assert "voice.call.ending" not in list_actions(acme)


def test_an_unanswered_call_needs_no_analysis(acme: Tenant) -> None:
    call = dial_call(acme)
    report_progress(call, "ended", end_reason=EndReason.BUSY)
    assert read_call(call).state is State.BUSY


def test_a_missing_analysis_is_requested_from_the_provider(acme: Tenant, provider: Provider) -> None:
    call = dial_call(acme)
    end_line(call)
    turn = Turn(number=0, speaker="agent", text="Hello.", start_ms=0, end_ms=300)
    tool = ToolUse(id="t", name="look_up", start_ms=1)
    provider.said = voice.Transcript(turns=(turn,), tools=(tool,), outcome="success", summary="All is well.")
    timeouts.close_call(call.org_id, call.id, State.ENDING.value)
    assert (read_call(call).state, read_call(call).outcome, read_call(call).summary) == (
        State.COMPLETED,
        "success",
        "All is well.",
    )
    assert list(store.list_turns(call.org_id, call.id)) == [turn]
    assert service.list_tool_uses(acme.caller(), call.id) == [tool]


def test_a_long_unreported_talk_is_recorded_in_several_runs_without_repeats(acme: Tenant, provider: Provider) -> None:
    call = dial_call(acme)
    end_line(call)
    turns = [Turn(number=n, speaker="agent", text=f"{n}.", start_ms=n, end_ms=n) for n in range(200)]
    for number in (3, 4):
        report_progress(call, "turn", turn=turns[number])
    provider.said = voice.Transcript(turns=tuple(turns), outcome="success", summary="Long.")
    timeouts.close_call(call.org_id, call.id, State.ENDING.value)
    assert read_call(call).state is State.ENDING
    timeouts.close_call(call.org_id, call.id, State.ENDING.value)
    assert read_call(call).state is State.COMPLETED
    assert [turn.number for turn in store.list_turns(call.org_id, call.id)] == list(range(200))
    assert list_actions(acme).count("voice.call.turn") == 200


@pytest.mark.parametrize("said", [None, voice.OutcomeUnknownError("away")], ids=["no record", "unreachable"])
def test_a_call_completes_without_an_analysis_and_accepts_a_late_one(
    acme: Tenant, provider: Provider, said: Exception | None
) -> None:
    provider.said = said
    call = dial_call(acme)
    end_line(call)
    timeouts.close_call(call.org_id, call.id, State.ENDING.value)
    assert (read_call(call).state, dispositions.outcome_of(read_call(call))) == (State.COMPLETED, "unknown")
    assert provider.ended == [], "the line has ended"
    report_progress(call, "analyzed", outcome="success", summary="They agreed.")
    report_progress(call, "analyzed", outcome="failure", summary="Again.")
    assert (read_call(call).outcome, read_call(call).summary) == ("success", "They agreed.")
    assert list_actions(acme)[-1] == "voice.call.analyzed"


def test_the_end_sets_the_timer_of_the_analysis_and_the_timer_of_the_talk_does_nothing(
    acme: Tenant, frozen: clock.FrozenClock
) -> None:
    call = dial_call(acme)
    end_line(call)
    timeouts.close_call(call.org_id, call.id, State.ACTIVE.value)
    assert read_call(call).state is State.ENDING
    drain_queue("dialer")
    assert ANALYSIS_LIMIT.total_seconds() <= 900, "the timer's job leaves with the commit"
    job = CloseCall(org_id=call.org_id, call_id=call.id, state="ending")
    timeouts.close_call(job.org_id, job.call_id, job.state)
    assert read_call(call).state is State.COMPLETED


def test_hang_ups_and_turns_after_the_end_of_the_line_change_nothing(acme: Tenant, provider: Provider) -> None:
    call = dial_call(acme)
    end_line(call)
    timeouts.hang_up_call(call.org_id, call.id)
    for kind in ("ringing", "answered", "hold", "resumed", "ended"):
        report_progress(call, kind, end_reason=EndReason.FAILED if kind == "ended" else None)
    assert (read_call(call).state, read_call(call).end_reason) == (State.ENDING, EndReason.CALLER_HANGUP)
    assert provider.ended == []


def test_recordings_arrive_after_the_end_each_once(acme: Tenant) -> None:
    call = dial_call(acme)
    end_line(call, outcome="success")
    for name in ("a", "b", "a"):
        report_progress(
            call, "recorded", recording=Recording(id=name, url="https://provider.example/r", duration_seconds=61)
        )
    assert [kept.id for kept in read_call(call).recordings] == ["a", "b"]
    assert list_actions(acme).count("voice.call.recorded") == 2


def test_a_machine_can_be_detected_after_the_answer(acme: Tenant) -> None:
    call = dial_call(acme)
    report_progress(call, "machine", answered_by="machine_start")
    report_progress(call, "answered", answered_by="human")
    assert read_call(call).answered_by == "machine_start"
    assert list_actions(acme).count("voice.call.machine") == 1


def test_a_machine_means_voicemail_in_either_order(acme: Tenant) -> None:
    for order in (["machine", "ended"], ["ended", "machine"]):
        call = dial_call(acme)
        report_progress(call, "answered")
        for kind in order:
            facts = {"answered_by": "machine_end_beep"} if kind == "machine" else {"duration_seconds": 30}
            report_progress(call, kind, **facts)
        report_progress(call, "analyzed", outcome="success", summary="A message was left.")
        assert (read_call(call).end_reason, dispositions.outcome_of(read_call(call))) == (
            EndReason.VOICEMAIL,
            "voicemail",
        ), order


@pytest.mark.parametrize("reason", [EndReason.BUSY, EndReason.NO_ANSWER])
def test_an_answered_call_was_not_busy(acme: Tenant, reason: EndReason) -> None:
    for order in (["answered", "ended"], ["ended", "answered"]):
        call = dial_call(acme)
        for kind in order:
            report_progress(call, kind, **({"end_reason": reason, "outcome": "unknown"} if kind == "ended" else {}))
        assert (read_call(call).state, read_call(call).end_reason) == (State.COMPLETED, EndReason.COMPLETED), order


def test_a_repeated_report_of_an_old_transfer_does_not_replace_the_last(acme: Tenant) -> None:
    call = dial_call(acme)
    report_progress(call, "answered")
    for to, sequence in (("+12125550100", 2), ("+12125550101", 3), ("+12125550100", 2)):
        report_progress(call, "transferred", to=to, sequence=sequence)
    assert read_call(call).transferred_to == "+12125550101"


def test_the_talkers_reported_id_replaces_the_assumed_one(acme: Tenant) -> None:
    call = dial_call(acme)
    assert read_call(call).provider_conversation_id == "talk_1"
    report_progress(call, "answered", provider_conversation_id="conv_real")
    assert read_call(call).provider_conversation_id == "conv_real"


def test_a_talk_without_a_reported_answer_continues(
    acme: Tenant, provider: Provider, frozen: clock.FrozenClock
) -> None:
    call = dial_call(acme)
    frozen.advance(seconds=181)
    answered = clock.format_iso(clock.now() - timedelta(seconds=170))
    provider.known = voice.Snapshot(over=False, answered=True, answered_at=answered)
    timeouts.close_call(call.org_id, call.id, State.RINGING.value)
    assert (read_call(call).state, read_call(call).answered_at, provider.ended) == (State.ACTIVE, answered, [])
    timeouts.close_call(call.org_id, call.id, State.ACTIVE.value)
    assert len(provider.ended) == 1, "the call has reached its maximum length"


def test_a_requested_end_may_have_no_times(acme: Tenant, provider: Provider, frozen: clock.FrozenClock) -> None:
    call = dial_call(acme)
    frozen.advance(seconds=181)
    over_at = clock.format_iso(clock.now() - timedelta(seconds=100))
    provider.known = voice.Snapshot(over=True, answered=True, ended_at=over_at, end_reason="completed", sip_code=200)
    timeouts.close_call(call.org_id, call.id, State.RINGING.value)
    found = read_call(call)
    assert (found.state, found.answered_at, found.ended_at) == (State.ENDING, over_at, over_at)
    report_progress(call, "ended", end_reason=EndReason.COMPLETED, duration_seconds=75)
    assert (read_call(call).duration_seconds, minutes_used(acme)) == (75, 2), "the provider reported this length"
    assert read_call(call).state is State.ENDING


def test_the_length_of_a_talk_does_not_depend_on_the_order_of_reports() -> None:
    facts: dict[str, dict[str, Any]] = {
        "answered": {"at": "2026-01-15T17:00:10Z", "answered_by": "human"},
        "ended": {"at": "2026-01-15T17:03:30Z", "end_reason": EndReason.CALLER_HANGUP},
        "analyzed": {"outcome": "success", "summary": "Done."},
    }
    for reason in (EndReason.CALLER_HANGUP, EndReason.COMPLETED, EndReason.AGENT_HANGUP, EndReason.VOICEMAIL):
        ends = set()
        for order in itertools.permutations(facts):
            call = build_call("ringing").model_copy(update={"created_at": "2026-01-15T17:00:00Z"})
            with clock.using(clock.FrozenClock("2026-01-15T17:05:00Z")):
                for kind in order:
                    more = facts[kind] | ({"end_reason": reason} if kind == "ended" else {})
                    call = after_report(call, kind, **more)
            ends.add((call.state, call.duration_seconds, call.cost_micros, call.answered_at, call.answered_by))
        assert len(ends) == 1, (reason, ends)
        assert ends.pop()[1] == 200, reason


def test_a_transfer_event_holds_the_digest_of_the_number(acme: Tenant) -> None:
    call = dial_call(acme)
    report_progress(call, "answered")
    for _ in range(2):
        report_progress(call, "transferred", to="+14155550177")
    assert read_call(call).transferred_to == "+14155550177"
    assert list_actions(acme).count("voice.call.transferred") == 1
