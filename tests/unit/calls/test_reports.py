"""Progress of a call by its provider's reports: states, holds, turns and tool uses."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from switchboard.audit import service as audit
from switchboard.calls import reports, service, store
from switchboard.calls.models import FINAL_STATES, TRANSITIONS, Call, State
from switchboard.carriers.voice.ports.reports import EndReason, Report, ToolUse, Turn
from switchboard.events import service as events
from switchboard.kit import clock
from switchboard.usage import service as usage
from tests.actors import Tenant
from tests.integration.sabotage import scan_items
from tests.unit.calls.live_calls import (
    dial_call,
    list_actions,
    read_call,
    report_progress,
)

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


def reports_of_an_answered_call(call: Call) -> list[Report]:
    """Returns all reports of a provider about an answered call."""

    def build_report(kind: str, **facts: Any) -> Report:
        return Report(org_id=call.org_id, call_id=call.id, kind=kind, provider_call_id="sim_1", **facts)

    turns = [
        Turn(number=number, speaker="agent", text=f"turn {number}", start_ms=number * 1000, end_ms=number * 1000 + 900)
        for number in range(2)
    ]
    return [
        build_report("ringing"),
        build_report("answered", answered_by="human"),
        build_report("turn", turn=turns[0]),
        build_report("turn", turn=turns[1]),
        build_report("ended", end_reason=EndReason.COMPLETED, duration_seconds=61),
    ]


def test_a_call_rings_talks_and_ends(acme: Tenant) -> None:
    call = dial_call(acme)
    for progress in reports_of_an_answered_call(call):
        reports.apply_report(progress)
    assert (read_call(call).state, read_call(call).end_reason, read_call(call).duration_seconds) == (
        State.COMPLETED,
        EndReason.COMPLETED,
        61,
    )
    assert read_call(call).cost_micros == 2 * 70_000
    assert [turn.text for turn in service.list_turns(acme.caller(), call.id)] == ["turn 0", "turn 1"]
    assert list_actions(acme)[-6:] == [
        "voice.call.created",
        "voice.call.ringing",
        "voice.call.answered",
        "voice.call.turn",
        "voice.call.turn",
        "voice.call.completed",
    ]


@pytest.mark.parametrize("places", list(itertools.permutations(range(5)))[::7])
def test_late_repeated_and_reordered_reports_lead_to_the_same_end(acme: Tenant, places: tuple[int, ...]) -> None:
    call = dial_call(acme)
    progress = reports_of_an_answered_call(call)
    reached: list[State] = [read_call(call).state]
    for place in (*places, *places):
        reports.apply_report(progress[place])
        state = read_call(call).state
        assert state is reached[-1] or state in TRANSITIONS[reached[-1]]
        reached.append(state)
    assert (read_call(call).state, read_call(call).duration_seconds) == (State.COMPLETED, 61)
    assert len(list(service.list_turns(acme.caller(), call.id))) == 2
    assert list_actions(acme).count("voice.call.completed") == 1
    assert usage.get_monthly_usage(acme.org_id, "2026-01").units["voice_basic"] == 2


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        (EndReason.BUSY, State.BUSY),
        (EndReason.NO_ANSWER, State.NO_ANSWER),
        (EndReason.FAILED, State.FAILED),
        (EndReason.UNREACHABLE, State.FAILED),
        (EndReason.CANCELED, State.CANCELED),
    ],
)
@pytest.mark.parametrize("ring_seconds", [None, 0, 1, 61])
def test_an_unanswered_call_is_free_for_any_length_of_ringing(
    acme: Tenant, reason: EndReason, state: State, ring_seconds: int | None
) -> None:
    call = dial_call(acme)
    report_progress(call, "ended", end_reason=reason, duration_seconds=ring_seconds)
    assert (read_call(call).state, read_call(call).cost_micros, read_call(call).duration_seconds) == (state, 0, 0)
    used = usage.get_monthly_usage(acme.org_id, "2026-01")
    assert (used.units["voice_basic"], used.spent_micros) == (0, 0)


@pytest.mark.parametrize("kind", ["answered", "hold"])
def test_an_answered_call_that_fails_is_charged(acme: Tenant, kind: str) -> None:
    call = dial_call(acme)
    report_progress(call, kind)
    report_progress(call, "ended", end_reason=EndReason.FAILED, duration_seconds=61)
    assert (read_call(call).state, read_call(call).cost_micros) == (State.FAILED, 2 * 70_000)


def test_an_ended_call_never_changes_its_state(acme: Tenant) -> None:
    call = dial_call(acme)
    report_progress(call, "ended", end_reason=EndReason.BUSY)
    for kind in ("ringing", "hold", "resumed", "ended"):
        report_progress(call, kind)
    assert read_call(call).state is State.BUSY
    assert all(not TRANSITIONS[state] for state in FINAL_STATES)


def test_tool_uses_are_stored_once_and_their_events_hold_no_arguments(acme: Tenant) -> None:
    call = dial_call(acme)
    report_progress(call, "answered")
    tool = ToolUse(id="t1", name="lookup_order", arguments={"order": 7, "weight": 1.5}, result="found", start_ms=900)
    for _ in range(2):
        report_progress(call, "tool", tool=tool)
    assert service.list_tool_uses(acme.caller(), call.id) == [tool]
    entries, _ = audit.list_workflow_events(acme.caller(), "corr_test", 500, None)
    told = [entry.document["metadata"] for entry in entries if entry.document["action"] == "voice.call.tool"]
    assert [data["tool"] for data in told] == ["lookup_order"]
    assert "order" not in told[0]


def test_a_held_call_is_resumed(acme: Tenant) -> None:
    call = dial_call(acme)
    report_progress(call, "answered")
    report_progress(call, "hold")
    assert read_call(call).state is State.HOLD
    report_progress(call, "resumed")
    assert read_call(call).state is State.ACTIVE


def test_a_hold_reported_before_the_answer_lasts_until_the_resumption(acme: Tenant) -> None:
    call = dial_call(acme)
    report_progress(call, "hold")
    report_progress(call, "answered", answered_by="human")
    held = read_call(call)
    assert (held.state, held.answered_by, held.answered_at) == (State.HOLD, "human", clock.now_iso())
    report_progress(call, "answered", answered_by="machine")
    assert read_call(call) == held
    report_progress(call, "resumed")
    assert (read_call(call).state, read_call(call).answered_by) == (State.ACTIVE, "human")


def test_an_answer_reported_after_a_hold_and_its_end_is_kept(acme: Tenant, frozen: clock.FrozenClock) -> None:
    call = dial_call(acme)
    for kind in ("hold", "resumed", "answered"):
        report_progress(call, kind)
    assert (read_call(call).state, read_call(call).answered_at) == (State.ACTIVE, clock.now_iso())
    frozen.advance(seconds=61)
    report_progress(call, "ended")
    assert (read_call(call).duration_seconds, read_call(call).cost_micros) == (61, 2 * 70_000)


def test_turns_and_tool_uses_do_not_change_the_call(acme: Tenant) -> None:
    call = dial_call(acme)
    report_progress(call, "answered")
    before = scan_items("activity", FilterExpression="sk = :call", ExpressionAttributeValues={":call": {"S": "call"}})
    for number in range(3):
        report_progress(call, "turn", turn=Turn(number=number, speaker="agent", text="Hello.", start_ms=0, end_ms=300))
    report_progress(call, "tool", tool=ToolUse(id="t1", name="lookup_order", start_ms=900))
    after = scan_items("activity", FilterExpression="sk = :call", ExpressionAttributeValues={":call": {"S": "call"}})
    assert after == before
    told = events.events_between("2026-01-15T00:00:00.000Z", "2026-01-16T00:00:00.000Z", acme.org_id)
    heard = [event for event in told if event.type in ("voice.call.turn", "voice.call.tool")]
    assert {event.subject.version for event in heard} == {read_call(call).version}, (
        "none of these events is a version of the call"
    )
    assert sorted(event.data["number"] for event in heard if "number" in event.data) == [0, 1, 2]


def test_a_final_turn_replaces_interim_turns_and_is_never_replaced(acme: Tenant) -> None:
    call = dial_call(acme)
    report_progress(call, "answered")
    interim = Turn(number=0, speaker="user", text="I want", start_ms=0, end_ms=300, final=False)
    more = interim.model_copy(update={"text": "I want to", "end_ms": 500})
    final = interim.model_copy(update={"text": "I want to cancel.", "end_ms": 900, "final": True})
    other = final.model_copy(update={"text": "I want two candles."})
    heard: list[Turn] = []
    for turn in (interim, more, final, interim, other, final):
        report_progress(call, "turn", turn=turn)
        heard += service.list_turns(acme.caller(), call.id)
    assert heard == [interim, interim, final, final, final, final]
    assert list_actions(acme).count("voice.call.turn") == 2, "a turn that is not recorded has no event"


def test_turns_of_an_unknown_call_are_dropped(acme: Tenant) -> None:
    call = dial_call(acme).model_copy(update={"id": "call_" + "0" * 26})
    report_progress(call, "turn", turn=Turn(number=0, speaker="agent", text="Hello.", start_ms=0, end_ms=300))
    assert list(store.list_turns(call.org_id, call.id)) == []
