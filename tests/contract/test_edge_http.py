"""Promises of the edge for every request, over HTTP and through the local gateway."""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.conftest import Stack
from tests.contract import world
from tests.contract.test_dialects import ANIMA, ATHOS, HUM, OPTICOMM, Dialect
from tests.contract.world import MAIL, Organization


def send_mail(http: httpx.Client, org: Organization, headers: dict[str, str], key: str, **query: str) -> httpx.Response:
    body = MAIL | ({"agentId": org.agent_id} if headers == org.master else {})
    return http.post("/v1/email/send", json=body, params=query, headers=headers | {"Idempotency-Key": key})


def test_two_agents_may_use_the_same_idempotency_key(http: httpx.Client, demo: Organization) -> None:
    other = http.post("/v1/agents", json={"username": world.unique_name()}, headers=demo.master).json()
    theirs = {"Authorization": f"Bearer {other['apiKey']}"}
    first, second = send_mail(http, demo, demo.agent, "shared"), send_mail(http, demo, theirs, "shared")
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["agentId"] == demo.agent_id
    assert second.json()["agentId"] == other["id"]
    assert "idempotent-replayed" not in second.headers
    for answer, key in ((first, demo.agent), (second, theirs)):
        assert http.get(f"/v1/email/messages/{answer.json()['id']}", headers=key).status_code == 200
    again = send_mail(http, demo, theirs, "shared")
    assert (again.content, again.headers["idempotent-replayed"]) == (second.content, "true")


def test_the_master_key_has_its_own_idempotency_keys(http: httpx.Client, acme: Organization) -> None:
    agents, masters = send_mail(http, acme, acme.agent, "mine"), send_mail(http, acme, acme.master, "mine")
    assert (agents.status_code, masters.status_code) == (200, 200)
    assert agents.json()["id"] != masters.json()["id"]
    assert send_mail(http, acme, acme.master, "mine").content == masters.content


def test_another_query_is_another_request(http: httpx.Client, acme: Organization) -> None:
    assert send_mail(http, acme, acme.agent, "query", a="1", b="2").status_code == 200
    assert send_mail(http, acme, acme.agent, "query", b="2", a="1").headers["idempotent-replayed"] == "true"
    refused = send_mail(http, acme, acme.agent, "query", a="2", b="1")
    assert (refused.status_code, refused.json()["code"]) == (409, "IDEMPOTENCY_BODY_MISMATCH")


def send_raw_path(stack: Stack, path: str, headers: dict[str, str]) -> tuple[int, str, Any]:
    """Status, media type and body for a path that is sent unchanged. Client libraries would encode it."""
    url = urlsplit(stack.url)
    lines = [f"GET {path} HTTP/1.1", f"host: {url.netloc}", "connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with socket.create_connection((url.hostname, url.port or 80), timeout=20) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    return int(head.split(b" ")[1]), fields[b"content-type"].decode(), json.loads(body)


#: Characters that a client may leave unencoded, although no URL has them.
ODD = (
    "`",
    '"',
    "\\",
    "^",
    "|",
    "{",
    "}",
    "<",
    ">",
    "[",
    "]",
    "'",
    "(",
    "%",
    "%2F",
    "%00",
    "%F0%9F%92%A9",
    "%ff",
    "x" * 3_000,
)


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    ("dialect", "path"),
    [
        (ANIMA, "/v1/email/messages/{odd}"),
        (ANIMA, "/v1/{odd}"),
        (ATHOS, "/api/external/v1/calls/{odd}"),
        (OPTICOMM, "/functions/v1/{odd}"),
        (HUM, "/api/{odd}"),
    ],
)
def test_odd_characters_in_a_path_are_answered_in_the_dialect(
    stack: Stack, demo: Organization, dialect: Dialect, path: str, odd: str
) -> None:
    keys = {ANIMA.name: demo.agent, ATHOS.name: {"Authorization": f"Bearer {stack.keys['ATHOS_KEY']}"}}
    status, media_type, body = send_raw_path(stack, path.format(odd=odd), keys.get(dialect.name, {}))
    assert (status, media_type) == (404, dialect.media_type)
    assert {"error", "message", "type"} & body.keys()
    assert "statusCode" not in body


@pytest.mark.parametrize("media_type", ["Application/JSON", "Application/JSON; Charset=UTF-8"])
def test_media_types_compare_without_regard_to_case(http: httpx.Client, acme: Organization, media_type: str) -> None:
    answer = http.post("/v1/email/send", content=json.dumps(MAIL), headers=acme.agent | {"Content-Type": media_type})
    assert answer.status_code == 200


def test_a_fraction_in_a_calls_metadata_keeps_its_value(http: httpx.Client, acme: Organization) -> None:
    metadata = {"consent_source": "business-relationship", "score": 0.1, "long": 10**39 + 7}
    placed = http.post("/v1/voice/calls", json=world.CALL | {"metadata": metadata}, headers=acme.agent)
    assert placed.status_code == 200, placed.text
    read = http.get(f"/v1/voice/calls/{placed.json()['callId']}", headers=acme.agent)
    assert {name: read.json()["metadata"][name] for name in metadata} == metadata
