"""The windows of a rate limit, and their counters in the table `ratelimit`.

Each operation of the table is tried once and translates its errors.

| item | id | attributes |
|---|---|---|
| a bucket's minute | `<bucket>#<minute>` | `minute`, `s00` … `s59`: requests per minute and second; `expiration` |
| a slice of a busy bucket's minute | `<bucket>#<minute>#<number>`; slice 0 is the item above | the same |
| a window of another length | `<bucket>#<number>` | `used`; `expiration` |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from switchboard import telemetry
from switchboard.aws import clients, reads, writes
from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import ConditionFailedError, Update
from switchboard.kit import clock

_KEPT_SECONDS = 120


@dataclass(slots=True)
class Window:
    """A limit and the requests left. `reset` is its end in seconds since 1970, `seconds` its length."""

    limit: int
    remaining: int
    reset: int
    seconds: int

    @property
    def wait_seconds(self) -> int:
        """Seconds until the window ends, at least 1."""
        return max(1, self.reset - int(clock.epoch()))


@dataclass(slots=True)
class Limits:
    """The state of both windows after a request, and whether the request was allowed."""

    minute: Window
    second: Window
    allowed: bool = True

    @classmethod
    def from_counts(
        cls, now: int, per_minute: int, per_second: int, minute_used: int, second_used: int, *, allowed: bool = True
    ) -> Limits:
        """Returns both windows at a time in seconds since 1970, with the used requests."""
        return cls(
            minute=Window(per_minute, max(0, per_minute - minute_used), (now // 60 + 1) * 60, 60),
            second=Window(per_second, max(0, per_second - second_used), now + 1, 1),
            allowed=allowed,
        )

    @property
    def full_window(self) -> Window:
        """The window that refused the request."""
        return self.second if self.second.remaining == 0 and self.minute.remaining > 0 else self.minute

    @property
    def retry_after(self) -> int:
        """Seconds until the full window ends."""
        return self.full_window.wait_seconds

    def headers(self) -> dict[str, str]:
        """Returns the contract's headers and those of the IETF draft (draft-ietf-httpapi-ratelimit-headers)."""
        minute, second, now = self.minute, self.second, int(clock.epoch())
        return {
            "X-RateLimit-Limit": str(minute.limit),
            "X-RateLimit-Remaining": str(minute.remaining),
            "X-RateLimit-Reset": str(minute.reset),
            "X-RateLimit-Sec-Limit": str(second.limit),
            "X-RateLimit-Sec-Remaining": str(second.remaining),
            "X-RateLimit-Sec-Reset": str(second.reset),
            "RateLimit-Policy": f'"minute";q={minute.limit};w=60, "second";q={second.limit};w=1',
            "RateLimit": f'"minute";r={minute.remaining};t={max(0, minute.reset - now)},'
            f' "second";r={second.remaining};t={max(0, second.reset - now)}',
        }


class UsedRequests(NamedTuple):
    """The requests that an item counted in its minute, and in one second of it."""

    minute: int = 0
    second: int = 0


class WindowFullError(Exception):
    """A window is full. `used` has the counts of the item."""

    def __init__(self, used: UsedRequests = UsedRequests()) -> None:  # noqa: B008 `UsedRequests` is immutable
        super().__init__(used)
        self.used = used


class CounterThrottledError(Exception):
    """DynamoDB throttles the item: it gets more writes than one item allows, as in a flood."""


class CounterUnreachableError(Exception):
    """The table is unreachable or fails."""


def counter_id(bucket: str, at: int, number: int = 0) -> str:
    """Returns the id of a slice of a bucket's minute. `at` is in seconds since 1970."""
    return f"{bucket}#{at // 60}#{number}" if number else f"{bucket}#{at // 60}"


def count_requests(id_: str, at: int, *, minute: int, second: int, per_minute: int, per_second: int) -> UsedRequests:
    """Counts requests in an item's minute and in one of its seconds.

    Raises WindowFullError, CounterThrottledError or CounterUnreachableError.
    """
    change = Update(
        table="ratelimit",
        key={"id": id_},
        expression="SET expiration = :expiration ADD #minute :minute, #second :second",
        names={"#minute": "minute", "#second": _second(at)},
        values={
            ":minute": minute,
            ":second": second,
            ":expiration": at + _KEPT_SECONDS,
            ":minute_room": per_minute - minute,
            ":second_room": per_second - second,
        },
        condition=writes.room_condition("#minute", ":minute_room", per_minute - minute)
        + " AND "
        + writes.room_condition("#second", ":second_room", per_second - second),
    )
    try:
        return _used(_write(change), at)
    except ConditionFailedError as refused:
        raise WindowFullError(_used(refused.item, at)) from None


def count_in_window(bucket: str, at: int, limit: int, length: int) -> None:
    """Counts a request in a window of `length` seconds.

    Raises WindowFullError, CounterThrottledError or CounterUnreachableError.
    """
    change = Update(
        table="ratelimit",
        key={"id": f"{bucket}#{at // length}"},
        expression="SET expiration = :expiration ADD used :one",
        values={":one": 1, ":room": limit - 1, ":expiration": (at // length + 1) * length + _KEPT_SECONDS},
        condition=writes.room_condition("used", ":room", limit - 1),
    )
    try:
        _write(change)
    except ConditionFailedError:
        raise WindowFullError from None


def read_counts(ids: Sequence[str], at: int) -> list[UsedRequests]:
    """Returns the counts of items for the minute and second of `at`.

    Raises CounterThrottledError or CounterUnreachableError.
    """
    places = [{"id": id_} for id_ in ids]
    try:
        if len(places) == 1:
            return [_used(reads.get_item("ratelimit", places[0], consistent=False), at)]
        return [_used(item, at) for item in reads.get_items("ratelimit", places)]
    except Exception as error:
        raise _translate_error(error) from error


def _write(change: Update) -> Item | None:
    try:
        return writes.write_item_unguarded(change, tries=1)
    except ConditionFailedError:
        raise
    except Exception as error:
        raise _translate_error(error) from error


def _translate_error(error: Exception) -> CounterThrottledError | CounterUnreachableError:
    if clients.is_throttling(error):
        telemetry.emit_metric("RateLimiterThrottled")
        return CounterThrottledError()
    telemetry.emit_metric("RateLimiterDown")
    telemetry.logger().warning("rate limiter unavailable", exc_info=True)
    return CounterUnreachableError()


def _used(item: Item | None, at: int) -> UsedRequests:
    return UsedRequests(item.get("minute", 0), item.get(_second(at), 0)) if item else UsedRequests()


def _second(at: int) -> str:
    return f"s{at % 60:02d}"
