"""Errors of a hand-over to a provider: refused for good, throttled, or with an unknown outcome."""

from __future__ import annotations


class RefusedError(Exception):
    """The provider rejected the request. A retry would be rejected too."""


class ThrottledError(Exception):
    """The provider did not accept the request and asks to retry later."""


class OutcomeUnknownError(Exception):
    """The provider may have accepted the request. The request must not be repeated."""
