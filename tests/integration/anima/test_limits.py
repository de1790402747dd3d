"""Anima over HTTP: limits of the plan."""

from __future__ import annotations

import secrets

import httpx
import pytest

from tests.integration.anima.conftest import MAIL, SEND, assert_problem
from tests.integration.conftest import SignedUp, wait_until


def test_the_hard_cap_holds_and_its_refusal_says_so(http: httpx.Client, acme: SignedUp) -> None:
    cap = {"enabled": True, "monthlyCapCents": 0}
    assert http.put("/v1/billing/hard-cap", json=cap, headers=acme.master).json()["enabled"] is True
    answer = wait_until(
        lambda: (a := http.post(SEND, json=MAIL, headers=acme.agent)).status_code == 402 and a, seconds=5
    )
    assert assert_problem(answer, 402, "PAYMENT_REQUIRED") == {
        "reason": "hard_cap", "resource": "email", "current": 0, "cap": 0,
    }  # fmt: skip
    assert http.get("/v1/billing/hard-cap", headers=acme.master).json() == cap | {
        "meters": {"email": True, "sms": True, "voice": True}
    }


def test_usage_counts_recipients(http: httpx.Client, acme: SignedUp) -> None:
    http.post(SEND, json=MAIL | {"cc": ["a@example.com", "b@example.com"]}, headers=acme.agent)
    used = http.get("/v1/billing/usage", headers=acme.master).json()
    assert used["usage"]["message_sent"] == 3
    assert used["spentCents"] == pytest.approx(0.15)
    tier = http.get("/v1/billing/tier", headers=acme.master).json()
    assert (tier["tier"], tier["limits"]["agents"]) == ("free", 3)


def test_the_plans_limit_of_agents_holds(http: httpx.Client, acme: SignedUp) -> None:
    for number in range(2):
        made = http.post("/v1/agents", json={"username": f"a{number}-{secrets.token_hex(4)}"}, headers=acme.master)
        assert made.status_code == 201
    full = http.post("/v1/agents", json={"username": f"a3-{secrets.token_hex(4)}"}, headers=acme.master)
    assert assert_problem(full, 402, "PAYMENT_REQUIRED")["reason"] == "agent_limit"
    assert len(http.get("/v1/agents", headers=acme.master).json()["items"]) == 3


def test_the_rate_limit_holds_and_says_when_it_ends(http: httpx.Client, acme: SignedUp) -> None:
    answers = []
    for _ in range(
        130
    ):  # The free plan's limit is 60. The loop runs twice as long, because a minute may end meanwhile.
        answers.append(http.get("/v1/email/messages?limit=1", headers=acme.agent))
        if answers[-1].status_code == 429:
            break
    refusal = answers[-1]
    details = assert_problem(refusal, 429, "RATE_LIMIT")
    assert details["limit"] == 60
    assert details["remaining"] == 0
    assert int(refusal.headers["retry-after"]) == details["retryAfter"] <= 60
    assert refusal.headers["x-ratelimit-remaining"] == "0"
    assert refusal.headers["ratelimit-policy"] == '"minute";q=60;w=60, "second";q=100;w=1'
