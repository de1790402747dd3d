"""The local gateway finds a path's function as API Gateway does."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from infra import topology
from infra.local import gateway
from infra.resources import Api, Group
from switchboard.carriers.voice.simulator import twiml_reader
from switchboard.edge.bodies import MAX_BODY_BYTES

API = Api("hum", "", fallback="rest")
GROUPS = tuple(
    Group(name, api="hum", paths=paths)
    for name, paths in {
        "rest": ("api/health",),
        "calls": ("api/calls", "api/calls/{proxy+}"),
        "streams": ("api/calls/{id}/stream", "api/events/stream"),
        "one": ("api/calls/{id}",),
        "live": ("api/calls/live/{proxy+}",),
        "everything": ("api/{proxy+}",),
    }.items()
)


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("/api/calls", "calls"),
        ("/api/calls/", "calls"),
        ("/api/calls/call_1", "one"),
        ("/api/calls/call_1/stream", "streams"),
        ("/api/calls/call_1/streams", "calls"),
        ("/api/calls/call_1/stream/more", "calls"),
        ("/api/calls//stream", "calls"),
        ("/api/calls/live/stream", "live"),
        ("/api/calls/live", "one"),
        ("/api/events/stream", "streams"),
        ("/api/events/{id}", "everything"),
        ("/api/calls/{id}/stream", "streams"),
        ("/api/other", "everything"),
        ("/api", "rest"),
        ("/other", "rest"),
        ("/", "rest"),
    ],
)
def test_a_literal_comes_before_a_variable_and_both_before_the_rest(path: str, group: str) -> None:
    for groups in (GROUPS, GROUPS[::-1]):
        assert gateway.group_of(API, path, groups).name == group


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("/api/calls/a%2Fstream", "one"),
        ("/api/calls/a%2Fb/stream", "streams"),
        ("/api/%63alls", "everything"),
        ("/api/calls/call_1/str%65am", "calls"),
        ("/api/calls/%252F", "one"),
    ],
)
def test_a_path_is_compared_as_it_was_sent(path: str, group: str) -> None:
    assert gateway.group_of(API, path, GROUPS).name == group


def test_every_path_of_the_topology_leads_to_its_group() -> None:
    for group in topology.GROUPS:
        api = next(one for one in topology.APIS if one.name == group.api)
        for pattern in group.paths:
            path = f"/{api.base_path}/{pattern}".replace("//", "/").replace("{proxy+}", "zzz/zzz")
            assert gateway.group_of(gateway.api_of(path), path).name == group.name, path


def test_the_event_has_the_path_decoded_as_by_api_gateway() -> None:
    scope = {"method": "GET", "headers": [], "query_string": b"q=a%2526b", "http_version": "1.1"}
    event = gateway.proxy_event(scope, "/api/calls/a%252Fb", b"")
    assert event["path"] == event["requestContext"]["path"] == "/api/calls/a%252Fb"
    assert event["pathParameters"] == {"proxy": "api/calls/a%2Fb"}
    assert event["multiValueQueryStringParameters"] == {"q": ["a%26b"]}


def test_a_www_authenticate_header_is_renamed_as_by_api_gateway() -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def answer() -> None:
        renaming = gateway._renaming(send)
        pairs = [(b"WWW-Authenticate", b"Bearer"), (b"Allow", b"GET")]
        await renaming({"type": "http.response.start", "status": 401, "headers": pairs})
        await renaming({"type": "http.response.body", "body": b""})

    asyncio.run(answer())
    assert sent[0]["headers"] == [(b"x-amzn-Remapped-WWW-Authenticate", b"Bearer"), (b"Allow", b"GET")]
    assert sent[1] == {"type": "http.response.body", "body": b""}


def build_event(sent: str | None, body: bytes, binary: tuple[str, ...] = ("multipart/form-data", "audio/wav")) -> Any:
    headers = [] if sent is None else [(b"Content-Type", sent.encode())]
    scope = {"method": "POST", "headers": headers, "query_string": b"", "http_version": "1.1"}
    return gateway.proxy_event(scope, "/api/x", body, binary)


@pytest.mark.parametrize("sent", ["audio/wav", "Audio/WAV; a=b", "multipart/form-data; boundary=x"])
@pytest.mark.parametrize("body", [b"text", b"\x00\xff"])
def test_a_body_of_a_binary_type_is_base64(sent: str, body: bytes) -> None:
    event = build_event(sent, body)
    assert (event["isBase64Encoded"], base64.b64decode(event["body"])) == (True, body)


@pytest.mark.parametrize("sent", [None, "application/json", "audio/mpeg", "multipart/mixed"])
def test_a_body_of_another_type_is_text(sent: str | None) -> None:
    event = build_event(sent, "tüxt".encode())
    assert (event["isBase64Encoded"], event["body"]) == (False, "tüxt")


def test_an_empty_body_is_not_base64() -> None:
    event = build_event("audio/wav", b"")
    assert (event["isBase64Encoded"], event["body"]) == (False, None)


def test_a_request_beyond_lambdas_limit_is_413() -> None:
    assert not gateway.too_large(build_event("audio/wav", b"x" * MAX_BODY_BYTES))
    assert gateway.too_large(build_event("audio/wav", b"x" * 4_720_000))
    assert not gateway.too_large(build_event("application/json", b"x" * 6_000_000))
    assert gateway.too_large(build_event("application/json", b"x" * 6_300_000))


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_fixed_answer_needs_no_function(method: str) -> None:
    (fixed,) = next(api for api in topology.APIS if api.name == "twilio").fixed
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"ErrorCode=11200", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    path = f"/twilio/{fixed.path}"
    scope = {"type": "http", "path": path, "raw_path": path.encode(), "method": method, "headers": []}
    served = gateway.Gateway.__new__(gateway.Gateway)  # no pool of functions, and no streams
    served._own_pages = None
    asyncio.run(served(scope, receive, send))
    assert (sent[0]["status"], sent[1]["body"].decode()) == (200, fixed.body)
    assert (b"content-type", b"text/xml; charset=utf-8") in sent[0]["headers"]
    assert [verb["verb"] for verb in twiml_reader.read_verbs(fixed.body)] == ["Say", "Hangup"]
