"""Refusals of Athos that a healthy stack does not show: a store that is busy, a stranger who asks without end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.athos.sessions.handler import handler
from infra import topology
from infra.local.pool import Context
from switchboard.aws import retries
from tests.actors import Reseller
from tests.integration.sabotage import Sabotage
from tests.load.request import event


def ask(path: str, credential: str, body: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
    """A request's status, body and headers."""
    request = event("POST", f"/api/external/v1{path}", {"authorization": f"Bearer {credential}"}, body)
    answer = handler(request, Context(topology.function("athos/sessions")))
    return answer["statusCode"], json.loads(answer["body"]), answer["headers"]


def test_a_mint_that_the_store_is_too_busy_for_is_503_and_mints_nothing(acme: Reseller) -> None:
    saboteur = Sabotage()
    saboteur.fail("TransactWriteItems", "ThrottlingException", times=retries.MAX_ATTEMPTS)
    status, body, headers = ask("/session", acme.key, {"externalUserId": "rep_1"})
    assert (status, body["error"]["code"], headers["Retry-After"]) == (503, "SERVICE_UNAVAILABLE", "1")
    assert ask("/session", acme.key, {"externalUserId": "rep_1"})[0] == 200


def test_a_stranger_who_tries_tokens_without_end_is_429(acme: Reseller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_STRANGER_PER_MINUTE", "2")
    answers = [ask("/roleplay/session", "no.token.atall", {"drillKey": "ma-full-sale"}) for _ in range(3)]
    codes = [(status, body["error"]["code"]) for status, body, _ in answers]
    assert codes == [(401, "INVALID_TOKEN")] * 2 + [(429, "SERVICE_UNAVAILABLE")]
    assert all(headers["Access-Control-Allow-Origin"] == "*" for _, _, headers in answers)
