"""Responses that a healthy stack does not give: internal errors, and the limit of sign-ups. Runs over moto."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import httpx
import pytest

from infra import openapi, topology
from infra.local.pool import Context
from switchboard.aws import clients, objects
from switchboard.edge.api import Api
from switchboard.email import inbound
from switchboard.kit import clock, settings
from tests.actors import Tenant, tenant
from tests.contract.conftest import attempt_delivery
from tests.contract.world import GOOD, OURS, Ask, Organization

GROUPS = {group.name: api for group, api in zip(
    (group for group in topology.GROUPS if group.api == "anima"), openapi.groups("anima"), strict=True
)}  # fmt: skip


def send_request(request: Ask) -> httpx.Response:
    """The response of the function that serves a request, checked against the document."""
    operation = next(one for one in OURS.at(request.path) if one.method == request.method)
    name, api = next((name, api) for name, api in GROUPS.items() if _serves(api, operation.id))
    event = {
        "httpMethod": request.method,
        "path": request.path,
        "headers": request.headers | {"Content-Type": "application/json"},
        "queryStringParameters": request.query or None,
        "requestContext": {"identity": {"sourceIp": "203.0.113.7"}},
        "body": json.dumps(request.body) if request.body is not None else None,
    }
    answer: dict[str, Any] = api.handler(event, Context(topology.function(name)))
    response = httpx.Response(
        answer["statusCode"],
        headers=answer["headers"],
        text=answer["body"],
        request=httpx.Request(request.method, f"http://local{request.path}"),
    )
    OURS.check(response)
    return response


def _serves(api: Api, operation_id: str) -> bool:
    wanted = OURS.operations[operation_id]
    return any(
        (one.method, one.path) == (wanted.method, wanted.path.replace("{", "<").replace("}", ">"))
        for one in api.router.operations
    )


class _Direct(httpx.BaseTransport):
    """HTTP without a network, for requests that prepare others."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.read() or b"null")
        headers = {name.title(): value for name, value in request.headers.items()}
        return send_request(Ask(request.method, request.url.path, body, dict(request.url.params), headers))


@pytest.fixture
def acme(cloud: dict[str, str]) -> Organization:
    made: Tenant = tenant()
    http = httpx.Client(base_url="http://local", transport=_Direct())
    deliver = partial(attempt_delivery, made.org_id)
    return Organization(http, made.org_id, made.agent_id, made.agent_key, made.master_key, _post, deliver)


def _post(mail: bytes, address: str) -> None:
    """Deliver a mail, as the function behind SES' notices does."""
    objects.put_object("inbound-mail", "inbound/1", mail, "message/rfc822")
    action = {"type": "S3", "objectKey": "inbound/1"}
    envelope = {"messageId": "1", "timestamp": clock.now_iso(), "source": "you@example.com"}
    inbound.receive_mail(
        {"notificationType": "Received", "receipt": {"recipients": [address], "action": action}, "mail": envelope}
    )


@pytest.mark.parametrize("name", sorted(OURS.operations))
def test_an_internal_error_is_500_without_details(
    acme: Organization, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = GOOD[name](acme)

    def fail(*_: Any) -> Any:
        raise RuntimeError("a secret of the house")

    for api in GROUPS.values():
        monkeypatch.setattr(api.router, "run_route", fail)
    answer = send_request(request)
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_ERROR")
    assert "secret" not in answer.text


@pytest.mark.parametrize("name", sorted(one.id for one in OURS.operations.values() if 503 in one.statuses))
def test_a_keyed_request_is_503_while_no_record_can_be_stored(acme: Organization, name: str) -> None:
    request = GOOD[name](acme).with_headers(Idempotency_Key="0123456789abcdefghijkl")
    clients.get_client("dynamodb").delete_table(TableName=settings.table_name("idempotency"))
    answer = send_request(request)
    assert (answer.status_code, answer.json()["code"]) == (503, "SERVICE_UNAVAILABLE")


def test_sign_ups_are_limited_by_address_and_hour(acme: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_SIGN_UPS_PER_HOUR", "2")
    answers = [send_request(GOOD["agentSignUp"](acme)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["code"] == "RATE_LIMIT"
    assert 1 <= int(answers[2].headers["retry-after"]) <= 3_600


def test_a_refused_known_caller_is_counted_for_its_organization(acme: Organization) -> None:
    answer = send_request(Ask("GET", "/v1/agents", headers=acme.agent))
    assert (answer.status_code, answer.json()["code"]) == (403, "MASTER_KEY_REQUIRED")
    assert answer.headers["x-ratelimit-limit"] == "3000"
