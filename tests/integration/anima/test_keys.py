"""Anima over HTTP: keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.integration.anima.conftest import SEND, assert_problem
from tests.integration.conftest import SignedUp, wait_until


def is_refused(http: httpx.Client, headers: dict[str, str]) -> bool:
    return http.get("/v1/email/messages", headers=headers).status_code == 401


def test_a_revoked_key_is_refused(http: httpx.Client, acme: SignedUp) -> None:
    made = http.post("/v1/keys", json={"name": "spare", "agentId": acme.agent_id}, headers=acme.master).json()
    spare = {"Authorization": f"Bearer {made['key']}"}
    assert not is_refused(http, spare)
    assert http.delete(f"/v1/keys/{made['id']}", headers=acme.master).json()["revoked"] is True
    # Each process caches a good key for a short time (KEY_CACHE_SECONDS).
    wait_until(lambda: all(is_refused(http, spare) for _ in range(12)), seconds=8)
    assert_problem(http.get("/v1/email/messages", headers=spare), 401, "UNAUTHORIZED")


def test_a_rotated_key_works_during_its_overlap_and_its_successor_at_once(http: httpx.Client, acme: SignedUp) -> None:
    made = http.post("/v1/keys", json={"name": "spare", "agentId": acme.agent_id}, headers=acme.master).json()
    old = {"Authorization": f"Bearer {made['key']}"}
    rotated = http.post(f"/v1/keys/{made['id']}/rotate", json={"overlapSeconds": 3600}, headers=acme.master).json()
    new = {"Authorization": f"Bearer {rotated['key']}"}
    assert not is_refused(http, old)
    assert not is_refused(http, new)
    assert rotated["agentId"] == acme.agent_id
    again = http.post(f"/v1/keys/{made['id']}/rotate", json={}, headers=acme.master)
    assert assert_problem(again, 409, "CONFLICT")["reason"] == "key_not_active"
    http.post(f"/v1/keys/{rotated['id']}/rotate", json={"overlapSeconds": 0}, headers=acme.master)
    wait_until(lambda: is_refused(http, new), seconds=5)


def test_a_key_expires(http: httpx.Client, acme: SignedUp) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    body = {"name": "short", "agentId": acme.agent_id, "expiresAt": soon}
    made = http.post("/v1/keys", json=body, headers=acme.master).json()
    short = {"Authorization": f"Bearer {made['key']}"}
    assert not is_refused(http, short)
    wait_until(lambda: is_refused(http, short), seconds=6)
    past = body | {"expiresAt": "2020-01-01T00:00:00Z"}
    assert_problem(http.post("/v1/keys", json=past, headers=acme.master), 400, "VALIDATION_ERROR")


def test_a_key_is_shown_once_and_its_use_is_recorded(http: httpx.Client, acme: SignedUp) -> None:
    keys = http.get("/v1/keys", headers=acme.master).json()["items"]
    assert len(keys) == 2
    assert all("key" not in key and "hash" not in key for key in keys)
    assert any(key["lastUsedAt"] for key in keys)


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Basic YTpi",
        "Bearer ak_short",
        "Bearer ak_" + "a" * 38,
        "Bearer sk_live_" + "a" * 38,
        "Bearer ath_live_" + "a" * 38,
    ],
)
def test_no_key_or_a_bad_one_is_refused_before_anything_is_read(http: httpx.Client, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = http.post(SEND, content=b"{not json", headers=headers | {"Content-Type": "application/json"})
    assert_problem(answer, 401, "UNAUTHORIZED")
    assert answer.headers["x-amzn-remapped-www-authenticate"] == "Bearer"
