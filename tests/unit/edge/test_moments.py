"""A time that a caller sends is valid, or is refused with 400, also at the limits of the calendar."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from switchboard.kit import clock
from tests import dynamo_rules
from tests.unit.edge.platform import Platform, Route, encode_text, list_routes

FIRST, LAST = "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"
#: Values that no operation accepts as a time.
BAD = (FIRST, LAST, "2026-01-01T00:00:00", "2026-01-01", "2026-13-01T00:00:00Z", "24:00", "", "now", "\ud800")
GOOD = ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.123456+05:45", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999Z")


@pytest.mark.parametrize("text", [FIRST, LAST])
def test_the_clock_parses_no_time_outside_the_years(text: str) -> None:
    with pytest.raises(ValueError, match="must be 1 to 9999"):
        clock.parse(text)


@pytest.mark.parametrize(
    "moment",
    [
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))),
    ],
)
def test_the_clock_formats_no_time_outside_the_years(moment: datetime) -> None:
    with pytest.raises(ValueError, match="must be 1 to 9999"):
        clock.format_iso(moment)


def test_the_clock_parses_and_formats_the_first_and_the_last_time() -> None:
    for moment in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)):
        assert clock.parse(clock.format_iso(moment)).date() == moment.date()


@pytest.fixture
def platform(cloud: dict[str, str]) -> Platform:
    dynamo_rules.enforce_limits()
    return Platform.open()


def find_route(method: str, path: str) -> Route:
    return next(one for one in list_routes() if (one.operation.method, one.operation.path) == (method, path))


KEYS, HOOKS = find_route("POST", "/v1/keys"), find_route("POST", "/v1/webhooks")
RECOVER, CALLS = find_route("POST", "/v1/webhooks/<webhook_id>/recover"), find_route("GET", "/api/external/v1/calls")


@pytest.mark.parametrize("value", [*BAD, 1_700_000_000, 1.5, None, True, [], {}])
def test_an_invalid_time_is_refused_by_its_name(platform: Platform, value: Any) -> None:
    if value is not None:
        answer = platform.ask(KEYS, "/v1/keys", json.dumps(platform.example_body(KEYS) | {"expiresAt": value}))
        assert (answer.status_code, "expiresAt" in answer.text or value == "\ud800") == (400, True), answer.text
    hook = platform.ask(HOOKS, "/v1/webhooks", json.dumps(platform.example_body(HOOKS))).json()["id"]
    answer = platform.ask(RECOVER, f"/v1/webhooks/{hook}/recover", json.dumps({"since": value}))
    assert answer.status_code == 400
    if isinstance(value, str) and value != "\ud800":
        assert "include a time zone, for example 2026-06-01T00:00:00Z" in answer.text
        for name in ("from", "to"):
            query = "&".join(f"{one}={encode_text(text)}" for one, text in ({"from": GOOD[0]} | {name: value}).items())
            assert platform.ask(CALLS, "/api/external/v1/calls", query=query).status_code == 400


@pytest.mark.parametrize("value", GOOD)
def test_a_valid_time_is_accepted(platform: Platform, value: str) -> None:
    answer = platform.ask(KEYS, "/v1/keys", json.dumps(platform.example_body(KEYS) | {"expiresAt": value}))
    if value < "2100":
        assert "past" in answer.text or "future" in answer.text
    else:
        assert answer.json()["expiresAt"] == clock.format_iso(clock.parse(value))
    hook = platform.ask(HOOKS, "/v1/webhooks", json.dumps(platform.example_body(HOOKS))).json()["id"]
    assert platform.ask(RECOVER, f"/v1/webhooks/{hook}/recover", json.dumps({"since": value})).status_code == 202
    assert platform.ask(CALLS, "/api/external/v1/calls", query=f"from={encode_text(value)}").status_code == 200


@pytest.mark.parametrize(
    ("start", "end", "status"),
    [
        ("2026-01-01T00:00:00.0005Z", "2026-01-01T00:00:00.0007Z", 400),
        ("2026-01-01T00:00:00.0005Z", "2026-01-01T00:00:00.001Z", 200),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.0007Z", 200),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", 200),
        ("2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z", 400),
        ("9999-12-31T23:59:59.9999Z", "9999-12-31T23:59:59.9999Z", 200),
    ],
)
def test_a_window_of_less_than_a_millisecond_is_refused(platform: Platform, start: str, end: str, status: int) -> None:
    answer = platform.ask(CALLS, "/api/external/v1/calls", query=f"from={encode_text(start)}&to={encode_text(end)}")
    assert answer.status_code == status, answer.text
