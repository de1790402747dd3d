"""JSON of the caller's own choice is returned unchanged, and refused by its name if it is too large or too deep."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchboard.kit import clock
from tests import dynamo_rules
from tests.unit.edge.platform import Platform, Route, list_routes

ODD = {
    "fraction": 0.1,
    "exponent": 1e300,
    "long": 10**39 + 7,
    "below": -(10**60),
    "": {"": [None, True, {"é": "👩‍👧"}]},
    "deep": {"3": {"4": {"5": {"6": {"7": [0.5]}}}}},
}


@pytest.fixture
def platform(cloud: dict[str, str], frozen: clock.FrozenClock) -> Platform:
    dynamo_rules.enforce_limits()
    return Platform.open()


def find_route(method: str, path: str) -> Route:
    return next(one for one in list_routes() if (one.operation.method, one.operation.path) == (method, path))


def nest(levels: int) -> Any:
    return {"a": nest(levels - 1)} if levels > 1 else {}


SEND, PLACE = find_route("POST", "/v1/email/send"), find_route("POST", "/v1/voice/calls")
AGENT, INITIATE = find_route("POST", "/v1/agents"), find_route("POST", "/functions/v1/external-api")


def test_the_metadata_of_a_mail_is_returned_unchanged(platform: Platform) -> None:
    sent = platform.ask(SEND, "/v1/email/send", json.dumps(platform.example_body(SEND) | {"metadata": ODD})).json()
    read = platform.ask(find_route("GET", "/v1/email/messages/<message_id>"), f"/v1/email/messages/{sent['id']}")
    assert sent["metadata"] == json.loads(read.text)["metadata"] == ODD


def test_the_metadata_of_a_call_is_returned_unchanged(platform: Platform) -> None:
    metadata = ODD | {"consent_source": "business-relationship", "consent_date": "2026-01-01"}
    placed = platform.ask(
        PLACE, "/v1/voice/calls", json.dumps(platform.example_body(PLACE) | {"metadata": metadata})
    ).json()
    read = platform.ask(find_route("GET", "/v1/voice/calls/<call_id>"), f"/v1/voice/calls/{placed['callId']}")
    listed = platform.ask(find_route("GET", "/v1/voice/calls"), "/v1/voice/calls")
    assert json.loads(read.text)["metadata"] == json.loads(listed.text)["calls"][0]["metadata"] == metadata


def test_an_agents_metadata_and_a_calls_variables_may_have_an_empty_name(platform: Platform) -> None:
    made = platform.ask(AGENT, "/v1/agents", json.dumps({"username": "zoe", "metadata": {"": "x"}}))
    assert (made.status_code, made.json()["metadata"]) == (201, {"": "x"})
    asked = platform.example_body(INITIATE) | {"variables": {"": "x"}}
    assert platform.ask(INITIATE, "/functions/v1/external-api", json.dumps(asked)).status_code == 200


@pytest.mark.parametrize("levels", [9, 33, 900])
def test_too_deep_json_is_refused_by_its_name(platform: Platform, levels: int) -> None:
    for one, field in ((SEND, "metadata"), (PLACE, "metadata"), (AGENT, "metadata"), (INITIATE, "variables")):
        body = platform.example_body(one)
        body[field] = {**(body.get(field) or {}), "a": nest(levels - 1)}
        answer = platform.ask(one, one.operation.path, json.dumps(body))
        assert answer.status_code == 400
        assert f"{field}" in answer.text
        assert "is nested too deeply: use at most 8 levels" in answer.text


def test_eight_levels_are_accepted(platform: Platform) -> None:
    answer = platform.ask(SEND, "/v1/email/send", json.dumps(platform.example_body(SEND) | {"metadata": nest(8)}))
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("one", "field", "most"),
    [(SEND, "metadata", 8), (PLACE, "metadata", 8), (AGENT, "metadata", 8), (INITIATE, "variables", 16)],
)
def test_too_large_json_is_refused_by_its_name(platform: Platform, one: Route, field: str, most: int) -> None:
    body = platform.example_body(one)
    kept = body.get(field) or {}
    for size, status in ((most * 1_024 - 200, 200), (most * 1_024, 400)):
        body[field] = {**kept, "a": "é" * (size // 2)}
        if "request_id" in body:
            # A known request is answered before its fields are validated.
            body["request_id"] = f"r-{size}"
        answer = platform.ask(one, one.operation.path, json.dumps(body))
        assert answer.status_code in ((200, 201) if status == 200 else (400,)), answer.text
    assert f"is larger than {most} KB" in answer.text


def test_addresses_that_differ_only_in_case_are_one_recipient(platform: Platform) -> None:
    body = platform.example_body(SEND) | {
        "to": ["A@example.com", "a@example.com"],
        "cc": ["a@EXAMPLE.com"],
        "bcc": ["b@example.com"],
    }
    answer = platform.ask(SEND, "/v1/email/send", json.dumps(body))
    assert answer.status_code == 200
    assert (answer.json()["to"], answer.json()["cc"]) == (["A@example.com"], ["a@example.com"])
