"""The limits of busy buckets: their minute is cut into slices, and a process leases several requests at a time.

An item of the table takes a thousand writes a second. A bucket that may ask for more than half of that is cut into
slices, each an item with its share of the minute and of each second. A process chooses a slice by lot for each lease,
so that all of them fill alike.

A lease holds what the process needs for an eighth of a second, as it was asked lately, and never more than it is likely
to need before the second ends. What is left of it at the end of its second stays counted in the minute, and pays for
the next lease of that minute. So neither limit is ever exceeded, and what is lost is little: of the minute, what
processes hold that are asked no more; of a second, what they hold at its end.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import NamedTuple

from switchboard.aws import clock
from switchboard.edge import counters
from switchboard.edge.counters import AwayError, BusyError, FullError, Used
from switchboard.edge.windows import Limits

#: What a slice takes at most, were every request a write.
_SLICE_PER_SECOND = 500
#: A smaller share of a minute is not worth a slice.
_SLICE_PER_MINUTE = 1_000
_MOST_SLICES = 64
#: A process's rate is not told from less than this part of a second.
_SHORTEST = 0.25
#: A lease is for this part of a second.
_PART = 8
_LARGEST_LEASE = 16
#: How many full slices a request meets before it is refused for this second.
_TRIES = 4
_MOST_BUCKETS = 1_000
_BUSY_SECONDS = 1.0

#: Which of so many slices a process asks first. From the system, since clones of a snapshot share `random`'s state.
choose: Callable[[int], int] = secrets.randbelow


def slices(per_minute: int, per_second: int) -> int:
    """Into how many slices a bucket is cut. A bucket of one slice is exact, and each of its requests is a write."""
    return max(1, min(-(-per_second // _SLICE_PER_SECOND), per_minute // _SLICE_PER_MINUTE, _MOST_SLICES))


def look(bucket: str, now: int, per_minute: int, per_second: int) -> Used:
    """What all slices together count. Raises BusyError or AwayError."""
    ids = [counters.item_id(bucket, now, number) for number in range(slices(per_minute, per_second))]
    found = counters.read(ids, now)
    return Used(sum(used.minute for used in found), sum(used.second for used in found))


class _Lease(NamedTuple):
    """Requests that a process asks a slice for. `paid` of them are counted in the minute already."""

    number: int
    size: int
    paid: int
    at: int


class _Holding:
    """What a process holds of a bucket, and knows of its slices."""

    def __init__(self, per_minute: int, per_second: int) -> None:
        self.per_minute, self.per_second = per_minute, per_second
        self._count = slices(per_minute, per_second)
        self._at = -1
        #: Requests in hand: for this second, and those that the minute alone counts.
        self.left = self._spare = 0
        #: Requests that came in this second, and in the one before.
        self._asked = self._asked_before = 0
        #: What slices counted when they were last seen.
        self._minute: dict[int, int] = {}
        self._second: dict[int, int] = {}
        self._refused_until = 0.0
        self._refused_minute = False

    def move_on(self, now: float) -> None:
        """Let a new second, and perhaps a new minute, begin."""
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

    def use(self) -> Limits | None:
        """Take a request out of the lease in hand, if there is one."""
        if self.left <= 0:
            return None
        self.left -= 1
        self._asked += 1
        return self.limits()

    def refused(self, now: float) -> Limits | None:
        """The refusal that still holds."""
        return self._refusal() if now < self._refused_until else None

    def next_lease(self, now: float) -> _Lease | None:
        """The next lease to ask for; nothing if all slices are known to be full."""
        rate = max(self._asked_before, int((self._asked + 1) / max(now - self._at, _SHORTEST)))
        to_come = int(rate * (self._at + 1 - now))
        wanted = max(1, min(rate // _PART, to_come, _LARGEST_LEASE))
        first = choose(self._count)
        for step in range(self._count):
            number = (first + step) % self._count
            room = min(self._minute_room(number) + self._spare, self._second_room(number))
            if room > 0:
                size = min(wanted, room)
                paid = min(self._spare, size)
                self._spare -= paid
                return _Lease(number, size, paid, self._at)
        return None

    def share(self, number: int) -> tuple[int, int]:
        """What a slice allows in a minute and in a second."""
        minute, more = divmod(self.per_minute, self._count)
        second, others = divmod(self.per_second, self._count)
        return minute + (number < more), second + (number < others)

    def grant(self, lease: _Lease, used: Used) -> Limits:
        """A slice has counted a lease, whose first request is the one at hand."""
        self._note(lease, used)
        if lease.at == self._at:
            self.left += lease.size - 1
            self._asked += 1
        elif lease.at // 60 == self._at // 60:
            self._spare += lease.size - 1
        return self.limits()

    def deny(self, lease: _Lease, used: Used | None = None) -> None:
        """A slice has not counted a lease."""
        if lease.at // 60 == self._at // 60:
            self._spare += lease.paid
        if used:
            self._note(lease, used)

    def refuse(self, until: float | None = None) -> Limits:
        """Refuse requests until a moment, else until the window ends that is full."""
        full = not self._spare and all(self._minute_room(number) <= 0 for number in range(self._count))
        self._refused_minute = full and until is None
        self._refused_until = until or ((self._at // 60 + 1) * 60 if full else self._at + 1)
        return self._refusal()

    def limits(self) -> Limits:
        """The state of both windows. With several slices it is an estimate: others count in them meanwhile."""
        minute, second = self._estimate()
        return Limits.at(self._at, self.per_minute, self.per_second, minute, second)

    def whole(self) -> Limits:
        """The state of both windows when nobody can tell it."""
        return Limits.at(self._at, self.per_minute, self.per_second, 0, 0)

    def _refusal(self) -> Limits:
        minute, second = self._estimate()
        if self._refused_minute:
            minute = self.per_minute
        else:
            minute, second = min(minute, self.per_minute - 1), self.per_second
        return Limits.at(self._at, self.per_minute, self.per_second, minute, second, allowed=False)

    def _estimate(self) -> tuple[int, int]:
        return max(0, self._total(self._minute) - self.left - self._spare), max(
            0, self._total(self._second) - self.left
        )

    def _total(self, seen: dict[int, int]) -> int:
        # A slice that was not seen is taken to be like the others.
        return sum(seen.values()) * self._count // len(seen) if seen else 0

    def _note(self, lease: _Lease, used: Used) -> None:
        if lease.at // 60 == self._at // 60:
            self._minute[lease.number] = used.minute
        if lease.at == self._at:
            self._second[lease.number] = used.second

    def _minute_room(self, number: int) -> int:
        return self.share(number)[0] - self._minute.get(number, 0)

    def _second_room(self, number: int) -> int:
        return self.share(number)[1] - self._second.get(number, 0)


class Leases:
    """What a process holds of busy buckets. Losing it loses requests that are counted; it never gives any."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, _Holding] = OrderedDict()
        # A process that serves streams counts in several threads.
        self._lock = Lock()

    def answers(self, bucket: str) -> bool:
        """Whether the next request of a bucket needs no write."""
        now = clock.epoch()
        with self._lock:
            holding = self._held.get(bucket)
            if not holding:
                return False
            holding.move_on(now)
            return holding.left > 0 or holding.refused(now) is not None

    def take(self, bucket: str, per_minute: int, per_second: int) -> Limits:
        """Count a request of a bucket that is cut into slices."""
        now = clock.epoch()
        with self._lock:
            holding = self._holding(bucket, per_minute, per_second)
            holding.move_on(now)
            if known := holding.use() or holding.refused(now):
                return known
        for _ in range(_TRIES):
            with self._lock:
                lease = holding.next_lease(now)
            if lease is None:
                break
            answer = self._ask(holding, bucket, lease)
            if answer:
                return answer
        with self._lock:
            return holding.refuse()

    def _ask(self, holding: _Holding, bucket: str, lease: _Lease) -> Limits | None:
        per_minute, per_second = holding.share(lease.number)
        try:
            used = counters.add(
                counters.item_id(bucket, lease.at, lease.number),
                lease.at,
                minute=lease.size - lease.paid,
                second=lease.size,
                per_minute=per_minute,
                per_second=per_second,
            )
        except FullError as full:
            with self._lock:
                holding.deny(lease, full.used)
            return None
        except BusyError:
            with self._lock:
                holding.deny(lease)
                return holding.refuse(clock.epoch() + _BUSY_SECONDS)
        except AwayError:
            with self._lock:
                holding.deny(lease)
                return holding.whole()
        with self._lock:
            return holding.grant(lease, used)

    def _holding(self, bucket: str, per_minute: int, per_second: int) -> _Holding:
        holding = self._held.get(bucket)
        if not holding or (holding.per_minute, holding.per_second) != (per_minute, per_second):
            holding = self._held[bucket] = _Holding(per_minute, per_second)
        self._held.move_to_end(bucket)
        if len(self._held) > _MOST_BUCKETS:
            self._held.popitem(last=False)
        return holding
