"""Errors of requests without a response. Each has a `reason` for the customer.

A reason contains neither an address of ours nor the name of a library.

    NoResponseError
    ├── ForbiddenTargetError    not allowed: nothing was sent
    ├── ConnectionFailedError   no connection, or it broke
    ├── TimedOutError           too slow
    ├── HeadersTooLargeError    headers too large
    └── InvalidResponseError    not HTTP
"""

from __future__ import annotations


class NoResponseError(Exception):
    """There is no response. The request may have arrived, except after `ForbiddenTargetError`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ForbiddenTargetError(NoResponseError):
    """The URL, its address or a header is not allowed: nothing was sent."""


class ConnectionFailedError(NoResponseError):
    """The connection failed, or it broke before the response was complete."""


class TimedOutError(NoResponseError):
    """There was no connection or no complete response within the timeout."""


class HeadersTooLargeError(NoResponseError):
    """The headers of the response exceed the limit."""


class InvalidResponseError(NoResponseError):
    """The response is not valid HTTP."""
