"""Tokens, requests of pages, and the worker, for the tests of widgets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from functions.workers.simulator import handler as simulator
from functions.workers.voice_events import handler as voice_events
from functions.workers.widgets import handler as worker
from infra.local import pool
from switchboard.calls import service as calls
from switchboard.calls.models import Call
from switchboard.flows import service as flows
from switchboard.flows.models import Flow, FlowSettings
from switchboard.kit import ids
from switchboard.kit.jobs import Job
from switchboard.usage import reservations
from switchboard.usage.reservations import ReservedDay
from switchboard.widgets import days, service, session_store, sessions
from switchboard.widgets.models import LeadAnswers, LeadField, WidgetSession, WidgetSettings, WidgetToken
from switchboard.widgets.sessions import StartedSession
from tests.actors import system
from tests.load.request import api_event

SHOP = "https://shop.example"
FORM = [
    LeadField(name="name", label="Your name", required=True),
    LeadField(name="email", label="Mail", type="email"),
    LeadField(name="phone", label="Telephone", type="tel"),
    LeadField(name="notes", label="Question", type="textarea"),
]
#: The price of a minute of the flow's voice, in millionths of a dollar.
MINUTE = 70_000

__all__ = ["simulator", "voice_events", "worker"]


class PageAnswer(NamedTuple):
    """A response as a page's script sees it."""

    status: int
    body: Any
    headers: dict[str, str]


def make_flow(org_id: str, **settings: Any) -> Flow:
    """Create a flow that answers calls."""
    wanted = {"name": "Front desk", "kind": "inbound", "greeting": "Hello {{name}}, how can I help?", **settings}
    return flows.create_flow(system(org_id), FlowSettings.model_validate(wanted))


def make_token(flow: Flow, **settings: Any) -> WidgetToken:
    """Create a token whose flow talks."""
    wanted = {
        "name": "Shop",
        "default_flow_id": flow.id,
        "allowed_origins": [SHOP],
        "captcha_provider": "none",
        "lead_fields": [field.model_dump() for field in FORM],
        "per_ip_rate_per_min": 60,
        **settings,
    }
    return service.create_token(system(flow.org_id), WidgetSettings.model_validate(wanted))


def ask_page(
    method: str,
    target: str,
    key: str | None,
    body: Mapping[str, Any] | None = None,
    *,
    origin: str | None = SHOP,
    address: str = "203.0.113.9",
    **headers: str,
) -> PageAnswer:
    """Send a request of a page."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    sent |= {"authorization": f"Bearer {key}"} if key is not None else {}
    sent |= {"origin": origin} if origin is not None else {}
    event = api_event(method, f"/api/widget{target}", sent, body)
    event["requestContext"]["identity"]["sourceIp"] = address
    answer = pool.invoke("hum/widget_sessions", event)
    found = {name.lower(): value for name, value in answer["headers"].items()}
    return PageAnswer(answer["statusCode"], json.loads(answer["body"] or "null"), found)


def start(token: WidgetToken, *, address: str | None = None, **answers: str) -> StartedSession:
    """Start a session through the service, by default from an address of its own."""
    of = address or ids.new_id("address")
    return sessions.start_session(token, SHOP, LeadAnswers.model_validate(answers), "corr_test", address=of)


def find_session(session: WidgetSession) -> WidgetSession:
    """Returns the present version of a session."""
    found = session_store.SESSIONS.get_object(session.org_id, session.id)
    assert found is not None
    return found


def find_call(session: WidgetSession) -> Call:
    """Returns the call of a session."""
    found = calls.find_call(session.org_id, session.call_id)
    assert found is not None
    return found


def get_day(session: WidgetSession) -> ReservedDay:
    """Returns the counters of a session's day."""
    (found,) = reservations.list_days(session.org_id, days.PURPOSE, [session.day])
    return found


def do(job: Job) -> None:
    """Let the worker of widgets do a job."""
    message = job.to_message()
    answer = worker.handler({"Records": [_record(message.body)]}, None)
    assert answer == {"batchItemFailures": []}, answer


def _record(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"messageId": "1", "body": json.dumps(body), "attributes": {"ApproximateReceiveCount": "1"}}
