"""Lanes: limit how many calls of an organization are in progress at once.

A call takes a lane in the transaction of its claim, and releases it in the transaction of its end. So no counter can
be wrong: one call holds a lane, and its lease expires if everything else is lost. The lanes of a pool are numbered
items. A claim writes only one of them, so that claims do not compete for one item.

A call that has to wait for its time (`calls.pacing`) takes its lane before it reserves a time, and holds the lane
until then. So there are never more reservations than lanes, and every call with a reservation can go at its time.

A call without a lane waits in the table, in the order of acceptance. A call may take a lane only if there are more free
lanes than calls that wait before it. The end of a call is an event, which wakes the first waiting calls
(`calls.wakeups`). The event is in the commit that releases the lane, so it cannot be lost. A call checks the lanes
again after it has started to wait.

A person who calls in cannot wait. So a call in takes any free lane, before all calls that wait. An organization with
calls in also keeps a lane for the next caller: no call out and no visitor of a page takes its lane 0. This holds for
30 days after a call in. An organization with a single lane lets calls out take it, because they wait, but no visitors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from switchboard import telemetry
from switchboard.accounts.models import Organization
from switchboard.aws import writes
from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import Writes, commit
from switchboard.calls import lanes_store, store
from switchboard.calls.jobs import WatchWaiting
from switchboard.calls.lanes_store import PoolState, ReservedTimes
from switchboard.calls.models import Call
from switchboard.kit import chance, clock
from switchboard.persistence.collection import next_version
from switchboard.persistence.listing import place_of
from switchboard.persistence.optimistic import AlreadyRecordedError, StaleVersionError
from switchboard.timers import service as timers

#: How long an accepted call may wait to be dialed: for a lane, for its turn on a number, or for a busy provider.
#: People who asked for a call do not expect it later. The time is also short enough for a timer of the outbox.
WAIT_LIMIT = timedelta(minutes=15)
#: Longer than any call can be in progress: ten minutes to confirm, one hour unconfirmed, one hour answered, and a
#: margin for late timers.
LEASE = timedelta(hours=3)
#: The number of lanes for calls of test keys. They are separate, so that tests never delay live calls.
MAX_SIMULATED_CALLS = 10
#: When a waiting call first checks for a lane by itself, in case its wake-up was lost. The time then doubles.
FIRST_CHECK_DELAY = timedelta(minutes=1)

#: How long a call in keeps a lane for the next one, and how much of that may pass before the mark is written again.
CALLERS_KEPT, _MARK_INTERVAL = timedelta(days=30), timedelta(days=1)
#: The lane that calls out leave free, and the fewest lanes of an organization that keeps it.
_CALLERS_LANE, _MIN_SHARED_LANES = 0, 2

LIVE_POOL, TEST_POOL = "live", "test"
#: How long a turn on a shared number is kept after the call's reserved time.
TURN_LEASE = timedelta(minutes=1)


class LaneTakenError(Exception):
    """Another call took the lane."""

    def __init__(self, _: list[Item | None]) -> None:
        super().__init__("the lane was taken")


@dataclass(frozen=True)
class Pool:
    """A group of lanes that an organization's calls share."""

    org_id: str
    name: str
    size: int


class Lane(NamedTuple):
    """A lane for a call: a free lane, or the lane that the call holds. `waits` means that the call is waiting.

    Another job of the call may let it wait at any time. So every write that takes a lane also ends the waiting.
    """

    pool: Pool
    number: int
    waits: bool
    held: bool = False

    @property
    def ref(self) -> str:
        """The name of the lane in the call's field `lane`."""
        return f"{self.pool.name}|{self.number}"

    def take_writes(self, call: Call, until: datetime | None = None, moments: ReservedTimes | None = None) -> Writes:
        """Returns the writes that take the lane, or None if the call holds it.

        The writes raise LaneTakenError at commit.
        """
        if self.held:
            return None
        org_id, name = self.pool.org_id, self.pool.name
        end = until or clock.now() + LEASE
        return [
            lanes_store.take_lane_writes(org_id, name, self.number, call.id, end, moments or {}, LaneTakenError),
            lanes_store.delete_waiting_writes(org_id, name, lane_position(call)),
        ]


def lane_position(call: Call) -> str:
    return place_of(call.created_at, call.id)


def lane_pool(org: Organization, call: Call) -> Pool:
    """Returns the pool of lanes for a call."""
    return Pool(org.id, lane_pool_name(call), MAX_SIMULATED_CALLS if call.simulated else org.terms.concurrent_calls)


def lane_pool_name(call: Call) -> str:
    """Returns the name of the pool of lanes for a call."""
    return TEST_POOL if call.simulated else LIVE_POOL


def find_lane(org: Organization, call: Call) -> Lane | None:
    """Returns the lane that the call holds or may take. Without a lane the call waits, and is woken later."""
    pool = lane_pool(org, call)
    if call.lane:
        return Lane(pool, int(call.lane.rpartition("|")[2]), waits=False, held=True)
    return find_lane_or_wait(pool, call)


def find_lane_or_wait(pool: Pool, call: Call) -> Lane | None:
    """Finds a lane in a pool for a call that holds none. Without a lane the call waits, and is woken later."""
    return _find_free_lane(pool, call) or start_waiting(pool, call, _watch_writes(call))


def start_waiting(pool: Pool, call: Call, *beside: Writes) -> Lane | None:
    """Lets a call wait, and checks for a free lane once more."""
    if not _add_waiting_call(pool, call, *beside):
        return None
    # A lane that was released just before the call began to wait woke nobody.
    return _find_free_lane(pool, call)


def take_lane(call: Call, lane: Lane | None, moments: ReservedTimes) -> tuple[Call, Lane] | None:
    """Takes a lane for a call that waits for its time. Returns the changed call and its lane, or `None`."""
    while lane:
        kept = next_version(call, lane=lane.ref)
        # A call that waits for a lane already has a timer.
        watch = None if lane.waits else _watch_writes(call)
        try:
            commit(store.CALLS.save_write(kept), lane.take_writes(call, moments=moments), watch)
        except StaleVersionError:
            return None
        except LaneTakenError:
            lane = find_lane_or_wait(lane.pool, call)
        else:
            return kept, lane._replace(waits=False, held=True)
    return None


def get_reserved_times(call: Call, lane: Lane) -> ReservedTimes:
    """Returns the reserved times of a call, which its lane stores."""
    return lanes_store.get_reserved_times(lane.pool.org_id, lane.pool.name, lane.number, call.id) if lane.held else {}


def keep_reserved_times_writes(call: Call, lane: Lane, moments: ReservedTimes) -> Writes:
    """Returns the write that stores a call's reserved times in its lane.

    Raises StaleVersionError if the call lost the lane.
    """
    until = clock.now() + LEASE
    return lanes_store.keep_lane_writes(
        lane.pool.org_id, lane.pool.name, lane.number, call.id, until, moments, StaleVersionError
    )


def _find_free_lane(pool: Pool, call: Call) -> Lane | None:
    return choose_free_lane(read_pool_state(pool), pool, call)


def find_lane_for_caller(pool: Pool) -> Lane | None:
    """Returns a free lane for a call in, or `None`. The calls that wait do not count: the caller cannot wait.

    From then on, the pool keeps a lane for callers.
    """
    found = read_pool_state(pool)
    if _is_mark_due(found):
        writes.write_item(lanes_store.mark_callers_write(pool.org_id, pool.name, clock.now() + CALLERS_KEPT))
    return _choose_lane(pool, _list_free_lanes(found, pool.size))


def find_lane_for_visitor(pool: Pool) -> Lane | None:
    """Returns a free lane for a visitor of a page, or `None`. Visitors leave the lane that is kept for callers."""
    found = read_pool_state(pool)
    free = _list_free_lanes(found, pool.size)
    if found.callers_until is not None:
        free = [number for number in free if number != _CALLERS_LANE]
    return _choose_lane(pool, free)


def _choose_lane(pool: Pool, free: Sequence[int]) -> Lane | None:
    # By chance: calls at the same time that all take the lowest lane would conflict.
    return Lane(pool, free[chance.below(len(free))], waits=False) if free else None


def _is_mark_due(found: PoolState) -> bool:
    if found.callers_until is None:
        return True
    return clock.parse(found.callers_until) < clock.now() + CALLERS_KEPT - _MARK_INTERVAL


def choose_free_lane(found: PoolState, pool: Pool, call: Call) -> Lane | None:
    mine = lane_position(call)
    free = list_lanes_for_calls_out(found, pool.size)
    before = sum(1 for place in found.waiting if place < mine)
    if before >= len(free):
        return None
    return Lane(pool, free[chance.below(len(free))], mine in found.waiting)


def read_pool_state(pool: Pool) -> PoolState:
    return lanes_store.read_pool(pool.org_id, pool.name, max(pool.size, 1), clock.now() - WAIT_LIMIT)


def list_lanes_for_calls_out(found: PoolState, size: int) -> list[int]:
    """Returns the free lanes that calls out may take: all but the lane that is kept for callers."""
    kept = found.callers_until is not None and size >= _MIN_SHARED_LANES
    return [number for number in _list_free_lanes(found, size) if not (kept and number == _CALLERS_LANE)]


def _list_free_lanes(found: PoolState, size: int) -> list[int]:
    """Returns the lanes that may be taken: the lowest free numbers, as many as the cap still allows.

    So a lowered cap applies at once, even if lanes above it are held. Slightly old data do no harm: only a call that
    takes a lane removes it from this list.
    """
    left = size - len(found.held)
    free: list[int] = []
    number = 0
    while len(free) < left:
        if number not in found.held:
            free.append(number)
        number += 1
    return free


def _watch_writes(call: Call) -> Writes:
    look = WatchWaiting(org_id=call.org_id, call_id=call.id)
    return timers.schedule(look, clock.now() + FIRST_CHECK_DELAY).write


def _add_waiting_call(pool: Pool, call: Call, *beside: Writes) -> bool:
    """Lets a call wait. Returns False if the call has changed since it was read: another dialer has it."""
    try:
        commit(
            lanes_store.waiting_writes(pool.org_id, pool.name, lane_position(call)),
            store.unchanged_check(call),
            *beside,
        )
    except AlreadyRecordedError:
        return True
    except StaleVersionError:
        return False
    telemetry.emit_metric("CallWaits")
    telemetry.logger().info("call waits", extra={"call_id": call.id, "pool": pool.name.partition("#")[0]})
    return True
