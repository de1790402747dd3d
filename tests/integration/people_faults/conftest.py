"""People and permissions under faults: shared requests."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from infra.local.pool import Context
from switchboard.accounts.plans import PlanName
from switchboard.events import service as events
from switchboard.kit import clock
from switchboard.team.models import Member
from tests.actors import member, tenant
from tests.integration.sabotage import invoke


def send_request(
    function: str,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    *,
    cookie: str = "",
    query: dict[str, str] | None = None,
    key: str | None = None,
    context: type[Context] = Context,
) -> dict[str, Any]:
    """Send a request to its function, as API Gateway would."""
    headers = {"content-type": "application/json", "cookie": cookie} | ({"idempotency-key": key} if key else {})
    event = {
        "httpMethod": method,
        "path": path,
        "headers": headers,
        "queryStringParameters": query,
        "multiValueQueryStringParameters": {name: [value] for name, value in (query or {}).items()},
        "requestContext": {"identity": {"sourceIp": "192.0.2.1"}},
        "body": json.dumps(body) if body is not None else None,
    }
    answer: dict[str, Any] = invoke(function, event, context)
    return answer


def list_event_types(org_id: str) -> list[str]:
    """The types of the organization's events of the last hours."""
    hours = timedelta(hours=3)
    found = events.events_between(clock.format_iso(clock.now() - hours), clock.format_iso(clock.now() + hours), org_id)
    return [event.type for event in found]


@pytest.fixture
def admin(cloud: dict[str, str], frozen: clock.FrozenClock) -> Member:
    return member(tenant(plan=PlanName.SCALE).org_id)
