"""The breaker and the slots: what keeps an endpoint that is slow or dead from being in anybody's way.

An endpoint that answers at once needs neither: a batch sends to it and writes nothing of its health. An endpoint that
is new, or could not be reached the last time, has one slot, so that it never holds more than one worker. One that
answered, but let a batch wait, has ten for a while. After several failures in a row the breaker opens: nothing is sent
for a while, then one batch tries. An endpoint that is slow is served by workers of its own kind, and so is one that
has never answered quickly: a worker that other organizations wait for does not find out how long it takes.

What finds no slot is parked (`parking`). One worker at a time has the turn to send what is parked, with all slots that
are free (`pulling`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from switchboard.aws import chance, clock
from switchboard.webhooks import health_store, schedule
from switchboard.webhooks.health_store import SLOTS, BusyError, HealthChange, Lease
from switchboard.webhooks.models import Health
from switchboard.webhooks.receivers import Receiver

#: So many failures in a row, at which it could not be reached or asked us to stay away, open the breaker.
OPENS_AFTER = 5
_FIRST_OPEN, _LONGEST_OPEN = timedelta(seconds=30), timedelta(minutes=15)
#: An answer that took longer than this makes an endpoint a slow one, for as long as `_SLOW_FOR`.
SLOW_MS = 3_000
_SLOW_FOR = timedelta(minutes=10)
#: A worker that is not for slow endpoints waits so long for an answer, then leaves the delivery to one that is.
FAST_SECONDS = 5.0
#: A batch that waited so long for an answer lets the others take slots, for as long as `_WARY_FOR`.
WARY_SECONDS = 1.0
_WARY_FOR = timedelta(minutes=1)
#: How often the health of an endpoint that is well is noted.
_NOTED_EVERY = timedelta(minutes=1)
#: How much longer than an attempt a slot is leased: for what comes before and after.
LEASE_MARGIN = timedelta(seconds=10)
_TRIES = 3

#: How a slot is chosen. Tests replace it.
choose: Callable[[int], int] = chance.below


class Deferred(Exception):
    """Nothing may be sent now. `health` tells why, as it was last seen."""

    def __init__(self, health: Health) -> None:
        super().__init__("no slot is free, or the breaker is open")
        self.health = health


@dataclass(slots=True)
class Tally:
    """What a batch learns of an endpoint while it holds a slot."""

    succeeded: bool = False
    failures: int = 0
    down: int = 0
    slowest_ms: int = 0
    answered: bool = False
    hung: bool = False
    failed_ids: set[str] = field(default_factory=set)

    @property
    def slow(self) -> bool:
        """Whether something took too long for the workers that everybody shares."""
        return self.hung or self.slowest_ms > SLOW_MS

    @property
    def quick(self) -> bool:
        """Whether there was an answer, of whatever status, and nothing took too long."""
        return self.answered and not self.slow

    def note(
        self, *, succeeded: bool, down: bool, milliseconds: int, answered: bool = True, delivery_id: str = ""
    ) -> None:
        """Count one attempt."""
        if not succeeded:
            self.failed_ids.add(delivery_id)
        self.answered = self.answered or answered
        self.succeeded = self.succeeded or succeeded
        self.failures += not succeeded
        self.down += down
        self.slowest_ms = max(self.slowest_ms, milliseconds)


def is_slow(health: Health) -> bool:
    """Whether an endpoint is served by the workers for slow ones: it was slow, or has no record of a quick answer."""
    return not health.quick_at or bool(health.slow_until and health.slow_until > clock.stamp())


def needs_slot(health: Health) -> bool:
    """Whether a batch has to take a slot: not of an endpoint that has been answering at once."""
    return (
        not health.last_success_at or health.down > 0 or bool(health.wary_until and health.wary_until > clock.stamp())
    )


def is_open(health: Health) -> bool:
    """Whether the breaker is open: nothing may be sent."""
    return bool(health.open_until and health.open_until > clock.stamp())


def be_wary(receiver: Receiver) -> None:
    """Let the others take slots: a batch is kept waiting."""
    health_store.be_wary(receiver, clock.iso(clock.now() + _WARY_FOR))


def held_until(health: Health) -> str | None:
    """When the last lease that others hold ends by itself, `None` where nobody holds one."""
    leases = [*health.slots.values(), *([health.turn_until] if health.turn_until else [])]
    return max((one for one in leases if one > clock.stamp()), default=None)


def _free(health: Health, now: str) -> list[int]:
    allowed = SLOTS if health.last_success_at and not health.down else 1
    return [number for number in range(allowed) if health.slots.get(number, "") < now]


def _until(now: datetime, timeout_ms: int) -> str:
    return clock.iso(now + timedelta(milliseconds=timeout_ms) + LEASE_MARGIN)


def take(receiver: Receiver, timeout_ms: int, health: Health, *, turn: bool = False) -> Slots:
    """Take a slot, as a receiver's health allows; with the `turn` all that are free.

    Raises Deferred when there is none, the breaker is open, or another worker has the turn.
    """
    now = clock.now()
    stamp = clock.iso(now)
    for _ in range(_TRIES):
        free = _free(health, stamp)
        if is_open(health) or not free or (turn and health.turn_until and health.turn_until >= stamp):
            break
        lease = Lease(tuple(free) if turn else (free[choose(len(free))],), _until(now, timeout_ms), turn)
        try:
            taken = health_store.take(receiver, lease, stamp)
        except BusyError as busy:
            health = busy.health
            continue
        return Slots(receiver, timeout_ms, taken, lease)
    raise Deferred(health)


@dataclass(slots=True)
class Slots:
    """Slots that this worker holds, and the receiver's health when it was last seen."""

    receiver: Receiver
    timeout_ms: int
    health: Health
    lease: Lease

    def give_back(self, tally: Tally) -> Health:
        """Give it back with what was learnt, and open the breaker if that is due."""
        learnt = _learnt(self.health, tally)
        return _opened(self.receiver, tally, health_store.give_back(self.receiver, self.lease, learnt))

    def keep(self, tally: Tally) -> bool:
        """Note what was learnt and hold the lease longer, with the slots that are free now.

        Opens the breaker if that is due. Returns False where the lease has ended: what was learnt is noted.
        """
        learnt, now = _learnt(self.health, tally), clock.now()
        until = _until(now, self.timeout_ms)
        more = [number for number in _free(self.health, clock.iso(now)) if number not in self.lease.numbers]
        wider = Lease((*self.lease.numbers, *more), until, self.lease.turn)
        for after in (wider, Lease(self.lease.numbers, until, self.lease.turn)):
            noted = health_store.keep(self.receiver, self.lease, after, learnt)
            if noted:
                self.health, self.lease = _opened(self.receiver, tally, noted), after
                return True
            if after.numbers == self.lease.numbers:
                break
        self.health = _opened(self.receiver, tally, health_store.note(self.receiver, learnt))
        return False


def note(receiver: Receiver, health: Health, tally: Tally) -> Health:
    """Note what a batch without a slot learnt, where it is news, and open the breaker if that is due."""
    known = clock.iso(clock.now() - _NOTED_EVERY)
    stale = not health.last_delivery_at or health.last_delivery_at < known
    troubled = bool(health.failures or health.failing_since)
    first_quick = tally.quick and not health.quick_at
    if not (tally.failures or tally.slow or first_quick or (tally.succeeded and (stale or troubled))):
        return health
    return _opened(receiver, tally, health_store.note(receiver, _learnt(health, tally)))


def _learnt(health: Health, tally: Tally) -> HealthChange:
    now = clock.now()
    silent = clock.iso(now - schedule.LONGEST_PAUSE)
    anew = not health.failed_at or health.failed_at < silent
    return HealthChange(
        now=clock.iso(now),
        succeeded=tally.succeeded,
        failures=tally.failures,
        down=tally.down,
        anew=anew,
        slow_until=clock.iso(now + _SLOW_FOR) if tally.slow else None,
        quick=tally.quick,
        failing_id=min(tally.failed_ids, default=None),
        several=len(tally.failed_ids if anew else {*tally.failed_ids, health.failing_id} - {None}) > 1,
    )


def _opened(receiver: Receiver, tally: Tally, health: Health) -> Health:
    if tally.succeeded or not tally.down or health.down < OPENS_AFTER:
        return health
    rounds = min(health.down // OPENS_AFTER - 1, 10)
    return health_store.open_breaker(receiver, clock.iso(clock.now() + min(_FIRST_OPEN * 2**rounds, _LONGEST_OPEN)))
