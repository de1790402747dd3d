"""Anima over HTTP: one documented response for each kind of bad input."""

from __future__ import annotations

import secrets
from typing import Any

import httpx
import pytest

from tests.integration.anima.conftest import MAIL, SEND, assert_problem
from tests.integration.conftest import SignedUp


@pytest.mark.parametrize(
    "body",
    [
        b"{not json",
        b'{"to":"a@example.com","to":"b@example.com","subject":"s","body":"b"}',
        b'{"to":"a@example.com","subject":"s","body":NaN}',
        b'{"to":"a@example.com","subject":"s","body":"\\ud800"}',
        b'{"to":"a@example.com","subject":"s","body":"\xff"}',
        b"[" * 100_000,
        b'{"n":' + b"9" * 5_000 + b"}",
        b'"a string"',
        b"null",
        b"",
    ],
    ids=["malformed", "duplicate key", "NaN", "half surrogate", "not UTF-8", "deep", "huge", "string", "null", "none"],
)
def test_a_body_other_than_a_json_object_is_400(http: httpx.Client, acme: SignedUp, body: bytes) -> None:
    answer = http.post(SEND, content=body, headers=acme.agent | {"Content-Type": "application/json"})
    assert_problem(answer, 400, "VALIDATION_ERROR")


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_another_media_type_is_415(http: httpx.Client, acme: SignedUp, media_type: str) -> None:
    answer = http.post(SEND, content=b"{}", headers=acme.agent | {"Content-Type": media_type})
    assert_problem(answer, 415, "UNSUPPORTED_MEDIA_TYPE")


def test_an_oversized_body_is_413_from_the_function_and_from_the_gateway(http: httpx.Client, acme: SignedUp) -> None:
    headers = acme.agent | {"Content-Type": "application/json"}
    assert_problem(http.post(SEND, content=b" " * (1_048_576 + 1), headers=headers), 413, "PAYLOAD_TOO_LARGE")
    far_too_large = http.post(SEND, content=b" " * (10 * 1_048_576 + 1), headers=headers)
    assert (far_too_large.status_code, far_too_large.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert far_too_large.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"to": "nobody"}, "to"),
        ({"to": []}, "to"),
        ({"to": ["fine@example.com", "a@b@c"]}, "to"),
        ({"to": "x@localhost"}, "to"),
        ({"to": "a@example.com\r\nBcc: b@example.com"}, "to"),
        ({"cc": ["@example.com"]}, "cc"),
        ({"bcc": "a@example.com"}, "bcc"),
        ({"subject": None}, "subject"),
        ({"subject": "x" * 999}, "subject"),
        ({"subject": "Hello\r\nBcc: b@example.com"}, "subject"),
        ({"body": 5}, "body"),
        ({"body": "x" * 200_000}, "body"),
        ({"headers": {"Bcc": "b@example.com"}}, "headers"),
        ({"headers": {"X-SES-CONFIGURATION-SET": "other"}}, "headers"),
        ({"headers": {"X-Fine": "a\nb"}}, "headers"),
        ({"headers": {"Reply-To": "support@"}}, "headers"),
        ({"headers": {"Reply-To": '"'}}, "headers"),
        ({"headers": {"List-Unsubscribe": "stop"}}, "headers"),
        ({"inReplyTo": "<no id>"}, "inReplyTo"),
        ({"references": ["<fine@example.com>", "no id"]}, "references"),
        ({"attachments": [{"filename": "a"}]}, "attachments"),
        ({"correlation_id": "with space"}, "correlation_id"),
        ({"to": [f"{n}@example.com" for n in range(51)]}, "to"),
    ],
)
def test_an_invalid_field_is_400_and_named(
    http: httpx.Client, acme: SignedUp, change: dict[str, Any], field: str
) -> None:
    answer = http.post(SEND, json=MAIL | change, headers=acme.agent)
    fields = assert_problem(answer, 400, "VALIDATION_ERROR")["fields"]
    assert any(name.split(".")[0] == field for name in fields), fields
    assert http.get("/v1/email/messages", headers=acme.agent).json()["items"] == []


@pytest.mark.parametrize("username", ["Shouting", "under_score", "-edge", "edge-", "admin", "", "x" * 64])
def test_a_username_that_cannot_be_an_inbox_is_400(http: httpx.Client, username: str) -> None:
    body = {"human_email": f"{secrets.token_hex(4)}@example.com", "username": username}
    assert_problem(http.post("/v1/agent/sign-up", json=body), 400, "VALIDATION_ERROR")


def test_the_same_human_or_a_taken_username_is_409(http: httpx.Client, acme: SignedUp) -> None:
    name = acme.inbox_id.partition("@")[0]
    fresh = f"fresh-{secrets.token_hex(4)}"
    same_human = {"human_email": f"{name.upper()}@Example.com", "username": fresh}
    taken = {"human_email": f"{fresh}@example.com", "username": name}
    assert assert_problem(http.post("/v1/agent/sign-up", json=same_human), 409, "CONFLICT")["reason"] == "owner_exists"
    assert assert_problem(http.post("/v1/agent/sign-up", json=taken), 409, "CONFLICT")["reason"] == "username_taken"
    both_free = {"human_email": f"{fresh}@example.com", "username": fresh}
    assert http.post("/v1/agent/sign-up", json=both_free).status_code == 200, "a refused sign-up left items behind"


@pytest.mark.parametrize("value", ["with space", "x" * 129, "ünï"])
def test_a_malformed_correlation_id_is_400(http: httpx.Client, acme: SignedUp, value: str) -> None:
    headers = {**acme.agent, "x-correlation-id": value.encode("utf-8")}
    answer = http.post(SEND, json=MAIL, headers=headers)  # type: ignore[arg-type]
    assert "correlation_id" in assert_problem(answer, 400, "VALIDATION_ERROR")["fields"]


def test_an_unknown_correlation_id_is_404_and_a_missing_one_400(http: httpx.Client, acme: SignedUp) -> None:
    assert_problem(http.get("/v1/audit/events?correlation_id=nobody", headers=acme.agent), 404, "NOT_FOUND")
    assert_problem(http.get("/v1/audit/events", headers=acme.agent), 400, "VALIDATION_ERROR")
