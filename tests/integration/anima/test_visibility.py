"""Anima over HTTP: the objects that each organization and key can see."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import httpx
import pytest

from tests.integration.anima.conftest import MAIL, SEND, assert_problem
from tests.integration.conftest import SignedUp


def test_another_organizations_ids_are_not_found(
    http: httpx.Client, acme: SignedUp, sign_up: Callable[[], SignedUp]
) -> None:
    other = sign_up()
    sent = http.post(SEND, json=MAIL, headers=acme.agent | {"x-correlation-id": "private"}).json()
    key = http.get("/v1/keys", headers=acme.master).json()["items"][0]["id"]
    foreign = [
        http.get(f"/v1/email/messages/{sent['id']}", headers=other.master),
        http.get("/v1/audit/events", params={"correlation_id": "private"}, headers=other.master),
        http.get(f"/v1/agents/{acme.agent_id}", headers=other.master),
        http.get("/v1/email/messages", params={"agentId": acme.agent_id}, headers=other.agent),
        http.post(f"/v1/keys/{key}/rotate", json={}, headers=other.master),
        http.delete(f"/v1/keys/{key}", headers=other.master),
        http.post(SEND, json=MAIL | {"agentId": acme.agent_id}, headers=other.master),
        http.post(SEND, json=MAIL | {"inReplyTo": sent["id"]}, headers=other.agent),
        http.post("/v1/keys", json={"name": "x", "agentId": acme.agent_id}, headers=other.master),
    ]
    for answer in foreign:
        assert_problem(answer, 404, "NOT_FOUND")


def test_an_agent_key_sees_its_own_agent_only(http: httpx.Client, acme: SignedUp) -> None:
    second = http.post("/v1/agents", json={"username": f"two-{secrets.token_hex(4)}"}, headers=acme.master).json()
    two = {"Authorization": f"Bearer {second['apiKey']}"}
    sent = http.post(SEND, json=MAIL, headers=acme.agent | {"x-correlation-id": "shared"}).json()
    http.post(SEND, json=MAIL, headers=two | {"x-correlation-id": "shared"})
    assert_problem(http.get(f"/v1/email/messages/{sent['id']}", headers=two), 404, "NOT_FOUND")
    assert_problem(http.get(f"/v1/agents/{acme.agent_id}", headers=two), 404, "NOT_FOUND")
    chain_of = lambda who: http.get("/v1/audit/events", params={"correlation_id": "shared"}, headers=who).json()  # noqa: E731
    assert {event["agentId"] for event in chain_of(two)["events"]} == {second["id"]}
    assert {event["agentId"] for event in chain_of(acme.master)["events"]} == {second["id"], acme.agent_id}
    assert_problem(http.post(SEND, json=MAIL | {"agentId": acme.agent_id}, headers=two), 403, "FORBIDDEN")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/agents"),
        ("GET", "/v1/agents"),
        ("POST", "/v1/keys"),
        ("GET", "/v1/keys"),
        ("POST", "/v1/keys/key_1/rotate"),
        ("DELETE", "/v1/keys/key_1"),
        ("GET", "/v1/billing/hard-cap"),
        ("PUT", "/v1/billing/hard-cap"),
        ("GET", "/v1/billing/usage"),
        ("GET", "/v1/billing/tier"),
        ("GET", "/v1/audit/export"),
    ],
)
def test_an_agent_key_is_refused_where_a_master_key_is_needed(
    http: httpx.Client, acme: SignedUp, method: str, path: str
) -> None:
    assert_problem(http.request(method, path, headers=acme.agent), 403, "MASTER_KEY_REQUIRED")
