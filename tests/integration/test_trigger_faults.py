"""Fired events under faults: killed between any two AWS calls, an event is recorded once, and each flow starts once."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.aws import queues
from switchboard.carriers import voice
from switchboard.numbers.models import Number
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from switchboard.triggers.jobs import StartFlows
from switchboard.triggers.models import Firing
from switchboard.triggers.service import TriggerWithToken
from tests.actors import Tenant, member, tenant
from tests.fakes.voice import Provider
from tests.integration.sabotage import Sabotage, invoke, run_worker
from tests.load.request import api_event
from tests.unit.calls.console_calls import save_number
from tests.unit.triggers.desk import (
    fire,
    list_events,
    make_trigger,
    save_event_flow,
    save_text_flow,
    starts_of,
)

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def acme(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Tenant:
    carrier = Provider()
    monkeypatch.setattr(voice, "get_carrier", lambda: carrier.carrier)
    return tenant()


@pytest.fixture
def saboteur(acme: Tenant) -> Sabotage:
    return Sabotage()


@pytest.fixture
def ada(acme: Tenant) -> Member:
    return member(acme.org_id, Role.ADMIN)


@pytest.fixture
def number(acme: Tenant) -> Number:
    return save_number(acme.org_id)


def post(token: str, delivery: str) -> Any:
    headers = {"x-github-delivery": delivery}
    return invoke("hum/trigger_inbox", api_event("POST", f"/api/triggers/inbound/{token}", headers, {"a": 1}))


def test_a_request_killed_anywhere_and_sent_again_is_one_event(ada: Member, saboteur: Sabotage) -> None:
    made = make_trigger(ada)
    with saboteur.counting() as calls:
        assert post(made.token, "first")["statusCode"] == 202
    assert calls
    for done in range(len(calls)):
        before = len(list_events(ada.org_id, "trigger.fired"))
        with saboteur.killing(done):
            post(made.token, f"d-{done}")
        assert post(made.token, f"d-{done}")["statusCode"] == 202
        assert len(list_events(ada.org_id, "trigger.fired")) == before + 1


def send(fired: Firing) -> None:
    job = StartFlows(org_id=fired.org_id, trigger_id=fired.trigger_id, firing_id=fired.id)
    queues.send_messages([job.to_message()])


def fire_for(made: TriggerWithToken, person: int) -> Firing:
    """Fire for a person of its own: a flow calls a number once in five minutes."""
    fired = fire(made, {"phone": f"+1415555{person:04}", "name": "Ada"})
    send(fired)
    return fired


def test_a_worker_killed_anywhere_starts_each_flow_once(
    ada: Member, number: Number, saboteur: Sabotage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The clock stands still, so no job may wait for its time.
    monkeypatch.setenv("SWITCHBOARD_EVENT_STARTS_PER_MINUTE", "60000")
    save_event_flow(ada.org_id)
    save_text_flow(ada.org_id)
    save_event_flow(ada.org_id, trigger_target="/nowhere")
    made = make_trigger(ada)
    fire_for(made, 100)
    with saboteur.counting() as calls:
        run_worker("workers/triggers")
    steps = len(calls)
    assert steps > 10
    for done in range(steps):
        before = {type_: len(list_events(ada.org_id, type_)) for type_ in ("voice.call.created", "sms.queued")}
        fired = fire_for(made, 101 + done)
        with saboteur.killing(done):
            run_worker("workers/triggers")
        # The message comes again, also after all its work is done.
        send(fired)
        run_worker("workers/triggers")
        assert sorted(start.status for start in starts_of(fired)) == ["refused", "started", "started"]
        for type_, count in before.items():
            assert len(list_events(ada.org_id, type_)) == count + 1, (done, type_)
        mine = [event for event in list_events(ada.org_id, "trigger.flow_refused") if event.data["firing"] == fired.id]
        assert len(mine) == 1
