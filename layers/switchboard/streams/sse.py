"""The wire format of server-sent events (WHATWG HTML, 9.2): one block per event, with a blank line after it."""

from __future__ import annotations

import json
from typing import Any

#: A comment without an event. Clients ignore it, and proxies see that the stream is alive.
PING = b": ping\n"


def opening_block(retry_ms: int, last_seen: int | None) -> bytes:
    """Returns the first block: the client's retry delay, and the place to resume from if no event follows."""
    block = f"retry: {retry_ms}\n"
    return (block if last_seen is None else block + f"id: {last_seen}\n").encode() + b"\n"


def event_block(place: int, data: dict[str, Any], name: str | None = None) -> bytes:
    """Returns an event, with its data as JSON on one line.

    An EventSource calls `onmessage` only for events without a name. Events with a name need a listener for each name.
    """
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    named = f"event: {name}\n" if name else ""
    return f"id: {place}\n{named}data: {text}\n\n".encode()


def place_block(place: int) -> bytes:
    """Returns an id without an event. It moves the client's resume position and shows nothing."""
    return f"id: {place}\n\n".encode()


def ending_block(reason: str) -> bytes:
    """Returns a comment with the reason for the stream's end, for people who read the stream."""
    return f": {reason}\n\n".encode()
