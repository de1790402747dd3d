"""The form of items and keys in DynamoDB, the sizes of its requests, and retries with pauses.

A request that failed for a moment is retried after a pause. The pauses grow and vary.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from aws_lambda_powertools.shared.dynamodb_deserializer import TypeDeserializer

from switchboard.aws import clients
from switchboard.errors import Contended, Unavailable
from switchboard.kit import background, chance

Item = dict[str, Any]
Key = Mapping[str, str]
MAX_TRANSACTION_WRITES = 100


def key_names(item: Key | Item) -> tuple[str, ...]:
    return ("pk", "sk") if "pk" in item else ("id",)


def key_of(item: Key | Item) -> tuple[str, ...]:
    return tuple(item[name] for name in key_names(item))


MAX_BATCH_WRITES, MAX_BATCH_READS = 25, 100


class _Deserializer(TypeDeserializer):
    """Powertools' deserializer, but with integers as `int`: the stores keep no other numbers."""

    def _deserialize_n(self, value: str) -> Any:
        return int(value) if value.lstrip("-").isdigit() else super()._deserialize_n(value)


_deserialize = _Deserializer().deserialize


def encode_value(value: Any) -> Any:
    """Returns a Python value as a DynamoDB attribute. Floats are refused: money and time are integers or text."""
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case None:
            return {"NULL": True}
        case Mapping():
            return {"M": {key: encode_value(part) for key, part in value.items()}}
        case list() | tuple():
            return {"L": [encode_value(part) for part in value]}
        case set() | frozenset() if value and all(isinstance(part, str) for part in value):
            return {"SS": sorted(value)}
        case bytes():
            return {"B": value}
    raise TypeError(f"no DynamoDB type for {type(value).__name__}")


def encode_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Returns an item as DynamoDB's attributes."""
    return {name: encode_value(value) for name, value in item.items()}


def decode_item(item: Mapping[str, Any]) -> Item:
    """Returns an item from DynamoDB's attributes."""
    return {name: _deserialize(value) for name, value in item.items()}


_T = TypeVar("_T")
#: Attempts and pauses, in seconds, of one request. All pauses together last about two seconds at most: in that time a
#: busy item serves hundreds of other requests.
MAX_ATTEMPTS = 9
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5
BUSY_MESSAGE = "The service is busy: try again in a second."
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
