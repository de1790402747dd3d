"""Requests to the server for models, and an API whose response a test chooses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self

import pytest

from functions.mcp import execution, handler
from infra import topology
from infra.local.pool import Context
from switchboard.outbound.client import NoResponseError, Response

#: The media types that clients of streamable HTTP accept.
ACCEPTED = "application/json, text/event-stream"


class FakeWeb:
    """Stands in for the guarded client: notes each request, and returns the same response to all."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.response: Response | NoResponseError = Response(200, {"content-type": "application/json"}, b"{}", 1)

    def __call__(self, **_: object) -> Self:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, seconds: float
    ) -> Response:
        self.sent.append({"method": method, "url": url, "headers": dict(headers), "body": body, "seconds": seconds})
        if isinstance(self.response, NoResponseError):
            raise self.response
        return self.response


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> FakeWeb:
    fake = FakeWeb()
    monkeypatch.setattr(execution, "GuardedClient", fake)
    monkeypatch.setenv("SWITCHBOARD_PUBLIC_URL", "https://app.example.com")
    return fake


def post(body: Any, method: str = "POST", path: str = "/mcp", **headers: str) -> dict[str, Any]:
    """The answer of the function to a request. `body` is a message or a text."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    event = {
        "httpMethod": method,
        "path": path,
        "headers": {"content-type": "application/json", "accept": ACCEPTED, **named},
        "queryStringParameters": None,
        "requestContext": {"identity": {"sourceIp": "203.0.113.7"}},
        "body": body if isinstance(body, str) else json.dumps(body),
    }
    answer: dict[str, Any] = handler.handler(event, Context(topology.function("mcp")))
    return answer


def message(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}


def call_tool(key: str, name: str, **arguments: Any) -> tuple[bool, Any]:
    """Whether the tool's answer is an error, and its text as JSON if it is JSON."""
    answer = post(message("tools/call", name=name, arguments=arguments), authorization=f"Bearer {key}")
    assert answer["statusCode"] == 200, answer
    result = json.loads(answer["body"])["result"]
    (content,) = result["content"]
    try:
        return result["isError"], json.loads(content["text"])
    except ValueError:
        return result["isError"], content["text"]
