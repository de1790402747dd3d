"""Rate limits per minute and per second, for an organization, person, key or address.

One conditional update counts a request in both windows, so neither limit is exceeded. `leases` does the same for
buckets that are too busy for one item. A process remembers a refusal until its window ends, so a flood costs one write
per process and window. If DynamoDB throttles a bucket's item, the bucket is flooded: its requests are refused for a
second. If the table is unreachable, requests pass uncounted, and a metric reports it.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from threading import Lock
from typing import NamedTuple

from switchboard.edge import rate_counters, rate_leases
from switchboard.edge.rate_counters import (
    CounterThrottledError,
    CounterUnreachableError,
    Limits,
    UsedRequests,
    Window,
    WindowFullError,
)
from switchboard.errors import RateLimited
from switchboard.kit import clock, settings

__all__ = [
    "Limits",
    "Window",
    "count_in_window",
    "count_request",
    "decides_locally",
    "find_stranger_refusal",
    "network_of",
    "peek_limits",
    "require_allowed",
    "reset_memory",
    "take_for_address",
    "take_for_signer",
]

_MAX_REFUSALS = 5_000
_BUSY_SECONDS = 1.0
#: Internet providers assign each customer at least an IPv6 network of this prefix length.
_IPV6_PREFIX = 64


class _Refusal(NamedTuple):
    """A refusal of a bucket: its limits and counts, and the start and end in seconds since 1970."""

    limits: tuple[int, int]
    used: UsedRequests
    at: int
    until: float


class _Refusals:
    """The latest refusals of a process. Forgetting one costs a write, but never admits a request."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Refusal] = OrderedDict()
        # A process that serves streams counts requests in several threads.
        self._lock = Lock()

    def remember_refusal(self, bucket: str, refusal: _Refusal) -> None:
        with self._lock:
            self._known[bucket] = refusal
            self._known.move_to_end(bucket)
            if len(self._known) > _MAX_REFUSALS:
                self._known.popitem(last=False)

    def find_refusal(self, bucket: str, limits: tuple[int, int] | None, now: float) -> _Refusal | None:
        """Returns the refusal that applies now, for these limits (`None`: any limits). New limits end it."""
        with self._lock:
            found = self._known.get(bucket)
            if not found or found.until <= now or limits not in (None, found.limits):
                return None
            self._known.move_to_end(bucket)
            return found


class LimiterMemory:
    """The state of limits that a process keeps, to decide without a request to the table."""

    def __init__(self) -> None:
        self.refusals = _Refusals()
        self.leases = rate_leases.Leases()


_memory = LimiterMemory()


def count_request(bucket: str, per_minute: int, per_second: int, size: int = 1) -> Limits:
    """Counts a request of a bucket. Returns the limits after it.

    A large request counts as `size` requests. If they do not fit, the bucket is full for all requests.
    """
    if rate_leases.slice_count(per_minute, per_second) > 1:
        for _ in range(size - 1):
            if not (found := _memory.leases.count_request(bucket, per_minute, per_second)).allowed:
                return found
        return _memory.leases.count_request(bucket, per_minute, per_second)
    moment, wanted = clock.epoch(), (per_minute, per_second)
    now = int(moment)
    if known := _memory.refusals.find_refusal(bucket, wanted, moment):
        return _refused(now, known)
    id_ = rate_counters.counter_id(bucket, now)
    try:
        used = rate_counters.count_requests(
            id_, now, minute=size, second=size, per_minute=per_minute, per_second=per_second
        )
    except WindowFullError as full:
        # For a large request, a window is full that has room for small ones.
        used = UsedRequests(
            per_minute if full.used.minute > per_minute - size else full.used.minute,
            per_second if full.used.second > per_second - size else full.used.second,
        )
        limits = Limits.from_counts(now, *wanted, *used, allowed=False)
        _memory.refusals.remember_refusal(bucket, _Refusal(wanted, used, now, limits.full_window.reset))
        return limits
    except CounterThrottledError:
        # The counts are unknown. Report the second as full.
        refusal = _Refusal(wanted, UsedRequests(0, per_second), now, moment + _BUSY_SECONDS)
        _memory.refusals.remember_refusal(bucket, refusal)
        return _refused(now, refusal)
    except CounterUnreachableError:
        used = UsedRequests()
    return Limits.from_counts(now, *wanted, *used)


def take_for_address(address: str) -> Limits:
    """Counts a request whose sender is unknown, by its address or IPv6 network."""
    return count_request(_stranger_bucket(address), *_stranger_limits())


def find_stranger_refusal(address: str) -> Limits | None:
    """Returns the limits of strangers at an address if this process knows that they are exhausted. Reads nothing."""
    moment = clock.epoch()
    known = _memory.refusals.find_refusal(_stranger_bucket(address), _stranger_limits(), moment)
    return _refused(int(moment), known) if known else None


def _stranger_bucket(address: str) -> str:
    return f"ip#{network_of(address)}"


def _stranger_limits() -> tuple[int, int]:
    return settings.number("STRANGER_PER_MINUTE", 600), settings.number("STRANGER_PER_SECOND", 50)


def take_for_signer(signer: str) -> Limits:
    """Counts a callback by the provider's account that signed it: all callbacks of a provider share a few addresses."""
    return count_request(
        f"signer#{signer}",
        settings.number("CALLBACKS_PER_MINUTE", 60_000),
        settings.number("CALLBACKS_PER_SECOND", 2_000),
    )


def require_allowed(limits: Limits) -> None:
    """Raises RateLimited if a window refused the request."""
    if limits.allowed:
        return
    window = limits.full_window
    raise RateLimited(
        "Rate limit exceeded: wait, then try again.",
        code="rate_limited" if window is limits.minute else "rate_limited_per_second",
        limit=window.limit,
        remaining=0,
        retry_after=limits.retry_after,
    )


def network_of(address: str) -> str:
    """Returns the holder of an address, for counting unauthenticated requests: the address, or its IPv6 network."""
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    return str(parsed.ipv4_mapped or ipaddress.IPv6Network((int(parsed), _IPV6_PREFIX), strict=False))


def _refused(now: int, refusal: _Refusal) -> Limits:
    per_minute, _ = refusal.limits
    used = refusal.used
    if used.minute >= per_minute and now != refusal.at:
        # The minute is still full, but this is a new second.
        used = UsedRequests(used.minute, 0)
    return Limits.from_counts(now, *refusal.limits, *used, allowed=False)


def peek_limits(bucket: str, per_minute: int, per_second: int) -> Limits:
    """Returns the limits of a bucket without counting a request. If the table is unreachable, they are unused."""
    now = int(clock.epoch())
    try:
        used = rate_leases.peek_slices(bucket, now, per_minute, per_second)
    except CounterThrottledError:
        used = UsedRequests(0, per_second)
    except CounterUnreachableError:
        used = UsedRequests()
    return Limits.from_counts(now, per_minute, per_second, *used)


def decides_locally(bucket: str) -> bool:
    """Whether `count_request` can decide for a bucket without the table, because of a lease or a refusal."""
    known = _memory.refusals.find_refusal(bucket, None, clock.epoch())
    return known is not None or _memory.leases.decides_locally(bucket)


def count_in_window(bucket: str, limit: int, length: int) -> Window | None:
    """Counts a request in its own window of `length` seconds. Returns the window if it is full, else `None`."""
    moment, wanted = clock.epoch(), (limit, length)
    now = int(moment)
    full = Window(limit, 0, (now // length + 1) * length, length)
    if known := _memory.refusals.find_refusal(bucket, wanted, moment):
        full.reset = int(known.until)
        return full
    try:
        rate_counters.count_in_window(bucket, now, limit, length)
    except WindowFullError:
        pass
    except CounterThrottledError:
        full.reset = now + 1
    except CounterUnreachableError:
        return None
    else:
        return None
    _memory.refusals.remember_refusal(bucket, _Refusal(wanted, UsedRequests(), now, full.reset))
    return full


def reset_memory() -> None:
    """Resets the memory of the process, for tests."""
    global _memory  # noqa: PLW0603 the process has one memory
    _memory = LimiterMemory()
