"""Retries of DynamoDB requests that failed for a moment, with pauses that grow and vary."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from switchboard.aws import clients
from switchboard.errors import Contended, Unavailable
from switchboard.kit import background, chance

_T = TypeVar("_T")
#: Attempts and pauses, in seconds, of one request. All pauses together last about two seconds at most: in that time a
#: busy item serves hundreds of other requests.
MAX_ATTEMPTS = 9
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5
BUSY_MESSAGE = "The store is busy: try again in a second."
#: Error codes of DynamoDB after which the same request may succeed a moment later.
_TRANSIENT = frozenset(
    {
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
        "ThrottlingError",
        "ThrottlingException",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "InternalServerError",
        "ServiceUnavailable",
    }
)
#: How a retry waits. Tests replace it.
sleep: Callable[[float], None] = time.sleep


def with_retries(attempt: Callable[[], _T], tries: int = MAX_ATTEMPTS) -> _T:
    """Retries a request while its error is transient. Raises Unavailable or Contended after the last attempt."""
    pause = _FIRST_PAUSE
    for remaining in range(tries - 1, -1, -1):
        try:
            return attempt()
        except clients.CONNECTION_ERRORS as error:
            # botocore has retried already, for as long as a response may take.
            raise Unavailable(BUSY_MESSAGE, retry_after=1) from error
        except clients.ClientError as error:
            if not _is_transient(error):
                raise
            if not remaining:
                contended = clients.error_code(error) == "TransactionCanceledException"
                raise (Contended if contended else Unavailable)(BUSY_MESSAGE, retry_after=1) from error
            sleep(chance.between(0, pause))
            pause = min(pause * 2, _LONGEST_PAUSE)
    raise AssertionError("unreachable")


def pause_before_retry(attempt: int) -> None:
    """Waits before the next attempt at an optimistic change. `attempt` counts from 0."""
    sleep(chance.between(0, min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE)))


def _is_transient(error: clients.ClientError) -> bool:
    codes = {clients.error_code(error)}
    if "TransactionCanceledException" in codes:
        reasons: Any = error.response.get("CancellationReasons", [])
        codes = {reason.get("Code", "None") for reason in reasons} - {"None"}
        return bool(codes) and codes <= _TRANSIENT
    return not codes.isdisjoint(_TRANSIENT)


def read_with_retries(attempt: Callable[[], _T]) -> _T:
    background.start_guard()
    return with_retries(attempt)
