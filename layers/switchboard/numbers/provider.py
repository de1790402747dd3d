"""Asks the provider of numbers in the name of a request, and turns its silence into an answer for the caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from switchboard import telemetry
from switchboard.carriers.numbers.port import NumberSearch
from switchboard.carriers.outcomes import OutcomeUnknownError, ThrottledError
from switchboard.errors import Invalid, Unavailable

__all__ = ["NumberSearch", "ask_provider", "provider_silent", "unreadable_search"]

T = TypeVar("T")
#: When a client should try again, in seconds.
RETRY_SECONDS = 5


def ask_provider(question: Callable[[], T]) -> T:
    """Returns the answer of a request that only reads. Raises Unavailable without an answer."""
    try:
        return question()
    except (ThrottledError, OutcomeUnknownError) as error:
        raise provider_silent(error) from error


def provider_silent(error: Exception) -> Unavailable:
    """Returns the error for a caller whose request the provider did not answer."""
    telemetry.logger().warning("the provider of numbers did not answer", extra={"reason": str(error)})
    return Unavailable(
        "The provider of telephone numbers does not answer: try again in a few seconds.",
        code="number_provider_unavailable",
        retry_after=RETRY_SECONDS,
    )


def unreadable_search(reason: str) -> Invalid:
    """Returns the error for a search that the provider refuses."""
    return Invalid(f"The provider cannot search like this: {reason}.", code="search_refused")
