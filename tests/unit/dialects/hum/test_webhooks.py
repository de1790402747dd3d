"""HUM's webhooks of calls: which event they follow, and what they hold."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.calls import store, summarizing
from switchboard.calls.models import Call, State
from switchboard.dialects.hum import webhooks
from switchboard.events.models import Actor, Event, Subject
from switchboard.kit import clock
from tests.actors import Tenant, tenant
from tests.unit.call_records.desk import save_call
from tests.unit.calls.console_calls import save_flow
from tests.unit.calls.live_calls import report_turn

pytestmark = pytest.mark.usefixtures("cloud", "frozen")
SCHEMA = {"type": "object", "properties": {"outcome": {"enum": ["booked"]}}, "required": ["outcome"]}
MINUTE_AGO = "2026-01-15T16:59:00.000Z"


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


def happened(org_id: str, call_id: str, type_: str) -> Event:
    return Event(
        id="evt_1",
        org_id=org_id,
        type=type_,
        at=clock.now_iso(),
        actor=Actor(type="system", id="voice"),
        correlation_id="c",
        subject=Subject(type="call", id=call_id, version=1),
        data={},
    )


def rendered(call: Call, type_: str) -> list[dict[str, Any]]:
    now = store.CALLS.get_object(call.org_id, call.id)
    return [one.body for one in webhooks.render(happened(call.org_id, call.id, type_), now)]


def save_answered(acme: Tenant) -> Call:
    flow = save_flow(acme.org_id, outcome_schema=SCHEMA)
    return save_call(acme.org_id, flow_id=flow.id, answered_at=MINUTE_AGO, ended_at=MINUTE_AGO, cost_micros=70_000)


def test_an_answered_call_is_reported_with_its_summary_and_not_before(acme: Tenant) -> None:
    call = save_answered(acme)
    assert rendered(call, "voice.call.completed") == []
    summarizing.summarize_call(call.org_id, call.id)
    [body] = rendered(call, "voice.call.summarized")
    data = body["data"]
    assert (body["type"], body["id"], body["org_id"]) == ("call.completed", "evt_1", acme.org_id)
    assert (data["id"], data["status"], data["cost_cents"]) == (call.id, "completed", 7.0)
    assert data["summary"] == {"tldr": "Nobody spoke.", "key_points": [], "next_actions": [], "sentiment": "neutral"}
    assert (data["outcome_data"], data["outcome_valid"]) == ({}, None)
    assert not {"is_read", "contact", "flow_name"} & set(data)


def test_an_outcome_is_reported_with_its_problems(acme: Tenant) -> None:
    call = save_answered(acme)
    report_turn(call, "I am not sure yet, sorry.", number=1)
    summarizing.summarize_call(call.org_id, call.id)
    [body] = rendered(call, "voice.call.outcome_captured")
    assert (body["type"], body["data"]["outcome_errors"]) == ("call.outcome", ["outcome: is missing"])


def test_a_call_without_an_answer_is_reported_at_its_end(acme: Tenant) -> None:
    call = save_call(acme.org_id, state=State.BUSY)
    [body] = rendered(call, "voice.call.busy")
    assert (body["type"], body["data"]["status"], body["data"]["summary"]) == ("call.completed", "busy", None)


@pytest.mark.parametrize(("is_test", "simulated"), [(True, True), (True, False), (False, False)])
def test_a_test_and_a_simulated_call_say_so(acme: Tenant, is_test: bool, simulated: bool) -> None:
    call = save_call(acme.org_id)
    order = call.order.model_copy(update={"simulated": simulated})
    shown = call.model_copy(update={"is_test": is_test, "order": order, "answered_at": None})
    (told,) = webhooks.render(happened(call.org_id, call.id, "voice.call.no_answer"), shown)
    assert (told.body["data"]["is_test"], told.body["data"]["simulated"]) == (is_test, simulated)


def test_a_call_that_is_gone_is_not_reported(acme: Tenant) -> None:
    assert webhooks.render(happened(acme.org_id, "call_gone", "voice.call.busy"), None) == []
