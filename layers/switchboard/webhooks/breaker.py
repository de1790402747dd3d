"""The circuit breaker and the slots: they keep a slow or dead endpoint from delaying others.

An endpoint that responds at once needs neither: a batch sends to it and writes nothing about its health. An endpoint
that is new, or that failed at the last attempt, has one slot, so that it never holds more than one worker. An endpoint
that responded, but made a batch wait, has ten slots for a while. After several failures in a row the breaker opens:
workers send nothing for a while, then one batch tries. Separate workers serve slow endpoints. They also serve
endpoints that have never responded quickly, so that a shared worker does not have to find out how long they take.

A delivery that finds no slot is parked (`parking`). One worker at a time has the turn: it sends parked deliveries with
all free slots (`parked_sender`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from switchboard.kit import chance, clock
from switchboard.webhooks import health_store, schedule
from switchboard.webhooks.health_store import MAX_SLOTS, BusyError, HealthChange, SlotLease
from switchboard.webhooks.models import ReceiverHealth
from switchboard.webhooks.receivers import WebhookReceiver

#: The breaker opens after this many failures in a row at which the receiver was unreachable or asked us to wait.
OPENS_AFTER_FAILURES = 5
_FIRST_OPEN, _LONGEST_OPEN = timedelta(seconds=30), timedelta(minutes=15)
#: A response that takes longer than this marks an endpoint as slow for `_SLOW_FOR`.
SLOW_MS = 3_000
_SLOW_FOR = timedelta(minutes=10)
#: A fast worker waits this long for a response, then hands the delivery over to a worker for slow endpoints.
FAST_SECONDS = 5.0
#: When a batch waits this long for a response, later batches have to take slots for `_WARY_FOR`.
WARY_SECONDS = 1.0
_WARY_FOR = timedelta(minutes=1)
#: How often the health of a healthy endpoint is written.
_NOTED_EVERY = timedelta(minutes=1)
#: How much longer than an attempt a slot is leased: for the work before and after the attempt.
LEASE_MARGIN = timedelta(seconds=10)
_MAX_TRIES = 3

#: Chooses a slot at random. Tests replace it.
choose_slot: Callable[[int], int] = chance.below


class DeferredError(Exception):
    """Nothing may be sent now. `health` is the latest known health and shows the reason."""

    def __init__(self, health: ReceiverHealth) -> None:
        super().__init__("no slot is free, or the breaker is open")
        self.health = health


@dataclass(slots=True)
class BatchResults:
    """The results of a batch's attempts at one endpoint."""

    succeeded: bool = False
    failures: int = 0
    down: int = 0
    slowest_ms: int = 0
    answered: bool = False
    hung: bool = False
    failed_ids: set[str] = field(default_factory=set)

    @property
    def is_slow(self) -> bool:
        """Whether an attempt took too long for the shared workers."""
        return self.hung or self.slowest_ms > SLOW_MS

    @property
    def is_quick(self) -> bool:
        """Whether the endpoint responded, with any status, and no attempt took too long."""
        return self.answered and not self.is_slow

    def count_attempt(
        self, *, succeeded: bool, down: bool, milliseconds: int, answered: bool = True, delivery_id: str = ""
    ) -> None:
        """Counts one attempt."""
        if not succeeded:
            self.failed_ids.add(delivery_id)
        self.answered = self.answered or answered
        self.succeeded = self.succeeded or succeeded
        self.failures += not succeeded
        self.down += down
        self.slowest_ms = max(self.slowest_ms, milliseconds)


def is_slow(health: ReceiverHealth) -> bool:
    """Whether the workers for slow endpoints serve this one: it was slow, or has no record of a quick response."""
    return not health.quick_at or bool(health.slow_until and health.slow_until > clock.now_iso())


def needs_slot(health: ReceiverHealth) -> bool:
    """Whether a batch has to take a slot. An endpoint that responds at once needs none."""
    return (
        not health.last_success_at or health.down > 0 or bool(health.wary_until and health.wary_until > clock.now_iso())
    )


def is_open(health: ReceiverHealth) -> bool:
    """Whether the breaker is open: nothing may be sent."""
    return bool(health.open_until and health.open_until > clock.now_iso())


def require_slots(receiver: WebhookReceiver) -> None:
    """Requires later batches to take slots, because a batch is waiting for a response."""
    health_store.require_slots_until(receiver, clock.format_iso(clock.now() + _WARY_FOR))


def leased_until(health: ReceiverHealth) -> str | None:
    """When the last current lease expires, `None` if no worker holds a lease."""
    leases = [*health.slots.values(), *([health.turn_until] if health.turn_until else [])]
    return max((one for one in leases if one > clock.now_iso()), default=None)


def _free(health: ReceiverHealth, now: str) -> list[int]:
    allowed = MAX_SLOTS if health.last_success_at and not health.down else 1
    return [number for number in range(allowed) if health.slots.get(number, "") < now]


def _until(now: datetime, timeout_ms: int) -> str:
    return clock.format_iso(now + timedelta(milliseconds=timeout_ms) + LEASE_MARGIN)


def take_slots(receiver: WebhookReceiver, timeout_ms: int, health: ReceiverHealth, *, turn: bool = False) -> HeldSlots:
    """Takes a free slot, as the receiver's health allows. With `turn`, take the turn and all free slots.

    Raises DeferredError if no slot is free, the breaker is open, or another worker has the turn.
    """
    now = clock.now()
    stamp = clock.format_iso(now)
    for _ in range(_MAX_TRIES):
        free = _free(health, stamp)
        if is_open(health) or not free or (turn and health.turn_until and health.turn_until >= stamp):
            break
        lease = SlotLease(tuple(free) if turn else (free[choose_slot(len(free))],), _until(now, timeout_ms), turn)
        try:
            taken = health_store.take_lease(receiver, lease, stamp)
        except BusyError as busy:
            health = busy.health
            continue
        return HeldSlots(receiver, timeout_ms, taken, lease)
    raise DeferredError(health)


@dataclass(slots=True)
class HeldSlots:
    """Slots that this worker holds, and the receiver's latest known health."""

    receiver: WebhookReceiver
    timeout_ms: int
    health: ReceiverHealth
    lease: SlotLease

    def release_slots(self, tally: BatchResults) -> ReceiverHealth:
        """Releases the slots, records the results of the batch, and opens the breaker if it is due."""
        learnt = _learnt(self.health, tally)
        return _opened(self.receiver, tally, health_store.release_lease(self.receiver, self.lease, learnt))

    def extend_lease(self, tally: BatchResults) -> bool:
        """Records the results of the batch and extends the lease, with the slots that are free now.

        Opens the breaker if it is due. Returns False if the lease has ended; the results are recorded anyway.
        """
        learnt, now = _learnt(self.health, tally), clock.now()
        until = _until(now, self.timeout_ms)
        more = [number for number in _free(self.health, clock.format_iso(now)) if number not in self.lease.numbers]
        wider = SlotLease((*self.lease.numbers, *more), until, self.lease.turn)
        for after in (wider, SlotLease(self.lease.numbers, until, self.lease.turn)):
            noted = health_store.extend_lease(self.receiver, self.lease, after, learnt)
            if noted:
                self.health, self.lease = _opened(self.receiver, tally, noted), after
                return True
            if after.numbers == self.lease.numbers:
                break
        self.health = _opened(self.receiver, tally, health_store.record_results(self.receiver, learnt))
        return False


def record_results(receiver: WebhookReceiver, health: ReceiverHealth, tally: BatchResults) -> ReceiverHealth:
    """Records the results of a batch without a slot if they change the health. Opens the breaker if it is due."""
    known = clock.format_iso(clock.now() - _NOTED_EVERY)
    stale = not health.last_delivery_at or health.last_delivery_at < known
    troubled = bool(health.failures or health.failing_since)
    first_quick = tally.is_quick and not health.quick_at
    if not (tally.failures or tally.is_slow or first_quick or (tally.succeeded and (stale or troubled))):
        return health
    return _opened(receiver, tally, health_store.record_results(receiver, _learnt(health, tally)))


def _learnt(health: ReceiverHealth, tally: BatchResults) -> HealthChange:
    now = clock.now()
    silent = clock.format_iso(now - schedule.MAX_PAUSE)
    anew = not health.failed_at or health.failed_at < silent
    return HealthChange(
        now=clock.format_iso(now),
        succeeded=tally.succeeded,
        failures=tally.failures,
        down=tally.down,
        anew=anew,
        slow_until=clock.format_iso(now + _SLOW_FOR) if tally.is_slow else None,
        quick=tally.is_quick,
        failing_id=min(tally.failed_ids, default=None),
        several=len(tally.failed_ids if anew else {*tally.failed_ids, health.failing_id} - {None}) > 1,
    )


def _opened(receiver: WebhookReceiver, tally: BatchResults, health: ReceiverHealth) -> ReceiverHealth:
    if tally.succeeded or not tally.down or health.down < OPENS_AFTER_FAILURES:
        return health
    rounds = min(health.down // OPENS_AFTER_FAILURES - 1, 10)
    return health_store.open_breaker(
        receiver, clock.format_iso(clock.now() + min(_FIRST_OPEN * 2**rounds, _LONGEST_OPEN))
    )
