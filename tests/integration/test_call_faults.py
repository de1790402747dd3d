"""Calls under faults: a dialer killed between any two of its steps dials nobody twice, and every call ends."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from switchboard.accounts.plans import PlanName
from switchboard.aws import queues
from switchboard.aws.reads import Query
from switchboard.calls import service, store
from switchboard.calls.jobs import DialCall
from switchboard.calls.models import FINAL_STATES, Call, Order, State, Tier
from switchboard.carriers.voice.ports.reports import EndReason
from switchboard.events import service as events
from switchboard.kit import clock, ids
from switchboard.kit.jobs import QueueMessage
from switchboard.timers import store as timer_store
from tests.actors import Tenant, tenant
from tests.integration.sabotage import Sabotage, drain_queue, play_calls, run_tick, run_worker

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    monkeypatch.setenv("SWITCHBOARD_VOICE_STEP_SECONDS", "0")
    timer_store.advance_watermark(clock.now_iso()[:16])
    # A call of a killed worker holds its lane until its outcome is known.
    return tenant(plan=PlanName.SCALE)


@pytest.fixture
def saboteur(acme: Tenant) -> Sabotage:
    return Sabotage()


def accept_call(acme: Tenant) -> Call:
    """A call with its job in the queue of the dialer."""
    order = Order(to="+14155550142", tier=Tier.BASIC, consent_source="business-relationship")
    call = service.place_call(acme.caller(correlation_id=ids.new_id("corr")), order)
    queues.send_messages([DialCall(org_id=call.org_id, call_id=call.id).to_message()])
    return call


def load_call(call: Call) -> Call:
    found = store.CALLS.get_object(call.org_id, call.id)
    assert found is not None
    return found


def list_events(call: Call) -> list[events.Event]:
    """The events of the call's workflow."""
    items = Query(table="activity", partition=events.workflow_partition(call.org_id, call.correlation_id)).read_all()
    return [events.parse_event(item) for item in items if "outbox" in item]


def count_dials(jobs: list[dict[str, Any]]) -> Counter[str]:
    """How often the simulated line got each call: its first step is queued once per call."""
    return Counter(job["call_id"] for job in jobs if job.get("step") == 0)


def count_steps(acme: Tenant, saboteur: Sabotage) -> int:
    call = accept_call(acme)
    with saboteur.counting() as calls:
        run_worker("workers/dialer")
    assert load_call(call).state is State.RINGING
    drain_queue("simulator")
    return len(calls)


def test_a_dialer_killed_anywhere_dials_once_at_most_and_its_call_ends(
    acme: Tenant, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    calls = []
    for done in range(count_steps(acme, saboteur)):
        calls.append(accept_call(acme))
        with saboteur.killing(after=done):
            run_worker("workers/dialer")
        run_worker("workers/dialer")  # the queue brings the job again
    handed_over = count_dials(drain_queue("simulator"))
    assert set(handed_over.values()) == {1}
    lost = [call for call in calls if call.id not in handed_over]
    assert lost, "the kills include one between claim and dial"
    assert {load_call(call).state for call in lost} == {State.DIALING}

    frozen.advance(minutes=10, seconds=1)
    run_tick()
    run_worker("workers/dialer")
    assert {(load_call(call).state, load_call(call).end_reason) for call in lost} <= {
        (State.FAILED, EndReason.FAILED),  # the line never received the call
        (State.RINGING, None),  # the line received the call, and the worker got no response
    }
    assert not count_dials(drain_queue("simulator")), "a call with an unknown outcome is not dialed again"

    frozen.advance(hours=1, seconds=1)
    run_tick()
    run_worker("workers/dialer")
    play_calls()
    assert all(load_call(call).state in FINAL_STATES for call in calls)


def test_provider_reports_are_applied_once_after_a_kill_anywhere(acme: Tenant, saboteur: Sabotage) -> None:
    call = accept_call(acme)
    run_worker("workers/dialer")
    run_worker("workers/simulator")
    for report in drain_queue("voice-events"):
        for done in range(6):
            queues.send_messages([QueueMessage(queue="voice-events", body=report, group=call.org_id)])
            with saboteur.killing(after=done):
                run_worker("workers/voice_events")
            run_worker("workers/voice_events")
    spoken = max(turn.end_ms for turn in service.list_turns(acme.caller(), call.id))
    assert (load_call(call).state, load_call(call).duration_seconds) == (State.COMPLETED, -(-spoken // 1_000))
    assert Counter(event.type for event in list_events(call)) == Counter(
        {
            "voice.call.created": 1,
            "voice.call.ringing": 1,
            "voice.call.answered": 1,
            "voice.call.turn": 7,
            "voice.call.ending": 1,
            "voice.call.completed": 1,
        }
    )
    assert len(list(store.list_turns(call.org_id, call.id))) == 7


def test_a_call_ends_after_a_kill_of_the_simulated_providers_worker(acme: Tenant, saboteur: Sabotage) -> None:
    call = accept_call(acme)
    run_worker("workers/dialer")
    with saboteur.counting() as requests:
        play_calls()
    expected = (
        load_call(call).state,
        load_call(call).duration_seconds,
        load_call(call).outcome,
        load_call(call).cost_micros,
    )
    assert expected[0] is State.COMPLETED
    for done in range(0, len(requests), 3):
        call = accept_call(acme)
        run_worker("workers/dialer")
        with saboteur.killing(after=done):
            run_worker("workers/simulator")
        play_calls()
        assert (
            load_call(call).state,
            load_call(call).duration_seconds,
            load_call(call).outcome,
            load_call(call).cost_micros,
        ) == expected
        assert len(list(store.list_turns(call.org_id, call.id))) == 7
