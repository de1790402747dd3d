"""Refusals of Athos that a healthy stack does not show: a busy store, and a stranger with too many requests."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.athos.sessions.handler import handler
from infra import topology
from infra.local.pool import Context
from switchboard.aws import dynamodb
from tests.actors import Reseller
from tests.integration.sabotage import Sabotage
from tests.load.request import api_event


def send_request(path: str, credential: str, body: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
    """The status, body and headers of a response."""
    request = api_event("POST", f"/api/external/v1{path}", {"authorization": f"Bearer {credential}"}, body)
    answer = handler(request, Context(topology.function("athos/sessions")))
    return answer["statusCode"], json.loads(answer["body"]), answer["headers"]


def test_a_mint_is_503_while_the_store_is_busy(acme: Reseller) -> None:
    saboteur = Sabotage()
    saboteur.fail("TransactWriteItems", "ThrottlingException", times=dynamodb.MAX_ATTEMPTS)
    status, body, headers = send_request("/session", acme.key, {"externalUserId": "rep_1"})
    assert (status, body["error"]["code"], headers["Retry-After"]) == (503, "SERVICE_UNAVAILABLE", "1")
    assert send_request("/session", acme.key, {"externalUserId": "rep_1"})[0] == 200


def test_a_stranger_who_tries_too_many_tokens_is_429(acme: Reseller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_STRANGER_PER_MINUTE", "2")
    answers = [send_request("/roleplay/session", "no.token.atall", {"drillKey": "ma-full-sale"}) for _ in range(3)]
    codes = [(status, body["error"]["code"]) for status, body, _ in answers]
    assert codes == [(401, "INVALID_TOKEN")] * 2 + [(429, "SERVICE_UNAVAILABLE")]
    assert all(headers["Access-Control-Allow-Origin"] == "*" for _, _, headers in answers)
