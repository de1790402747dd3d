"""Request limits: per minute and per second, per organisation or per address.

One conditional update counts a request in both windows. Where a plan allows more a second than one item should take,
a process leases several requests at a time, twice as many each time it runs out within a second: a quiet process
takes one at a time and wastes none, a busy one writes a few times a second.
"""

from __future__ import annotations

from dataclasses import dataclass

from switchboard import telemetry
from switchboard.aws import clock, table
from switchboard.aws.table import ConditionFailedError, Item, Update

#: What is asked for a second beyond this is leased: an item takes a thousand writes a second, and this is half.
_LEASE_ABOVE = 500
_LARGEST_LEASE = 64
_KEPT = 120


@dataclass(slots=True)
class Window:
    """A limit and what is left of it. `reset` is when it is whole again, in seconds since 1970."""

    limit: int
    remaining: int
    reset: int
    length: int

    @property
    def wait(self) -> int:
        """Seconds until it is whole again."""
        return max(1, self.reset - int(clock.epoch()))


@dataclass(slots=True)
class Limits:
    """The state of both windows after a request, and whether the request was within them."""

    minute: Window
    second: Window
    allowed: bool = True

    @property
    def exhausted(self) -> Window:
        """The window that refused the request."""
        return self.second if self.second.remaining == 0 and self.minute.remaining > 0 else self.minute

    @property
    def retry_after(self) -> int:
        """Seconds until the window that refused is open again."""
        return self.exhausted.wait

    def headers(self) -> dict[str, str]:
        """The contract's headers, and beside them those of the IETF's draft (draft-ietf-httpapi-ratelimit-headers)."""
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


@dataclass(slots=True)
class _Lease:
    second: int
    size: int
    left: int
    minute_used: int
    second_used: int

    def holds(self, now: int) -> bool:
        """Whether there is a request left in it."""
        return self.second == now and self.left > 0


_leases: dict[str, _Lease] = {}


def take(bucket: str, per_minute: int, per_second: int) -> Limits:
    """Count a request of a bucket. When the table is away the request passes, and a metric says so."""
    now = int(clock.epoch())
    lease = _leases.get(bucket)
    if lease and lease.holds(now):
        lease.left -= 1
        return _limits(now, per_minute, per_second, lease.minute_used - lease.left, lease.second_used - lease.left)
    size = _lease_size(lease, now) if per_second > _LEASE_ABOVE else 1
    try:
        return _count(bucket, now, size, per_minute, per_second)
    except Exception:  # noqa: BLE001 a limiter that fails must not take the API with it
        _note_failure()
        return _limits(now, per_minute, per_second, 0, 0)


def look(bucket: str, per_minute: int, per_second: int) -> Limits:
    """How a bucket stands, without counting a request. When the table is away it is taken for whole."""
    now = int(clock.epoch())
    try:
        item = table.get("ratelimit", {"id": f"{bucket}#{now // 60}"}, consistent=False) or {}
    except Exception:  # noqa: BLE001 as in `take`
        _note_failure()
        item = {}
    return _limits(now, per_minute, per_second, *_used(item, now))


def in_hand(bucket: str) -> bool:
    """Whether the process has leased a request of the bucket already, so that `take` asks nobody."""
    lease = _leases.get(bucket)
    return lease is not None and lease.holds(int(clock.epoch()))


def take_one(bucket: str, limit: int, length: int) -> Window | None:
    """Count a request in a window of `length` seconds of its own. Answers the window if it is full, else nothing.

    When the table is away the request passes, as in `take`.
    """
    now = int(clock.epoch())
    reset = (now // length + 1) * length
    change = Update(
        table="ratelimit",
        key={"id": f"{bucket}#{now // length}"},
        expression="SET expiration = :expiration ADD used :one",
        values={":one": 1, ":room": limit - 1, ":expiration": reset + _KEPT},
        condition=table.room_for("used", ":room", limit - 1),
    )
    try:
        table.write_at_once(change)
    except ConditionFailedError:
        return Window(limit, 0, reset, length)
    except Exception:  # noqa: BLE001 as above
        _note_failure()
    return None


def _note_failure() -> None:
    telemetry.metric("RateLimiterDown")
    telemetry.logger().warning("rate limiter unavailable", exc_info=True)


def _lease_size(lease: _Lease | None, now: int) -> int:
    if lease and lease.second == now:
        return min(lease.size * 2, _LARGEST_LEASE)
    if lease and lease.second == now - 1:
        return max(1, lease.size // 2)
    return 1


def _count(bucket: str, now: int, size: int, per_minute: int, per_second: int) -> Limits:
    while True:
        try:
            item = table.write_at_once(_update(bucket, now, size, per_minute, per_second)) or {}
        except ConditionFailedError as refused:
            if size > 1:
                size = 1
                continue
            minute_used, second_used = _used(refused.item or {}, now)
            return _limits(now, per_minute, per_second, minute_used, second_used, allowed=False)
        minute_used, second_used = _used(item, now)
        if size > 1:
            if len(_leases) > 1_000:
                _leases.clear()
            _leases[bucket] = _Lease(now, size, size - 1, minute_used, second_used)
        elif per_second > _LEASE_ABOVE:
            _leases[bucket] = _Lease(now, 1, 0, minute_used, second_used)
        return _limits(now, per_minute, per_second, minute_used - size + 1, second_used - size + 1)


def _update(bucket: str, now: int, size: int, per_minute: int, per_second: int) -> Update:
    return Update(
        table="ratelimit",
        key={"id": f"{bucket}#{now // 60}"},
        expression="SET expiration = :expiration ADD #minute :size, #second :size",
        names={"#minute": "minute", "#second": f"s{now % 60:02d}"},
        values={
            ":size": size,
            ":expiration": now + _KEPT,
            ":minute_room": per_minute - size,
            ":second_room": per_second - size,
        },
        condition=table.room_for("#minute", ":minute_room", per_minute - size)
        + " AND "
        + table.room_for("#second", ":second_room", per_second - size),
    )


def _used(item: Item, now: int) -> tuple[int, int]:
    return item.get("minute", 0), item.get(f"s{now % 60:02d}", 0)


def _limits(
    now: int, per_minute: int, per_second: int, minute_used: int, second_used: int, *, allowed: bool = True
) -> Limits:
    return Limits(
        minute=Window(per_minute, max(0, per_minute - minute_used), (now // 60 + 1) * 60, 60),
        second=Window(per_second, max(0, per_second - second_used), now + 1, 1),
        allowed=allowed,
    )


def forget() -> None:
    """Drop the leases, for tests."""
    _leases.clear()
