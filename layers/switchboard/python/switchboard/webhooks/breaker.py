"""The breaker and the slots: what keeps an endpoint that is slow or dead from being in anybody's way.

An endpoint that answers at once needs neither: a batch sends to it and writes nothing of its health. An endpoint that
is new, or could not be reached the last time, has one slot, so that it never holds more than one worker. One that
answered, but let a batch wait, has ten for a while. After several failures in a row the breaker opens: nothing is sent
for a while, then one batch tries. An endpoint that is slow is served by workers of its own kind, and so is one that
has never answered quickly: a worker that other organizations wait for does not find out how long it takes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from switchboard.aws import chance, clock
from switchboard.webhooks import schedule, store
from switchboard.webhooks.models import Endpoint, Health
from switchboard.webhooks.store import SLOTS, BusyError, HealthChange

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
_LEASE_MARGIN = timedelta(seconds=10)
_TRIES = 3

#: How a slot is chosen, and when what found none comes again. Tests replace it.
choose: Callable[[int], int] = chance.below


class Deferred(Exception):
    """Nothing may be sent to this endpoint for so many `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"deferred by {seconds} s")
        self.seconds = seconds


@dataclass(slots=True)
class Tally:
    """What a batch learns of an endpoint while it holds a slot."""

    succeeded: bool = False
    failures: int = 0
    down: int = 0
    slowest_ms: int = 0
    answered: bool = False
    hung: bool = False

    @property
    def slow(self) -> bool:
        """Whether something took too long for the workers that everybody shares."""
        return self.hung or self.slowest_ms > SLOW_MS

    @property
    def quick(self) -> bool:
        """Whether there was an answer, of whatever status, and nothing took too long."""
        return self.answered and not self.slow

    def note(self, *, succeeded: bool, down: bool, milliseconds: int, answered: bool = True) -> None:
        """Count one attempt."""
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


def be_wary(endpoint: Endpoint) -> None:
    """Let the others take slots: a batch is kept waiting."""
    store.be_wary(endpoint, clock.iso(clock.now() + _WARY_FOR))


def _allowed(health: Health) -> int:
    return SLOTS if health.last_success_at and not health.down else 1


def take(endpoint: Endpoint, health: Health) -> Slot:
    """Take a slot, as an endpoint's health allows. Raises Deferred when there is none, or the breaker is open."""
    now = clock.now()
    until = clock.iso(now + timedelta(milliseconds=endpoint.timeout_ms) + _LEASE_MARGIN)
    for _ in range(_TRIES):
        if health.open_until and health.open_until > clock.iso(now):
            wait = clock.parse(health.open_until) - now
            raise Deferred(ceil(wait.total_seconds()) + choose(5))
        free = [number for number in range(_allowed(health)) if health.slots.get(number, "") < clock.iso(now)]
        if not free:
            break
        number = free[choose(len(free))]
        try:
            store.take_slot(endpoint, number, clock.iso(now), until)
        except BusyError as busy:
            health = busy.health
            continue
        return Slot(endpoint, health, number, until)
    raise Deferred(1 + choose(3))


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot that this worker holds, and the endpoint's health when it took it."""

    endpoint: Endpoint
    health: Health
    number: int
    until: str

    def give_back(self, tally: Tally) -> Health:
        """Give it back with what was learnt, and open the breaker if that is due."""
        learnt = _learnt(self.health, tally)
        return _opened(self.endpoint, tally, store.give_back(self.endpoint, self.number, self.until, learnt))


def note(endpoint: Endpoint, health: Health, tally: Tally) -> Health:
    """Note what a batch without a slot learnt, where it is news, and open the breaker if that is due."""
    known = clock.iso(clock.now() - _NOTED_EVERY)
    stale = not health.last_delivery_at or health.last_delivery_at < known
    troubled = bool(health.failures or health.failing_since)
    first_quick = tally.quick and not health.quick_at
    if not (tally.failures or tally.slow or first_quick or (tally.succeeded and (stale or troubled))):
        return health
    return _opened(endpoint, tally, store.note(endpoint, _learnt(health, tally)))


def _learnt(health: Health, tally: Tally) -> HealthChange:
    now = clock.now()
    silent = clock.iso(now - schedule.LONGEST_PAUSE)
    return HealthChange(
        now=clock.iso(now),
        succeeded=tally.succeeded,
        failures=tally.failures,
        down=tally.down,
        anew=not health.failed_at or health.failed_at < silent,
        slow_until=clock.iso(now + _SLOW_FOR) if tally.slow else None,
        quick=tally.quick,
    )


def _opened(endpoint: Endpoint, tally: Tally, health: Health) -> Health:
    if not tally.succeeded and tally.down and health.down >= OPENS_AFTER:
        rounds = min(health.down // OPENS_AFTER - 1, 10)
        store.open_breaker(endpoint, clock.iso(clock.now() + min(_FIRST_OPEN * 2**rounds, _LONGEST_OPEN)))
    return health
