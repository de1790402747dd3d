"""Requests that a page of another site makes."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.dialects.hum import dialect
from switchboard.dialects.hum.dialect import Hum
from switchboard.edge.exchange import Exchange, Reply, Request
from switchboard.edge.router import Router
from switchboard.errors import Forbidden

OURS = "https://hum.example"


def send_request(method: str, headers: dict[str, list[str]]) -> Reply:
    """Send one request through the step."""
    event: dict[str, Any] = {"httpMethod": method, "path": "/api/team", "multiValueHeaders": headers}
    exchange = Exchange(Request(event, ""), None, Hum(), Router(lambda: None))
    return dialect.require_same_origin(exchange, lambda: Reply(200))


@pytest.fixture(autouse=True)
def _public(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_PUBLIC_URL", OURS)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PURGE"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": ["https://evil.example"]},
        {"Origin": ["null"]},
        {"Origin": [""]},
        {"origin": ["http://hum.example"]},
        {"Origin": ["https://hum.example:8443"]},
        {"Origin": ["https://hum.example.evil.example"]},
        {"Origin": ["https://evilhum.example"]},
        {"Origin": [OURS, "https://evil.example"]},
        {"Origin": ["https://evil.example"], "Sec-Fetch-Site": ["same-origin"]},
        {"Sec-Fetch-Site": ["cross-site"]},
        {"Sec-Fetch-Site": ["same-site"]},
        {"sec-fetch-site": [""]},
    ],
)
def test_another_site_changes_nothing(method: str, headers: dict[str, list[str]]) -> None:
    with pytest.raises(Forbidden) as refusal:
        send_request(method, headers)
    assert refusal.value.code == "cross_origin"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": [OURS]},
        {"Sec-Fetch-Site": ["same-origin"]},
        {"Sec-Fetch-Site": ["none"]},
        {"Origin": [OURS], "Sec-Fetch-Site": ["same-site"]},
    ],
)
def test_own_pages_and_other_clients_than_browsers_pass(headers: dict[str, list[str]]) -> None:
    assert send_request("POST", headers).status == 200


def test_reading_is_always_allowed() -> None:
    assert send_request("GET", {"Origin": ["https://evil.example"], "Sec-Fetch-Site": ["cross-site"]}).status == 200
