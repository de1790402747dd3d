"""Asks the provider of numbers in the name of a request, and turns its silence into an answer for the caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from switchboard import telemetry
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.errors import Unavailable

T = TypeVar("T")
#: When a client should try again, in seconds.
RETRY_SECONDS = 5


def ask_provider(question: Callable[[], T]) -> T:
    """Returns the answer of a request that may be repeated. Raises Unavailable without an answer."""
    try:
        return question()
    except (ThrottledError, OutcomeUnknownError, RefusedError) as error:
        raise provider_silent(error) from error


def provider_silent(error: Exception) -> Unavailable:
    """Returns the error for a caller whose request the provider did not answer."""
    telemetry.logger().warning("the provider of numbers did not answer", extra={"reason": str(error)})
    return Unavailable(
        "The provider of telephone numbers does not answer: try again in a few seconds.",
        code="number_provider_unavailable",
        retry_after=RETRY_SECONDS,
    )
