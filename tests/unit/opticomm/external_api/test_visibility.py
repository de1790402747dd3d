"""One call in all APIs, and its consent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.anima.voice import handler as anima_voice
from infra import topology
from infra.local.pool import Context
from switchboard.accounts.plans import PlanName
from switchboard.audit import service as audit
from switchboard.calls import dialing, service
from switchboard.compliance import ledgers
from switchboard.compliance import service as compliance
from switchboard.kit import clock
from switchboard.webhooks import store as webhooks
from tests.integration.sabotage import drain_queue
from tests.unit.opticomm.backend import NOBODY, Backend, backend, code, make_flow
from tests.unit.opticomm.external_api.conftest import FIRST, HOOK, read_call


def test_anima_lists_the_call_and_its_audit_events(live: Backend) -> None:
    call_id = live.ask(
        {"action": "initiate_call", "agent_id": live.flow.id, "phone_number": NOBODY}, x_correlation_id="from-opticomm"
    ).json()["call_id"]
    answer: dict[str, Any] = anima_voice.handler(
        {
            "httpMethod": "GET",
            "path": "/v1/voice/calls",
            "headers": {"Authorization": f"Bearer {live.company.master_key}"},
            "queryStringParameters": None,
            "requestContext": {"identity": {"sourceIp": "203.0.113.7"}},
            "body": None,
        },
        Context(topology.function("anima/voice")),
    )
    (shown,) = json.loads(answer["body"])["calls"]
    assert (shown["id"], shown["to"], shown["state"]) == (call_id, NOBODY, "INITIATING")
    assert shown["agentId"] == read_call(live, call_id).flow_id
    assert shown["greeting"] == f"{FIRST} Hello {{{{customer_name}}}}."
    entries, _ = audit.list_workflow_events(live.company.caller(master=True), "from-opticomm", 10, None)
    (created,) = [entry.document for entry in entries]
    assert (created["action"], created["resourceId"], created["actorId"]) == (
        "voice.call.created",
        call_id,
        live.key.id,
    )
    assert created["metadata"]["flow"] == live.flow.id
    assert NOBODY not in json.dumps(created)


def test_an_agents_key_of_anima_does_not_see_the_call(live: Backend) -> None:
    call_id = live.initiate().json()["call_id"]
    assert service.list_calls(live.company.caller(), None, [], None, 20, None)[0] == []
    with pytest.raises(Exception, match="no such call"):
        service.get_call(live.company.caller(), call_id)


def test_consent_comes_from_the_ledger_then_the_key_then_the_flow(live: Backend) -> None:
    def origin_of(asker: Backend) -> str:
        call_id = asker.initiate().json()["call_id"]
        return str(compliance.get_verdict(asker.company.org_id, call_id).find_result("consent").details["from"])

    keyed = live.with_key(consent_source="prior-express-consent", consent_date="2025-11-01")
    assert origin_of(live) == f"flow:{live.flow.id}"
    assert origin_of(keyed) == keyed.key.id
    ledgers.record_consent(live.company.caller(), NOBODY, "opt-in:web-form", "2025-10-01")
    assert origin_of(keyed) == origin_of(live) == "ledger"


@pytest.mark.parametrize(
    ("source", "day", "why"),
    [
        ("business-relationship", "2025-12-01", "consent: not_written"),
        ("opt-in:web-form", "2025-12-01", None),
        ("opt-in:web-form", "2021-02-01", "consent: too_old"),
    ],
)
def test_a_sales_flow_needs_a_recent_written_consent(
    live: Backend, frozen: clock.FrozenClock, source: str, day: str, why: str | None
) -> None:
    changes = {"purpose": "telemarketing", "consent_source": source, "consent_date": day}
    flow = make_flow(live.company.org_id, **changes)
    frozen.advance(days=30)
    answer = live.initiate(agent_id=flow.id)
    if why is None:
        assert answer.status_code == 200
    else:
        assert answer.status_code == 403
        assert why in answer.json()["message"]


def test_a_sales_flow_cannot_call_numbers_of_the_national_registry(test: Backend) -> None:
    flow = make_flow(test.company.org_id, purpose="telemarketing")
    answer = test.initiate(agent_id=flow.id, phone_number="+15005550025")
    assert (answer.status_code, answer.json()["error"]) == (403, "PHONE_ON_DNC")
    assert test.initiate(phone_number="+15005550025").status_code == 200


def test_a_callback_is_registered_with_the_call(live: Backend) -> None:
    call = read_call(live, live.initiate(webhook_url=HOOK).json()["call_id"])
    assert call.callback_id
    endpoint = webhooks.get_endpoint(live.company.org_id, call.callback_id)
    assert endpoint
    assert (endpoint.url, endpoint.key_id) == (HOOK, live.key.id)
    assert read_call(live, live.initiate().json()["call_id"]).callback_id is None


def test_a_change_before_the_dial_stops_the_call_and_is_reported(live: Backend, test: Backend) -> None:
    calls = [(key, key.initiate().json()["call_id"]) for key in (live, test)]
    ledgers.block_number(live.company.caller(), NOBODY)
    for key, call_id in calls:
        dialing.dial_call(key.company.org_id, call_id)
        answer = key.check(call_id=call_id).json()
        assert (answer["status"], answer["outcome"]) == ("failed", "canceled")
        assert "dnc" in answer["error_message"]
    assert drain_queue("voice-events") == []


def test_the_free_plan_has_calls_of_the_basic_tier() -> None:
    free = backend(slug="free", plan=PlanName.FREE)
    premium = make_flow(free.company.org_id, voice="switchboard:grace")
    assert free.initiate().status_code == 200
    assert code(free.initiate(agent_id=premium.id)) == (429, "DAILY_LIMIT_EXCEEDED")
