"""Triggers, events and requests for the tests of triggers."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from infra.local import pool
from switchboard.events import service as events
from switchboard.events.models import Event
from switchboard.fanout import routes
from switchboard.flows import event_starts
from switchboard.flows.models import Flow
from switchboard.kit import clock
from switchboard.projections import service as projections
from switchboard.projections.jobs import ProjectEvent
from switchboard.team.models import Member
from switchboard.triggers import firing, service, starting
from switchboard.triggers.firing import FiredEvent
from switchboard.triggers.jobs import StartFlow, StartFlows
from switchboard.triggers.models import Firing, FlowStart
from switchboard.triggers.service import TriggerWithToken
from tests.load.request import api_event
from tests.unit.calls.console_calls import save_flow


def make_trigger(member: Member, event_type: str = "lead created", **given: Any) -> TriggerWithToken:
    """Create a trigger."""
    return service.create_trigger(member, "Leads", event_type, **given)


def fire(made: TriggerWithToken, body: Any = None, delivery: str | None = None) -> Firing:
    """Fire a trigger by its token."""
    text = json.dumps({} if body is None else body)
    fired = firing.fire_trigger(firing.find_trigger(made.token), FiredEvent(text, delivery, "test"))
    assert fired is not None, "the event was fired before"
    return fired


def list_events(org_id: str, type_: str) -> list[Event]:
    """The events of a type so far, oldest first."""
    end = clock.format_iso(clock.now() + timedelta(minutes=1))
    found = events.events_between("2026-01-15T17:00:00.000Z", end, org_id)
    return [event for event in found if event.type == type_]


def project_events(org_id: str) -> None:
    """Do what the worker of the projections does for the fired triggers."""
    for event in list_events(org_id, "trigger.fired"):
        for job in routes.jobs_of(event):
            if isinstance(job, ProjectEvent):
                projections.project_event(job.event)


def post(
    token: str, content: bytes = b"", media_type: str | None = "application/json", **headers: str | list[str]
) -> Any:
    """Send an event to the public address. Returns the whole answer. A header with a list is sent once for each."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    several = {name: value for name, value in sent.items() if isinstance(value, list)}
    single = {name: value if isinstance(value, str) else value[-1] for name, value in sent.items()}
    event = api_event("POST", f"/api/triggers/inbound/{token}", single)
    event["multiValueHeaders"] = {**event["multiValueHeaders"], **several}
    if media_type is not None:
        event["headers"] = {**event["headers"], "content-type": media_type}
        event["multiValueHeaders"] = {**event["multiValueHeaders"], "content-type": [media_type]}
    return pool.invoke("hum/trigger_inbox", event | {"body": content.decode(errors="replace") or None})


def run_flows(fired: Firing) -> None:
    """Do what the fan-out and the worker do for a firing."""
    starting.start_flows(StartFlows(org_id=fired.org_id, trigger_id=fired.trigger_id, firing_id=fired.id))
    flow_ids = event_starts.list_flows_of_event(fired.org_id, fired.event_type)
    for flow_id in flow_ids:
        start_flow(fired, flow_id)


def start_flow(fired: Firing, flow_id: str) -> None:
    """Do the worker's job for one flow."""
    starting.start_flow(
        StartFlow(org_id=fired.org_id, trigger_id=fired.trigger_id, firing_id=fired.id, flow_id=flow_id)
    )


def starts_of(fired: Firing) -> list[FlowStart]:
    """The results of the flows so far."""
    found = firing.find_firing(fired.org_id, fired.trigger_id, fired.id)
    assert found is not None
    return found.firing.starts


def save_event_flow(org_id: str, **settings: Any) -> Flow:
    """Create a flow that calls for each lead."""
    wanted = {
        "trigger_type": "event",
        "trigger_events": ["external.lead.*"],
        "consent_source": "prior-express-consent",
        "consent_date": "2026-01-10",
    }
    return save_flow(org_id, **wanted | settings)


def save_text_flow(org_id: str, **settings: Any) -> Flow:
    """Create a flow that texts each lead."""
    return save_event_flow(org_id, **{"channel": "sms", "greeting": "Hello {{name}}, thank you.", **settings})
