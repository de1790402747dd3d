"""Rule 3 for calls: a dialler stopped between any two of its steps dials nobody twice, and every call ends."""

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
from tests.integration.sabotage import Sabotage, drain, play, tick, work

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    monkeypatch.setenv("SWITCHBOARD_VOICE_STEP_SECONDS", "0")
    timer_store.advance_watermark(clock.now_iso()[:16])
    # A call whose worker was killed holds its lane until it is known what became of it.
    return tenant(plan=PlanName.SCALE)


@pytest.fixture
def saboteur(acme: Tenant) -> Sabotage:
    return Sabotage()


def accepted(acme: Tenant) -> Call:
    """A call whose job is in the dialler's queue."""
    order = Order(to="+14155550142", tier=Tier.BASIC, consent_source="business-relationship")
    call = service.place_call(acme.caller(correlation_id=ids.new_id("corr")), order)
    queues.send_messages([DialCall(org_id=call.org_id, call_id=call.id).message()])
    return call


def now(call: Call) -> Call:
    found = store.CALLS.get(call.org_id, call.id)
    assert found is not None
    return found


def told(call: Call) -> list[events.Event]:
    """The events of the call's workflow."""
    items = Query(table="activity", partition=events.workflow_partition(call.org_id, call.correlation_id)).all()
    return [events.parse_event(item) for item in items if "outbox" in item]


def dialed(jobs: list[dict[str, Any]]) -> Counter[str]:
    """How often each call was placed at the simulated line: each time its first step is queued."""
    return Counter(job["call_id"] for job in jobs if job.get("step") == 0)


def steps(acme: Tenant, saboteur: Sabotage) -> int:
    call = accepted(acme)
    with saboteur.counting() as calls:
        work("workers/dialer")
    assert now(call).state is State.RINGING
    drain("simulator")
    return len(calls)


def test_a_dialer_killed_anywhere_dials_once_at_most_and_its_call_ends(
    acme: Tenant, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    calls = []
    for done in range(steps(acme, saboteur)):
        calls.append(accepted(acme))
        with saboteur.killing(after=done):
            work("workers/dialer")
        work("workers/dialer")  # the queue brings the job again
    handed_over = dialed(drain("simulator"))
    assert set(handed_over.values()) == {1}
    lost = [call for call in calls if call.id not in handed_over]
    assert lost, "a kill between claim and dialling is among them"
    assert {now(call).state for call in lost} == {State.DIALING}

    frozen.advance(minutes=10, seconds=1)
    tick()
    work("workers/dialer")
    assert {(now(call).state, now(call).end_reason) for call in lost} <= {
        (State.FAILED, EndReason.FAILED),  # the line says that it never had the call
        (State.RINGING, None),  # it had taken it, and its worker did not hear of it
    }
    assert not dialed(drain("simulator")), "what is unknown is not dialled again"

    frozen.advance(hours=1, seconds=1)
    tick()
    work("workers/dialer")
    play()
    assert all(now(call).state in FINAL_STATES for call in calls)


def test_the_providers_reports_are_applied_once_though_their_worker_is_killed_anywhere(
    acme: Tenant, saboteur: Sabotage
) -> None:
    call = accepted(acme)
    work("workers/dialer")
    work("workers/simulator")
    for report in drain("voice-events"):
        for done in range(6):
            queues.send_messages([QueueMessage(queue="voice-events", body=report, group=call.org_id)])
            with saboteur.killing(after=done):
                work("workers/voice_events")
            work("workers/voice_events")
    spoken = max(turn.end_ms for turn in service.list_turns(acme.caller(), call.id))
    assert (now(call).state, now(call).duration_seconds) == (State.COMPLETED, -(-spoken // 1_000))
    assert Counter(event.type for event in told(call)) == Counter(
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


def test_a_call_comes_to_its_end_though_the_simulated_providers_worker_is_killed_anywhere(
    acme: Tenant, saboteur: Sabotage
) -> None:
    call = accepted(acme)
    work("workers/dialer")
    with saboteur.counting() as requests:
        play()
    expected = (now(call).state, now(call).duration_seconds, now(call).outcome, now(call).cost_micros)
    assert expected[0] is State.COMPLETED
    for done in range(0, len(requests), 3):
        call = accepted(acme)
        work("workers/dialer")
        with saboteur.killing(after=done):
            work("workers/simulator")
        play()
        assert (now(call).state, now(call).duration_seconds, now(call).outcome, now(call).cost_micros) == expected
        assert len(list(store.list_turns(call.org_id, call.id))) == 7
