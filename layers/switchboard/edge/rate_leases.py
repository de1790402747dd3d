"""Rate limits of busy buckets: the bucket is split into slices, and a process leases several requests with one write.

A DynamoDB item takes a thousand writes a second. A bucket that may need more than half of that is split into slices.
Each slice is an item with a share of the limit per minute and per second. A process picks a random slice for each
lease, so that all slices fill evenly.

The size of a lease follows the recent request rate: it covers an eighth of a second, and never more than the process
will probably need before the second ends. The unused part of a lease at the end of its second stays counted in the
minute, and pays for the next lease in that minute. So neither limit is ever exceeded. The loss is small: in a minute,
the leases of processes that get no more requests; in a second, the unused leases at its end.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import NamedTuple

from switchboard.edge import rate_counters
from switchboard.edge.rate_counters import (
    CounterThrottledError,
    CounterUnreachableError,
    Limits,
    UsedRequests,
    WindowFullError,
)
from switchboard.kit import clock

#: Most requests per second of a slice, if every request were a write.
_MAX_SLICE_PER_SECOND = 500
#: Least requests per minute of a slice. Splitting a bucket further has no benefit.
_MIN_SLICE_PER_MINUTE = 1_000
_MAX_SLICES = 64
#: Seconds. A request rate is measured over at least this time.
_MIN_RATE_SECONDS = 0.25
#: A lease covers one part of so many parts of a second.
_LEASES_PER_SECOND = 8
_MAX_LEASE_REQUESTS = 16
#: A request is refused for this second after it found so many full slices.
_MAX_SLICE_ATTEMPTS = 4
_MAX_BUCKETS = 1_000
_BUSY_SECONDS = 1.0

#: Picks the first slice to try. Uses the system's randomness, because clones of a snapshot share `random`'s state.
choose_slice: Callable[[int], int] = secrets.randbelow


def slice_count(per_minute: int, per_second: int) -> int:
    """Returns the number of slices of a bucket. A bucket with one slice is exact: each request is a write."""
    return max(1, min(-(-per_second // _MAX_SLICE_PER_SECOND), per_minute // _MIN_SLICE_PER_MINUTE, _MAX_SLICES))


def peek_slices(bucket: str, now: int, per_minute: int, per_second: int) -> UsedRequests:
    """Returns the total counts of all slices, without counting a request.

    Raises CounterThrottledError or CounterUnreachableError.
    """
    ids = [rate_counters.counter_id(bucket, now, number) for number in range(slice_count(per_minute, per_second))]
    found = rate_counters.read_counts(ids, now)
    return UsedRequests(sum(used.minute for used in found), sum(used.second for used in found))


class _Lease(NamedTuple):
    """The requests that a process leases from a slice. `paid` of them are already counted in the minute."""

    number: int
    size: int
    paid: int
    at: int


class _BucketLeases:
    """A process's leases of one bucket, and the latest known counts of the bucket's slices."""

    def __init__(self, per_minute: int, per_second: int) -> None:
        self.per_minute, self.per_second = per_minute, per_second
        self._count = slice_count(per_minute, per_second)
        self._at = -1
        #: Leased requests: for this second, and from earlier seconds, which only the minute counts.
        self.left = self._spare = 0
        #: Requests that arrived in this second and in the previous second.
        self._asked = self._asked_before = 0
        #: The latest known counts by slice.
        self._minute: dict[int, int] = {}
        self._second: dict[int, int] = {}
        self._refused_until = 0.0
        self._refused_minute = False

    def start_new_windows(self, now: float) -> None:
        """Resets the counts of a second or minute that has ended. `now` is in seconds since 1970."""
        at = int(now)
        if at == self._at:
            return
        if at // 60 == self._at // 60:
            self._spare += self.left
        else:
            self._spare = 0
            self._minute.clear()
        self._second.clear()
        self._asked_before = self._asked if at == self._at + 1 else 0
        self.left = self._asked = 0
        self._at = at

    def use_request(self) -> Limits | None:
        """Uses one leased request. Returns the limits, or `None` if no request is leased."""
        if self.left <= 0:
            return None
        self.left -= 1
        self._asked += 1
        return self.estimate_limits()

    def current_refusal(self, now: float) -> Limits | None:
        """Returns the limits of a refusal that still applies, or `None`."""
        return self._refusal_limits() if now < self._refused_until else None

    def next_lease(self, now: float) -> _Lease | None:
        """Returns the next lease to request, or `None` if all slices are known to be full."""
        rate = max(self._asked_before, int((self._asked + 1) / max(now - self._at, _MIN_RATE_SECONDS)))
        to_come = int(rate * (self._at + 1 - now))
        wanted = max(1, min(rate // _LEASES_PER_SECOND, to_come, _MAX_LEASE_REQUESTS))
        first = choose_slice(self._count)
        for step in range(self._count):
            number = (first + step) % self._count
            room = min(self._minute_room(number) + self._spare, self._second_room(number))
            if room > 0:
                size = min(wanted, room)
                paid = min(self._spare, size)
                self._spare -= paid
                return _Lease(number, size, paid, self._at)
        return None

    def slice_limits(self, number: int) -> tuple[int, int]:
        """Returns the limits of a slice per minute and per second."""
        minute, more = divmod(self.per_minute, self._count)
        second, others = divmod(self.per_second, self._count)
        return minute + (number < more), second + (number < others)

    def record_grant(self, lease: _Lease, used: UsedRequests) -> Limits:
        """Records a granted lease and uses its first request. `used` has the slice's counts."""
        self._record_counts(lease, used)
        if lease.at == self._at:
            self.left += lease.size - 1
            self._asked += 1
        elif lease.at // 60 == self._at // 60:
            self._spare += lease.size - 1
        return self.estimate_limits()

    def record_denial(self, lease: _Lease, used: UsedRequests | None = None) -> None:
        """Records a denied lease. `used` has the slice's counts, if they are known."""
        if lease.at // 60 == self._at // 60:
            self._spare += lease.paid
        if used:
            self._record_counts(lease, used)

    def refuse_requests(self, until: float | None = None) -> Limits:
        """Refuses requests until a time in seconds since 1970. The default is the end of the full window."""
        full = not self._spare and all(self._minute_room(number) <= 0 for number in range(self._count))
        self._refused_minute = full and until is None
        self._refused_until = until or ((self._at // 60 + 1) * 60 if full else self._at + 1)
        return self._refusal_limits()

    def estimate_limits(self) -> Limits:
        """Returns the state of both windows. It is an estimate, because other processes use the same slices."""
        minute, second = self._estimate_used()
        return Limits.from_counts(self._at, self.per_minute, self.per_second, minute, second)

    def unused_limits(self) -> Limits:
        """Returns two unused windows. This is the answer while the table is unreachable."""
        return Limits.from_counts(self._at, self.per_minute, self.per_second, 0, 0)

    def _refusal_limits(self) -> Limits:
        minute, second = self._estimate_used()
        if self._refused_minute:
            minute = self.per_minute
        else:
            minute, second = min(minute, self.per_minute - 1), self.per_second
        return Limits.from_counts(self._at, self.per_minute, self.per_second, minute, second, allowed=False)

    def _estimate_used(self) -> tuple[int, int]:
        return max(0, self._estimate_total(self._minute) - self.left - self._spare), max(
            0, self._estimate_total(self._second) - self.left
        )

    def _estimate_total(self, seen: dict[int, int]) -> int:
        # Assumes the average of the known slices for the unknown slices.
        return sum(seen.values()) * self._count // len(seen) if seen else 0

    def _record_counts(self, lease: _Lease, used: UsedRequests) -> None:
        if lease.at // 60 == self._at // 60:
            self._minute[lease.number] = used.minute
        if lease.at == self._at:
            self._second[lease.number] = used.second

    def _minute_room(self, number: int) -> int:
        return self.slice_limits(number)[0] - self._minute.get(number, 0)

    def _second_room(self, number: int) -> int:
        return self.slice_limits(number)[1] - self._second.get(number, 0)


class Leases:
    """A process's leases of busy buckets. Losing them wastes leased requests, but never exceeds a limit."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, _BucketLeases] = OrderedDict()
        # A process that serves streams counts requests in several threads.
        self._lock = Lock()

    def decides_locally(self, bucket: str) -> bool:
        """Whether the next request of a bucket can be decided without a write."""
        now = clock.epoch()
        with self._lock:
            holding = self._held.get(bucket)
            if not holding:
                return False
            holding.start_new_windows(now)
            return holding.left > 0 or holding.current_refusal(now) is not None

    def count_request(self, bucket: str, per_minute: int, per_second: int) -> Limits:
        """Counts a request of a bucket that is split into slices. Returns the limits after it."""
        now = clock.epoch()
        with self._lock:
            holding = self._bucket_leases(bucket, per_minute, per_second)
            holding.start_new_windows(now)
            if known := holding.use_request() or holding.current_refusal(now):
                return known
        for _ in range(_MAX_SLICE_ATTEMPTS):
            with self._lock:
                lease = holding.next_lease(now)
            if lease is None:
                break
            answer = self._request_lease(holding, bucket, lease)
            if answer:
                return answer
        with self._lock:
            return holding.refuse_requests()

    def _request_lease(self, holding: _BucketLeases, bucket: str, lease: _Lease) -> Limits | None:
        per_minute, per_second = holding.slice_limits(lease.number)
        try:
            used = rate_counters.count_requests(
                rate_counters.counter_id(bucket, lease.at, lease.number),
                lease.at,
                minute=lease.size - lease.paid,
                second=lease.size,
                per_minute=per_minute,
                per_second=per_second,
            )
        except WindowFullError as full:
            with self._lock:
                holding.record_denial(lease, full.used)
            return None
        except CounterThrottledError:
            with self._lock:
                holding.record_denial(lease)
                return holding.refuse_requests(clock.epoch() + _BUSY_SECONDS)
        except CounterUnreachableError:
            with self._lock:
                holding.record_denial(lease)
                return holding.unused_limits()
        with self._lock:
            return holding.record_grant(lease, used)

    def _bucket_leases(self, bucket: str, per_minute: int, per_second: int) -> _BucketLeases:
        holding = self._held.get(bucket)
        if not holding or (holding.per_minute, holding.per_second) != (per_minute, per_second):
            holding = self._held[bucket] = _BucketLeases(per_minute, per_second)
        self._held.move_to_end(bucket)
        if len(self._held) > _MAX_BUCKETS:
            self._held.popitem(last=False)
        return holding
