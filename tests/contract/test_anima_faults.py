"""What a healthy stack does not answer: our own faults, and the limit of sign-ups, in one process over moto."""

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
from switchboard.webhooks import deliveries, delivery_worker, new_delivery
from tests.actors import Tenant, tenant
from tests.contract.world import GOOD, OURS, Ask, Organization

GROUPS = {group.name: api for group, api in zip(
    (group for group in topology.GROUPS if group.api == "anima"), openapi.groups("anima"), strict=True
)}  # fmt: skip


def ask(request: Ask) -> httpx.Response:
    """The answer of the group that serves a request, held against the document."""
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
    """HTTP without a network: for the requests that prepare others."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.read() or b"null")
        headers = {name.title(): value for name, value in request.headers.items()}
        return ask(Ask(request.method, request.url.path, body, dict(request.url.params), headers))


@pytest.fixture
def acme(cloud: dict[str, str]) -> Organization:
    made: Tenant = tenant()
    http = httpx.Client(base_url="http://local", transport=_Direct())
    deliver = partial(_deliver, made.org_id)
    return Organization(http, made.org_id, made.agent_id, made.agent_key, made.master_key, _post, deliver)


def _deliver(org_id: str, delivery_id: str) -> None:
    """Make a delivery's first attempt, as the worker for an endpoint does that nobody knows yet."""
    delivery_worker.deliver_batch([new_delivery.attempt_job(deliveries.get_delivery(org_id, delivery_id))], slow=True)


def _post(mail: bytes, address: str) -> None:
    """Land a mail, as the function that SES' notices start does."""
    objects.put_object("inbound-mail", "inbound/1", mail, "message/rfc822")
    action = {"type": "S3", "objectKey": "inbound/1"}
    envelope = {"messageId": "1", "timestamp": clock.now_iso(), "source": "you@example.com"}
    inbound.receive_mail(
        {"notificationType": "Received", "receipt": {"recipients": [address], "action": action}, "mail": envelope}
    )


@pytest.mark.parametrize("name", sorted(OURS.operations))
def test_a_fault_of_ours_is_500_and_tells_nothing(
    acme: Organization, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = GOOD[name](acme)

    def fail(*_: Any) -> Any:
        raise RuntimeError("a secret of the house")

    for api in GROUPS.values():
        monkeypatch.setattr(api.router, "resolve", fail)
    answer = ask(request)
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_ERROR")
    assert "secret" not in answer.text


@pytest.mark.parametrize("name", sorted(one.id for one in OURS.operations.values() if 503 in one.statuses))
def test_where_no_record_can_be_kept_a_keyed_request_is_503(acme: Organization, name: str) -> None:
    request = GOOD[name](acme).with_headers(Idempotency_Key="0123456789abcdefghijkl")
    clients.get_client("dynamodb").delete_table(TableName=settings.table_name("idempotency"))
    answer = ask(request)
    assert (answer.status_code, answer.json()["code"]) == (503, "SERVICE_UNAVAILABLE")


def test_an_address_signs_up_so_many_times_an_hour(acme: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_SIGN_UPS_PER_HOUR", "2")
    answers = [ask(GOOD["agentSignUp"](acme)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["code"] == "RATE_LIMIT"
    assert 1 <= int(answers[2].headers["retry-after"]) <= 3_600


def test_a_known_caller_who_is_turned_away_is_counted_as_its_organization(acme: Organization) -> None:
    answer = ask(Ask("GET", "/v1/agents", headers=acme.agent))
    assert (answer.status_code, answer.json()["code"]) == (403, "MASTER_KEY_REQUIRED")
    assert answer.headers["x-ratelimit-limit"] == "3000"
