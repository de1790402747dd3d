"""Request limits: per minute and per second, per organization, person, key or address.

One conditional update counts a request in both windows, so that neither is ever exceeded. `leases` does the same for
buckets that are too busy for one item. A process remembers a refusal until its window ends: a flood costs the table
one write for each process and window. A bucket whose item is throttled is in a flood, and is refused for a second.
Only when the table cannot be reached does a request pass uncounted, and a metric says so.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from threading import Lock
from typing import NamedTuple

from switchboard.aws import clock, settings
from switchboard.edge import counters, leases
from switchboard.edge.counters import AwayError, BusyError, FullError, Used
from switchboard.edge.windows import Limits, Window
from switchboard.errors import RateLimited

__all__ = [
    "Limits",
    "Window",
    "forget",
    "holder_of",
    "in_hand",
    "look",
    "require_allowed",
    "take",
    "take_for_address",
    "take_for_signer",
    "take_one",
]

_MOST_REFUSALS = 5_000
_BUSY_SECONDS = 1.0
#: A customer of a network has at least this much of IPv6.
_IPV6_PREFIX = 64


class _Refusal(NamedTuple):
    """Which limits of a bucket are used up, how far, since when and until when."""

    limits: tuple[int, int]
    used: Used
    at: int
    until: float


class _Refusals:
    """The refusals that a process remembers, the latest of them. A forgotten one costs a write, and lets nobody in."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Refusal] = OrderedDict()
        # A process that serves streams counts in several threads.
        self._lock = Lock()

    def remember(self, bucket: str, refusal: _Refusal) -> None:
        with self._lock:
            self._known[bucket] = refusal
            self._known.move_to_end(bucket)
            if len(self._known) > _MOST_REFUSALS:
                self._known.popitem(last=False)

    def recall(self, bucket: str, limits: tuple[int, int] | None, now: float) -> _Refusal | None:
        """The refusal that holds now, for these limits or for any. A change of the limits ends it."""
        with self._lock:
            found = self._known.get(bucket)
            if not found or found.until <= now or limits not in (None, found.limits):
                return None
            self._known.move_to_end(bucket)
            return found


class Memory:
    """What a process knows of limits without asking the table."""

    def __init__(self) -> None:
        self.refusals = _Refusals()
        self.leases = leases.Leases()


_memory = Memory()


def take(bucket: str, per_minute: int, per_second: int) -> Limits:
    """Count a request of a bucket."""
    if leases.slices(per_minute, per_second) > 1:
        return _memory.leases.take(bucket, per_minute, per_second)
    moment, wanted = clock.epoch(), (per_minute, per_second)
    now = int(moment)
    if known := _memory.refusals.recall(bucket, wanted, moment):
        return _refused(now, known)
    id_ = counters.item_id(bucket, now)
    try:
        used = counters.add(id_, now, minute=1, second=1, per_minute=per_minute, per_second=per_second)
    except FullError as full:
        limits = Limits.at(now, *wanted, *full.used, allowed=False)
        _memory.refusals.remember(bucket, _Refusal(wanted, full.used, now, limits.exhausted.reset))
        return limits
    except BusyError:
        # How much is used nobody knows: it is the second that refuses.
        refusal = _Refusal(wanted, Used(0, per_second), now, moment + _BUSY_SECONDS)
        _memory.refusals.remember(bucket, refusal)
        return _refused(now, refusal)
    except AwayError:
        used = Used()
    return Limits.at(now, *wanted, *used)


def take_for_address(address: str) -> Limits:
    """Count a request whose sender is unknown, by its address or IPv6 network."""
    return take(
        f"ip#{holder_of(address)}",
        settings.number("STRANGER_PER_MINUTE", 600),
        settings.number("STRANGER_PER_SECOND", 50),
    )


def take_for_signer(signer: str) -> Limits:
    """Count a callback by the provider's account that signed it: all callbacks of a provider share a few addresses."""
    return take(
        f"signer#{signer}",
        settings.number("CALLBACKS_PER_MINUTE", 60_000),
        settings.number("CALLBACKS_PER_SECOND", 2_000),
    )


def require_allowed(limits: Limits) -> None:
    """Raise RateLimited if a window refused the request."""
    if limits.allowed:
        return
    window = limits.exhausted
    raise RateLimited(
        "Rate limit exceeded.",
        code="rate_limited" if window is limits.minute else "rate_limited_per_second",
        limit=window.limit,
        remaining=0,
        retry_after=limits.retry_after,
    )


def holder_of(address: str) -> str:
    """The address, or the IPv6 network, that a stranger's requests are counted by."""
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
        # A full minute goes on being full, while its seconds come and go.
        used = Used(used.minute, 0)
    return Limits.at(now, *refusal.limits, *used, allowed=False)


def look(bucket: str, per_minute: int, per_second: int) -> Limits:
    """How a bucket stands, without counting a request. When the table is away it is taken for whole."""
    now = int(clock.epoch())
    try:
        used = leases.look(bucket, now, per_minute, per_second)
    except BusyError:
        used = Used(0, per_second)
    except AwayError:
        used = Used()
    return Limits.at(now, per_minute, per_second, *used)


def in_hand(bucket: str) -> bool:
    """Whether `take` knows the answer for a bucket without asking the table: by a lease, or by a refusal."""
    known = _memory.refusals.recall(bucket, None, clock.epoch())
    return known is not None or _memory.leases.answers(bucket)


def take_one(bucket: str, limit: int, length: int) -> Window | None:
    """Count a request in a window of `length` seconds of its own. Answers the window if it is full, else nothing."""
    moment, wanted = clock.epoch(), (limit, length)
    now = int(moment)
    full = Window(limit, 0, (now // length + 1) * length, length)
    if known := _memory.refusals.recall(bucket, wanted, moment):
        full.reset = int(known.until)
        return full
    try:
        counters.add_one(bucket, now, limit, length)
    except FullError:
        pass
    except BusyError:
        full.reset = now + 1
    except AwayError:
        return None
    else:
        return None
    _memory.refusals.remember(bucket, _Refusal(wanted, Used(), now, full.reset))
    return full


def forget() -> None:
    """Drop what the process remembers, for tests."""
    global _memory  # noqa: PLW0603 the process has one memory
    _memory = Memory()
