"""Closing a call: timers, assumed ends and their corrections, and the charged length."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from switchboard.aws import queues
from switchboard.calls import dialing, reports, timeouts
from switchboard.calls.models import FINAL_STATES, Call, State
from switchboard.carriers import voice
from switchboard.carriers.voice.ports.reports import EndReason
from switchboard.compliance import ledgers
from switchboard.kit import clock
from switchboard.usage import service as usage
from tests.actors import Tenant
from tests.fakes.voice import Provider
from tests.integration.sabotage import Later, Stream, drain_queue, run_worker, scan_items
from tests.unit.calls.live_calls import (
    NOBODY,
    dial_call,
    fire_timers,
    list_actions,
    minutes_used,
    place_call,
    read_call,
    report_progress,
)

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


def test_every_call_ends_even_if_its_provider_forgets_it(acme: Tenant, frozen: clock.FrozenClock) -> None:
    ringing, talking = dial_call(acme), dial_call(acme)
    report_progress(talking, "answered")
    frozen.advance(minutes=4)
    timeouts.close_call(ringing.org_id, ringing.id, State.RINGING)
    timeouts.close_call(talking.org_id, talking.id, State.RINGING)
    assert (read_call(ringing).state, read_call(talking).state) == (State.NO_ANSWER, State.ACTIVE)
    frozen.advance(hours=1)
    timeouts.close_call(talking.org_id, talking.id, State.ACTIVE)
    assert (read_call(talking).state, read_call(talking).end_reason) == (State.FAILED, EndReason.TIMEOUT)
    jobs = [item["body"]["M"]["job"]["S"] for item in scan_items("activity") if "queue" in item]
    assert jobs.count("CloseCall") == 2, "the timers of the two ringing calls"


def test_a_call_whose_first_job_is_lost_is_closed_after_15_minutes(
    acme: Tenant, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = Later(queues.try_send_messages)
    monkeypatch.setattr(queues, "try_send_messages", later)
    call = place_call(acme)
    Stream().hand_on()
    assert [job["job"] for job in drain_queue("dialer")] == ["DialCall"], "this job is lost"
    frozen.advance(minutes=15)
    later.bring()
    run_worker("workers/dialer")
    assert (read_call(call).state, read_call(call).end_reason) == (State.FAILED, EndReason.TIMEOUT)


def test_a_close_timer_asks_the_provider_and_uses_its_answer(acme: Tenant, carrier: Provider) -> None:
    call = dial_call(acme)
    carrier.known = voice.Snapshot(over=True, answered=True, end_reason="completed", duration_seconds=125)
    timeouts.close_call(call.org_id, call.id, "ringing")
    after = read_call(call)
    assert (after.state, after.duration_seconds, after.provisional) == (State.COMPLETED, 125, False)
    assert (carrier.ended, minutes_used(acme)) == ([], 3)


def test_a_close_timer_hangs_up_a_call_that_the_provider_still_has(acme: Tenant, carrier: Provider) -> None:
    call = dial_call(acme)
    carrier.known = voice.Snapshot(over=False)
    timeouts.close_call(call.org_id, call.id, "ringing")
    assert [one.call_id for one in carrier.ended] == [call.id]
    assert (read_call(call).state, read_call(call).provisional) == (State.NO_ANSWER, True)


def test_an_unreachable_provider_keeps_no_call_open(
    acme: Tenant, carrier: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_to_answer(_: voice.Leg) -> None:
        raise voice.OutcomeUnknownError("no answer")

    monkeypatch.setattr(carrier, "fetch_call", fail_to_answer)
    call = dial_call(acme)
    timeouts.close_call(call.org_id, call.id, "ringing")
    assert (read_call(call).state, read_call(call).provisional) == (State.NO_ANSWER, True)


def test_a_late_end_report_corrects_an_assumed_end(acme: Tenant, carrier: Provider, frozen: clock.FrozenClock) -> None:
    call = dial_call(acme)
    timeouts.close_call(call.org_id, call.id, "ringing")
    assert minutes_used(acme) == 0
    frozen.advance(minutes=10)
    report_progress(call, "answered", answered_by="human")
    report_progress(call, "ended", end_reason="completed", duration_seconds=600, outcome="success")
    after = read_call(call)
    assert (after.state, after.end_reason, after.duration_seconds) == (State.COMPLETED, EndReason.COMPLETED, 600)
    assert (after.cost_micros, after.outcome, after.error) == (700_000, "success", None)
    assert (minutes_used(acme), list_actions(acme)[-1]) == (10, "voice.call.corrected")
    report_progress(call, "ended", end_reason="completed", duration_seconds=900)
    assert read_call(call) == after, "the provider can correct the end only once"


def test_a_correction_is_accepted_for_two_days_only(acme: Tenant, frozen: clock.FrozenClock) -> None:
    call = dial_call(acme)
    timeouts.close_call(call.org_id, call.id, "ringing")
    frozen.advance(hours=49)
    report_progress(call, "ended", end_reason="completed", duration_seconds=600)
    assert read_call(call).state is State.NO_ANSWER


@pytest.mark.parametrize("reason", ["timeout", "failed", "canceled", "completed", "caller_hangup", "agent_hangup"])
def test_answer_and_end_lead_to_the_same_call_in_either_order(
    acme: Tenant, frozen: clock.FrozenClock, reason: str
) -> None:
    in_order, reversed_ = dial_call(acme), dial_call(acme)
    frozen.advance(seconds=2)
    report_progress(in_order, "answered")
    frozen.advance(seconds=1_800)
    for call in (in_order, reversed_):
        report_progress(call, "ended", end_reason=reason, duration_seconds=1_800)
    report_progress(reversed_, "answered")
    names = ("state", "end_reason", "duration_seconds", "cost_micros", "answered_at", "ended_at")
    assert [getattr(read_call(in_order), name) for name in names] == [
        getattr(read_call(reversed_), name) for name in names
    ]
    assert minutes_used(acme) == 60


@pytest.mark.parametrize(("reason", "state"), [("caller_hangup", State.NO_ANSWER), ("agent_hangup", State.CANCELED)])
def test_a_person_who_hangs_up_while_it_rings_causes_no_charge(acme: Tenant, reason: str, state: State) -> None:
    call = dial_call(acme)
    report_progress(call, "ended", end_reason=reason, duration_seconds=25)
    assert (read_call(call).state, read_call(call).cost_micros, read_call(call).answered_at, minutes_used(acme)) == (
        state,
        0,
        None,
        0,
    )


def test_a_call_whose_end_was_lost_is_charged_its_first_minute(acme: Tenant, frozen: clock.FrozenClock) -> None:
    call = dial_call(acme)
    report_progress(call, "answered")
    frozen.advance(hours=1, minutes=20)
    timeouts.close_call(call.org_id, call.id, "active")
    assert (read_call(call).duration_seconds, minutes_used(acme)) == (60, 1)


@pytest.mark.parametrize(("reported", "kept"), [(-600, 0), (10**9, 4 * 3_600)])
def test_an_impossible_length_is_limited(acme: Tenant, reported: int, kept: int) -> None:
    call = dial_call(acme)
    report_progress(call, "answered")
    report_progress(call, "ended", end_reason="completed", duration_seconds=reported)
    assert (read_call(call).duration_seconds, minutes_used(acme)) == (kept, kept // 60)


def test_an_unconfirmed_call_has_one_hour_from_its_own_timer(acme: Tenant, carrier: Provider) -> None:
    carrier.outcome = voice.OutcomeUnknownError("no answer")
    call = dial_call(acme)
    dialing.confirm_dial(call.org_id, call.id, read_call(call).claim)
    timeouts.close_call(call.org_id, call.id, "created")
    assert read_call(call).state is State.UNCONFIRMED, "the timer of the acceptance does not apply"
    report_progress(call, "answered")
    report_progress(call, "ended", end_reason="completed", duration_seconds=1_500)
    assert (read_call(call).state, read_call(call).duration_seconds) == (State.COMPLETED, 1_500)


def create_calls_of_every_end(acme: Tenant, carrier: Provider) -> dict[str, Call]:
    """Create calls that ended in every possible way. Some had the one-hour timer before."""
    calls: dict[str, Call] = {}

    def dial_named(name: str, *kinds: str, **facts: Any) -> Call:
        call = calls[name] = dial_call(acme)
        for kind in kinds:
            report_progress(call, kind)
        return call

    for reason in EndReason:
        report_progress(dial_named(reason.value), "ended", end_reason=reason)
    report_progress(dial_named("talked", "answered"), "ended", end_reason=EndReason.COMPLETED, duration_seconds=9)
    report_progress(dial_named("held", "answered", "hold", "resumed", "hold"), "ended")
    report_progress(dial_named("held before the answer", "hold", "answered"), "ended")
    report_progress(dial_named("held before the answer, not held after", "hold", "resumed"), "ended")
    forgotten = dial_named("forgotten", "answered")
    timeouts.close_call(forgotten.org_id, forgotten.id, State.ACTIVE.value)
    carrier.outcome = voice.OutcomeUnknownError("timeout")
    for name, kind in (("lost and found", "answered"), ("lost and rings", "ringing"), ("lost and over", "ended")):
        lost = dial_named(name)
        dialing.confirm_dial(lost.org_id, lost.id, lost.claim)
        assert read_call(lost).watch, "the one-hour timer"
        report_progress(lost, kind)
        report_progress(lost, "ended")
    lost = dial_named("lost for good")
    dialing.confirm_dial(lost.org_id, lost.id, lost.claim)
    timeouts.close_call(lost.org_id, lost.id, State.UNCONFIRMED.value)
    carrier.outcome = voice.RefusedError("no such route")
    dial_named("refused")
    carrier.outcome = "sim_1"
    blocked = calls["blocked"] = place_call(acme)
    ledgers.record_opt_out(acme.caller(), NOBODY, "api")
    dialing.dial_call(blocked.org_id, blocked.id)
    return calls


def test_an_ended_call_has_no_timer_left(acme: Tenant, carrier: Provider) -> None:
    calls = create_calls_of_every_end(acme, carrier)
    assert {name for name, call in calls.items() if read_call(call).state not in FINAL_STATES} == set()
    assert {name for name, call in calls.items() if read_call(call).watch} == set()
    assert not [item for item in scan_items("activity") if item["pk"]["S"].startswith("timer#")]


def test_an_active_call_has_at_most_one_timer(acme: Tenant, carrier: Provider) -> None:
    carrier.outcome = voice.OutcomeUnknownError("timeout")
    call = dial_call(acme)
    dialing.confirm_dial(call.org_id, call.id, call.claim)
    for kind in ("hold", "answered", "hold", "resumed"):
        report_progress(call, kind)
        timers = [item for item in scan_items("activity") if item["pk"]["S"].startswith("timer#")]
        assert [f"{item['pk']['S']}|{item['sk']['S']}" for item in timers] == [read_call(call).watch]


def test_a_call_forgotten_on_hold_ends(acme: Tenant, frozen: clock.FrozenClock) -> None:
    answered, reordered = dial_call(acme), dial_call(acme)
    report_progress(answered, "answered")
    report_progress(answered, "hold")
    report_progress(reordered, "hold")
    frozen.advance(hours=1, seconds=1)
    fire_timers(acme)
    assert {read_call(call).state for call in (answered, reordered)} == {State.FAILED}


def test_a_call_whose_job_is_lost_ends(acme: Tenant, frozen: clock.FrozenClock) -> None:
    call = place_call(acme)
    frozen.advance(minutes=15, seconds=1)
    fire_timers(acme)
    assert (read_call(call).state, read_call(call).end_reason) == (State.FAILED, EndReason.TIMEOUT)
    used = usage.get_monthly_usage(acme.org_id, "2026-01")
    assert used.units["voice_basic"] == 0


def test_the_time_limits_exceed_those_of_the_provider(acme: Tenant) -> None:
    assert timedelta(seconds=60) < reports.RING_REPORT_LIMIT, "the ring timeout of Twilio"
    assert timedelta(minutes=10) == dialing.UNCONFIRMED_AFTER, "an outcome that no provider reports"
