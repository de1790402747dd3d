"""Why nothing came back. Each has a `reason` that the customer may read: no address of ours, no name of a library."""

from __future__ import annotations


class NotSent(Exception):
    """There is no answer. Whether the request arrived is known of `Refused` only: it did not."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Refused(NotSent):
    """The URL, its address or a header is not allowed: nothing was sent."""


class ConnectionFailed(NotSent):
    """There was no connection, or it broke before the whole answer was there."""


class TimedOut(NotSent):
    """No connection, or no complete answer, within the time."""


class TooMuch(NotSent):
    """The answer's headers are larger than is taken."""


class BadAnswer(NotSent):
    """What came back is not HTTP."""
