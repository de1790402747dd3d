"""Server-sent events on the wire (WHATWG HTML, 9.2): one event a block, a blank line behind each."""

from __future__ import annotations

import json
from typing import Any

#: A comment alone: no client takes it for an event, and every proxy sees that the stream lives.
PING = b": ping\n"


def opening(retry_ms: int, last_seen: int | None) -> bytes:
    """How long a client waits before it comes again, and from where on, should it see no event before that."""
    block = f"retry: {retry_ms}\n"
    return (block if last_seen is None else block + f"id: {last_seen}\n").encode() + b"\n"


def event(place: int, data: dict[str, Any]) -> bytes:
    """An event: its data as JSON on one line. Its name stands in the data.

    There is no `event:` line: an EventSource hands named events to a listener of that name alone, and only unnamed ones
    to `onmessage`.
    """
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return f"id: {place}\ndata: {text}\n\n".encode()


def mark(place: int) -> bytes:
    """An id without an event: moves the place from which the client would resume, and shows it nothing."""
    return f"id: {place}\n\n".encode()


def ending(reason: str) -> bytes:
    """Why the stream ends, for a person who looks at it."""
    return f": {reason}\n\n".encode()
