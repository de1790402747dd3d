"""A delivery of one of the platform's own webhooks changes nothing, in any API: the change would be the next event."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.local import pool
from switchboard.outbound.loops import LOOP_HEADER, WEBHOOK_HOP
from tests.actors import Tenant, tenant
from tests.load.request import api_event
from tests.tables import each

#: An operation of each API, and the code of its refusal.
CHANGES = [
    ("anima/email", "/v1/email/send", "FORBIDDEN"),
    ("opticomm/external_api", "/functions/v1/external-api", "PERMISSION_DENIED"),
    ("athos/sessions", "/api/external/v1/session", "INVALID_REQUEST"),
    ("hum/contacts", "/api/contacts", "loop"),
]


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    return tenant()


def ask(group: str, method: str, path: str, acme: Tenant, hop: str) -> tuple[int, Any]:
    headers = {"authorization": f"Bearer {acme.agent_key}", LOOP_HEADER: hop}
    answer = pool.invoke(group, api_event(method, path, headers, {} if method == "POST" else None))
    return answer["statusCode"], json.loads(answer["body"])


@each("group, path, code", CHANGES)
def test_no_api_lets_it_change_data(acme: Tenant, group: str, path: str, code: str) -> None:
    status, body = ask(group, "POST", path, acme, WEBHOOK_HOP)
    assert status == 403
    assert "let another system receive the webhook" in json.dumps(body)
    error = body.get("error")
    assert code in (body.get("code"), error, error.get("code") if isinstance(error, dict) else None)


def test_it_may_read_and_a_model_may_change(acme: Tenant) -> None:
    assert ask("anima/email", "GET", "/v1/email/messages", acme, WEBHOOK_HOP)[0] == 200
    assert ask("anima/email", "POST", "/v1/email/send", acme, "1")[0] == 400
