"""Rule 3 for calls: a dialler stopped between any two of its steps dials nobody twice, and every call ends."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from switchboard.aws import clock, ids, queue
from switchboard.aws.queue import Message
from switchboard.aws.table import Query
from switchboard.calls import service, store
from switchboard.calls.jobs import DialCall
from switchboard.calls.models import TERMINAL, Call, EndReason, Order, State, Tier
from switchboard.events import service as events
from switchboard.timers import store as timer_store
from tests.actors import Tenant, tenant
from tests.integration.sabotage import Sabotage, drain, tick, work

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.Frozen, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    monkeypatch.setenv("SWITCHBOARD_VOICE_STEP_SECONDS", "0")
    timer_store.advance(clock.stamp()[:16])
    return tenant()


@pytest.fixture
def saboteur(acme: Tenant) -> Sabotage:
    return Sabotage()


def accepted(acme: Tenant) -> Call:
    """A call whose job is in the dialler's queue."""
    order = Order(to="+14155550142", tier=Tier.BASIC, consent_source="business-relationship")
    call = service.place(acme.caller(correlation_id=ids.new("corr")), order)
    queue.send([DialCall(org_id=call.org_id, call_id=call.id).message()])
    return call


def now(call: Call) -> Call:
    found = store.CALLS.get(call.org_id, call.id)
    assert found is not None
    return found


def told(call: Call) -> list[events.Event]:
    """The events of the call's workflow."""
    items = Query(table="activity", partition=events.chain_partition(call.org_id, call.correlation_id)).all()
    return [events.from_item(item) for item in items if "outbox" in item]


def dialled(reports: list[dict[str, Any]]) -> Counter[str]:
    """How often each call was handed to the provider: each time it reports one ringing."""
    return Counter(report["call_id"] for report in reports if report["kind"] == "ringing")


def steps(acme: Tenant, saboteur: Sabotage) -> int:
    call = accepted(acme)
    with saboteur.counting() as calls:
        work("workers/dialer")
    assert now(call).state is State.RINGING
    drain("voice-events")
    return len(calls)


def test_a_dialler_killed_anywhere_dials_once_at_most_and_its_call_ends(
    acme: Tenant, saboteur: Sabotage, frozen: clock.Frozen
) -> None:
    calls = []
    for done in range(steps(acme, saboteur)):
        calls.append(accepted(acme))
        with saboteur.killing(after=done):
            work("workers/dialer")
        work("workers/dialer")  # the queue brings the job again
    reports = drain("voice-events")
    handed_over = dialled(reports)
    assert set(handed_over.values()) == {1}
    lost = [call for call in calls if call.id not in handed_over]
    assert lost, "a kill between claim and dialling is among them"
    assert {now(call).state for call in lost} == {State.DIALING}

    frozen.advance(minutes=10, seconds=1)
    tick()
    work("workers/dialer")
    assert {now(call).state for call in lost} == {State.UNCONFIRMED}
    assert not dialled(drain("voice-events")), "what is unknown is not dialled again"

    frozen.advance(hours=1, seconds=1)
    tick()
    work("workers/dialer")
    assert all(now(call).state in TERMINAL for call in calls)
    assert {now(call).end_reason for call in lost} == {EndReason.TIMEOUT}


def test_the_providers_reports_are_applied_once_though_their_worker_is_killed_anywhere(
    acme: Tenant, saboteur: Sabotage
) -> None:
    call = accepted(acme)
    work("workers/dialer")
    for report in drain("voice-events"):
        for done in range(6):
            queue.send([Message(queue="voice-events", body=report, group=call.org_id)])
            with saboteur.killing(after=done):
                work("workers/voice_events")
            work("workers/voice_events")
    spoken = max(turn.end_ms for turn in service.transcript(acme.caller(), call.id))
    assert (now(call).state, now(call).duration_seconds) == (State.COMPLETED, -(-spoken // 1_000))
    assert Counter(event.type for event in told(call)) == Counter(
        {
            "voice.call.created": 1,
            "voice.call.ringing": 1,
            "voice.call.answered": 1,
            "voice.call.turn": 7,
            "voice.call.completed": 1,
        }
    )
    assert len(list(store.turns(call.org_id, call.id))) == 7
