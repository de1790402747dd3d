"""Media types are compared without regard to case, and their parameters are ignored (RFC 9110, 8.3.1)."""

from __future__ import annotations

import json

import pytest

from switchboard.kit import clock
from tests.unit.edge.platform import Platform, Route, list_routes

#: One operation with a body in each API.
ROUTES = [
    next(one for one in list_routes() if (one.operation.method, one.operation.path) == place)
    for place in (
        ("POST", "/v1/email/send"),
        ("POST", "/functions/v1/external-api"),
        ("POST", "/api/external/v1/session"),
        ("POST", "/api/contacts"),
    )
]


@pytest.fixture
def platform(cloud: dict[str, str], frozen: clock.FrozenClock) -> Platform:
    return Platform.open()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
@pytest.mark.parametrize(
    "sent",
    ["application/json", "Application/JSON", "Application/JSON; Charset=UTF-8", "APPLICATION/JSON;charset=utf-8", None],
)
@pytest.mark.parametrize("name", ["content-type", "Content-Type", "CONTENT-TYPE"])
def test_json_is_recognized_in_every_notation_of_its_type(
    platform: Platform, route: Route, name: str, sent: str | None
) -> None:
    headers = {name: sent} if sent else {}
    answer = platform.ask(route, route.operation.path, json.dumps(platform.example_body(route)), headers=headers)
    assert answer.is_success, answer.text


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
@pytest.mark.parametrize("sent", ["text/plain", "application/jsonx", "application/json2; charset=utf-8", "json", ";"])
def test_another_type_than_json_is_refused(platform: Platform, route: Route, sent: str) -> None:
    answer = platform.ask(
        route, route.operation.path, json.dumps(platform.example_body(route)), headers={"content-type": sent}
    )
    assert answer.status_code in (400, 415)
