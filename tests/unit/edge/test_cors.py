"""Cross-origin requests: allowed for one path of Athos, and for no other path."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.local.pool import invoke
from tests.actors import reseller

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

REDEEM = "/api/external/v1/roleplay/session"
ANSWER = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "X-Athos-Request-Id, Retry-After",
}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "7200",
}


def send_request(function: str, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
    event = {
        "httpMethod": method,
        "path": path,
        "headers": {"Origin": "https://rep.example", "Content-Type": "application/json"} | headers,
        "queryStringParameters": None,
        "requestContext": {"identity": {"sourceIp": "203.0.113.7"}},
        "body": json.dumps(body) if body is not None else None,
    }
    answer: dict[str, Any] = invoke(function, event)
    return answer


def shared_headers(answer: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in answer["headers"].items() if name.startswith("Access-Control")}


@pytest.mark.parametrize("path", [REDEEM, f"{REDEEM}/"])
def test_a_browser_is_told_that_it_may_redeem(path: str) -> None:
    answer = send_request("athos/sessions", "OPTIONS", path)
    assert (answer["statusCode"], answer["body"]) == (204, "")
    assert shared_headers(answer) == ANSWER | PREFLIGHT
    assert answer["headers"]["X-Athos-Request-Id"].startswith("req_")


def test_a_browser_may_read_every_answer_including_refusals() -> None:
    acme = reseller()
    minted = send_request(
        "athos/sessions",
        "POST",
        "/api/external/v1/session",
        {"externalUserId": "rep"},
        Authorization=f"Bearer {acme.key}",
    )
    bearer = f"Bearer {json.loads(minted['body'])['token']}"
    answers = [
        send_request("athos/sessions", "POST", REDEEM, {}, Authorization=bearer),
        send_request("athos/sessions", "POST", REDEEM, {"drillKey": "ma-full-sale"}, Authorization=bearer),
        send_request("athos/sessions", "POST", REDEEM, {"drillKey": "ma-full-sale"}, Authorization=bearer),
        send_request("athos/sessions", "POST", REDEEM, {}, **{"Content-Type": "text/plain"}, Authorization=bearer),
        send_request("athos/sessions", "GET", REDEEM),
    ]
    assert [answer["statusCode"] for answer in answers] == [400, 200, 401, 401, 405]
    assert all(shared_headers(answer) == ANSWER for answer in answers)
    assert shared_headers(minted) == {}


@pytest.mark.parametrize(
    ("function", "path"),
    [
        ("athos/sessions", "/api/external/v1/session"),
        ("athos/calls", "/api/external/v1/calls"),
        ("athos/calls", "/api/external/v1/calls/athos_call_x"),
        ("anima/email", "/v1/email/send"),
    ],
)
@pytest.mark.parametrize("method", ["OPTIONS", "GET", "POST"])
def test_no_other_path_is_shared(function: str, path: str, method: str) -> None:
    answer = send_request(function, method, path)
    assert shared_headers(answer) == {}
    assert method != "OPTIONS" or answer["statusCode"] == 405


def test_no_unknown_path_is_shared() -> None:
    answer = send_request("athos/sessions", "OPTIONS", "/api/external/v1/roleplay/nothing")
    assert (answer["statusCode"], shared_headers(answer)) == (404, {})


def test_a_browser_may_read_a_server_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from switchboard.roleplay import sessions

    def fail(_: str) -> Any:
        raise RuntimeError("a fault")

    monkeypatch.setattr(sessions, "admit_token", fail)
    answer = send_request("athos/sessions", "POST", REDEEM, {}, Authorization="Bearer token")
    assert (answer["statusCode"], shared_headers(answer)) == (500, ANSWER)
