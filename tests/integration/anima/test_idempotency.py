"""Anima over HTTP: idempotency keys."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import httpx
import pytest

from tests.integration.anima.conftest import MAIL, SEND, assert_problem
from tests.integration.conftest import SignedUp


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\tinside", "ünï"])
def test_a_malformed_idempotency_key_is_400(http: httpx.Client, acme: SignedUp, key: str) -> None:
    headers = {**acme.agent, "Idempotency-Key": key.encode("utf-8")}
    answer = http.post(SEND, json=MAIL, headers=headers)  # type: ignore[arg-type]
    assert_problem(answer, 400, "INVALID_IDEMPOTENCY_KEY")
    assert http.get("/v1/email/messages", headers=acme.agent).json()["items"] == []


def test_a_repeated_request_gets_the_first_response_byte_for_byte(http: httpx.Client, acme: SignedUp) -> None:
    headers = acme.agent | {"Idempotency-Key": "send-1747-abc"}
    first, second = (http.post(SEND, json=MAIL, headers=headers) for _ in range(2))
    assert first.content == second.content
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert first.headers["x-correlation-id"] == second.headers["x-correlation-id"]
    assert len(http.get("/v1/email/messages", headers=acme.agent).json()["items"]) == 1


def test_a_large_answer_is_replayed_too(http: httpx.Client, acme: SignedUp) -> None:
    headers = acme.agent | {"Idempotency-Key": "large"}
    first, second = (http.post(SEND, json=MAIL | {"body": "漢" * 60_000}, headers=headers) for _ in range(2))
    assert first.status_code == 200
    assert first.content == second.content


def test_a_refusal_is_replayed_too(http: httpx.Client, acme: SignedUp) -> None:
    headers = acme.agent | {"Idempotency-Key": "refused"}
    first, second = (http.post(SEND, json=MAIL | {"to": "nobody"}, headers=headers) for _ in range(2))
    assert (first.status_code, first.content) == (400, second.content)
    assert second.headers["idempotent-replayed"] == "true"


def test_the_same_key_with_another_body_or_path_is_409(http: httpx.Client, acme: SignedUp) -> None:
    headers = acme.master | {"Idempotency-Key": "once"}
    mail = MAIL | {"agentId": acme.agent_id}
    assert http.post(SEND, json=mail, headers=headers).status_code == 200
    other_body = http.post(SEND, json=mail | {"body": "other"}, headers=headers)
    other_path = http.post("/v1/agents", json=mail, headers=headers)
    assert_problem(other_body, 409, "IDEMPOTENCY_BODY_MISMATCH")
    assert_problem(other_path, 409, "IDEMPOTENCY_BODY_MISMATCH")


def test_two_organizations_may_use_the_same_key(
    http: httpx.Client, acme: SignedUp, sign_up: Callable[[], SignedUp]
) -> None:
    key = {"Idempotency-Key": "shared-name"}
    first, second = (http.post(SEND, json=MAIL, headers=who.agent | key) for who in (acme, sign_up()))
    assert first.json()["id"] != second.json()["id"]
    assert "idempotent-replayed" not in second.headers


def test_a_sign_up_is_repeated_with_the_same_keys(http: httpx.Client) -> None:
    name = f"agent-{secrets.token_hex(5)}"
    body = {"human_email": f"{name}@example.com", "username": name}
    headers = {"Idempotency-Key": secrets.token_urlsafe(18)}
    first, second = (http.post("/v1/agent/sign-up", json=body, headers=headers) for _ in range(2))
    assert (first.status_code, first.content) == (200, second.content)
    assert second.headers["idempotent-replayed"] == "true"
    short = http.post("/v1/agent/sign-up", json=body, headers={"Idempotency-Key": "guessable"})
    assert_problem(short, 400, "INVALID_IDEMPOTENCY_KEY")


def test_a_response_with_a_secret_is_replayed_to_the_same_credential_only(http: httpx.Client, acme: SignedUp) -> None:
    body = {"name": "spare", "agentId": acme.agent_id}
    headers = acme.master | {"Idempotency-Key": "new-key"}
    first, second = (http.post("/v1/keys", json=body, headers=headers) for _ in range(2))
    assert (first.status_code, first.content) == (201, second.content)
    other = http.post("/v1/keys", json={"name": "second", "type": "master"}, headers=acme.master).json()["key"]
    stolen = http.post("/v1/keys", json=body, headers=headers | {"Authorization": f"Bearer {other}"})
    assert_problem(stolen, 409, "IDEMPOTENCY_BODY_MISMATCH")
