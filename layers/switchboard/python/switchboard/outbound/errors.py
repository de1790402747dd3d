"""Errors of requests without a response. Each has a `reason` for the customer.

A reason contains neither an address of ours nor the name of a library.

    NotSent
    ├── Refused            not allowed: nothing was sent
    ├── ConnectionFailed   no connection, or it broke
    ├── TimedOut           too slow
    ├── TooMuch            headers too large
    └── BadAnswer          not HTTP
"""

from __future__ import annotations


class NotSent(Exception):
    """There is no response. The request may have arrived, except after `Refused`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Refused(NotSent):
    """The URL, its address or a header is not allowed: nothing was sent."""


class ConnectionFailed(NotSent):
    """The connection failed, or it broke before the response was complete."""


class TimedOut(NotSent):
    """There was no connection or no complete response within the timeout."""


class TooMuch(NotSent):
    """The headers of the response exceed the limit."""


class BadAnswer(NotSent):
    """The response is not valid HTTP."""
