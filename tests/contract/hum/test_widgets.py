"""HUM over HTTP: what the pages of partners ask, without a session of the console."""

from __future__ import annotations

from typing import Any

import httpx

from tests.contract.asks.widgets import PAGE, make_token
from tests.contract.console import Console
from tests.contract.hum.conftest import assert_refused

EVIL = "https://evil.example"


def ask(
    http: httpx.Client, method: str, path: str, credential: str, body: Any = None, origin: str = PAGE
) -> httpx.Response:
    headers = {"Origin": origin, "Authorization": f"Bearer {credential}"}
    return http.request(method, f"/api/widget{path}", json=body, headers=headers)


def test_a_page_starts_reads_and_ends_a_session(http: httpx.Client, org: Console) -> None:
    key = make_token(org).public_key
    config = ask(http, "GET", "/config", key)
    assert (config.status_code, config.headers["access-control-allow-origin"]) == (200, PAGE)
    started = ask(http, "POST", "/sessions", key, {}).json()
    path, token = f"/sessions/{started['session_id']}", started["session_token"]
    assert ask(http, "GET", path, token).json()["session_id"] == started["session_id"]
    assert ask(http, "POST", f"{path}/end", token, {}).json() == {"ok": True}


def test_other_origins_keys_and_sessions_are_refused(http: httpx.Client, org: Console, other: Console) -> None:
    key = make_token(org).public_key
    assert_refused(ask(http, "POST", "/sessions", key, {}, EVIL), 403, "origin_not_allowed")
    assert_refused(ask(http, "POST", "/sessions", f"whk_{'0' * 26}", {}), 404, "unknown_widget")
    assert_refused(http.post("/api/widget/sessions", json={}, headers={"Origin": PAGE}), 401, "unauthorized")
    one, two = (ask(http, "POST", "/sessions", make_token(who).public_key, {}).json() for who in (org, other))
    path = f"/sessions/{one['session_id']}"
    assert_refused(ask(http, "GET", path, two["session_token"]), 404, "not_found")
    assert_refused(ask(http, "GET", path, one["session_token"], origin=EVIL), 403, "origin_not_allowed")
    assert_refused(ask(http, "GET", path, key), 401, "token_invalid")


def test_a_preflight_is_the_same_for_every_page(http: httpx.Client) -> None:
    for origin in (PAGE, EVIL):
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        answer = http.options("/api/widget/sessions", headers=headers)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, origin)


def test_a_signed_in_persons_cookie_opens_nothing(org: Console) -> None:
    assert_refused(org.admin.post("/api/widget/sessions", {}), 401, "unauthorized")


def test_a_revoked_key_is_unknown_at_once(http: httpx.Client, org: Console) -> None:
    token = make_token(org)
    assert ask(http, "POST", "/sessions", token.public_key, {}).status_code == 200
    assert org.admin.post(f"/api/widget-tokens/{token.id}/revoke").status_code == 200
    assert_refused(ask(http, "POST", "/sessions", token.public_key, {}), 404, "unknown_widget")
    assert_refused(ask(http, "GET", "/config", token.public_key), 404, "unknown_widget")
