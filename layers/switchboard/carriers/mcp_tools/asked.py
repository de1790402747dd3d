"""The latest request of a session, and what the server itself answered to it.

The official client makes errors of its own in the form of a server's errors, for example when a stream of events ends
without an answer. So its errors do not say who made them. The bytes of the responses do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2

_EVENTS, _JSON = "text/event-stream", "application/json"
#: The statuses with which a server, or a gateway before it, refuses a request. Other ones say nothing about a tool: it
#: may go on behind a gateway that gave up (408), or that closed the connection (499).
_REFUSALS = frozenset({400, 401, 403, 404, 405, 406, 410, 411, 413, 414, 415, 422, 429, 431})


class AskedRequest:
    """A request of JSON-RPC, and its responses: a stream of events may go on in the response of another request."""

    def __init__(self, method: str, id_: Any) -> None:
        self.method, self.id = method, id_
        #: The status of the latest response.
        self.status = 0
        self._responses: list[tuple[str, bytearray]] = []

    def begin_response(self, status: int, content_type: str) -> bytearray:
        """Begins a response, and returns the buffer for its body."""
        self.status = status
        body = bytearray()
        self._responses.append((content_type.partition(";")[0].strip().lower(), body))
        return body

    @property
    def was_refused(self) -> bool:
        """Whether the server answered this request with an error, so the error is the server's own."""
        return any(
            isinstance(message.get("error"), dict) and message.get("id") == self.id
            for content_type, body in self._responses
            for message in _read_messages(content_type, bytes(body))
        )

    @property
    def has_refusing_status(self) -> bool:
        """Whether the status says that the request was not done."""
        return self.status in _REFUSALS


def read_request(body: bytes) -> AskedRequest | None:
    """Returns the request of a body that our client made, `None` for a notification and for an answer."""
    message = json.loads(body) if body else {}
    return AskedRequest(message["method"], message["id"]) if "method" in message and "id" in message else None


def _read_messages(content_type: str, body: bytes) -> Iterator[dict[str, Any]]:
    texts: list[str | bytes] = [body] if content_type == _JSON else []
    if content_type == _EVENTS:
        texts = [event.data for event in _read_events(body)]
    for text in texts:
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(message, dict):
            yield message


def _read_events(body: bytes) -> Iterator[httpx2.ServerSentEvent]:
    request = httpx2.Request("POST", "https://server.invalid/")
    response = httpx2.Response(200, headers={"content-type": _EVENTS}, content=body, request=request)
    yield from httpx2.EventSource(response, max_event_size=None)
