"""Summaries under faults: a worker killed between any two of its steps summarizes each call once."""

from __future__ import annotations

from collections import Counter

import pytest

from switchboard.aws import queues
from switchboard.aws.reads import Query
from switchboard.calls import dialing, reports, store, summaries
from switchboard.calls.models import Call
from switchboard.carriers.voice.ports.reports import EndReason, Report, Turn
from switchboard.events import service as events
from switchboard.kit import clock
from switchboard.kit.jobs import QueueMessage
from switchboard.team.models import Member
from switchboard.timers import store as timer_store
from tests.actors import member, tenant
from tests.integration.sabotage import Sabotage, Stream, drain_queue, run_worker
from tests.unit.calls.console_calls import place, save_flow

pytestmark = pytest.mark.usefixtures("cloud")
SCHEMA = {"type": "object", "properties": {"outcome": {"enum": ["booked"]}}}


@pytest.fixture
def ada(cloud: dict[str, str], frozen: clock.FrozenClock) -> Member:
    timer_store.advance_watermark(clock.now_iso()[:16])
    return member(tenant().org_id)


@pytest.fixture
def saboteur(ada: Member) -> Sabotage:
    return Sabotage()


def talk(ada: Member) -> Call:
    """A call that was answered, spoken in, and ended."""
    call = place(ada, save_flow(ada.org_id, outcome_schema=SCHEMA))
    dialing.dial_call(call.org_id, call.id)
    turn = Turn(number=1, speaker="caller", text="I am booked on Monday.", start_ms=0, end_ms=900)
    for kind, facts in (
        ("answered", {"answered_by": "human"}),
        ("turn", {"turn": turn}),
        ("ended", {"end_reason": EndReason.COMPLETED, "duration_seconds": 9}),
        ("analyzed", {"outcome": "success", "summary": "Fine."}),
    ):
        reports.apply_report(Report.model_validate({"org_id": call.org_id, "call_id": call.id, "kind": kind, **facts}))
    return call


def list_events(call: Call) -> Counter[str]:
    """The events of the call's workflow, by type."""
    items = Query(table="activity", partition=events.workflow_partition(call.org_id, call.correlation_id)).read_all()
    return Counter(events.parse_event(item).type for item in items if "outbox" in item)


def test_a_talk_is_summarized_once_after_a_kill_anywhere(
    ada: Member, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    drain_queue("summaries")
    call = talk(ada)
    frozen.advance(seconds=6)
    Stream().hand_on()
    jobs = drain_queue("summaries")
    assert {job["call_id"] for job in jobs} == {call.id}
    for done in range(8):
        queues.send_messages([QueueMessage(queue="summaries", body=jobs[0], group="org")])
        with saboteur.killing(after=done):
            run_worker("workers/summaries")
        run_worker("workers/summaries")
    summary, after = summaries.get_summary(call.org_id, call.id), store.CALLS.get_object(call.org_id, call.id)
    assert summary is not None
    assert after is not None
    assert (summary.outcome_data, summary.outcome_valid, after.outcome) == ({"outcome": "booked"}, True, "booked")
    told = list_events(call)
    assert (told["voice.call.summarized"], told["voice.call.outcome_captured"]) == (1, 1)


def test_the_summary_waits_for_late_turns_in_a_timer(ada: Member, frozen: clock.FrozenClock) -> None:
    call = talk(ada)
    Stream().hand_on()
    run_worker("workers/summaries")
    assert summaries.get_summary(call.org_id, call.id) is None
    frozen.advance(seconds=6)
    Stream().hand_on()
    run_worker("workers/summaries")
    assert summaries.get_summary(call.org_id, call.id) is not None
