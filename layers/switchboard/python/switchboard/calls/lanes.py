"""Lanes: limit how many calls of an organization are in progress at once.

A call takes a lane in the transaction of its claim, and releases it in the transaction of its end. So no counter can
be wrong: one call holds a lane, and its lease expires if everything else is lost. The lanes of a pool are numbered
items. A claim writes only one of them, so that claims do not compete for one item.

A call that has to wait for its time (`calls.pacing`) takes its lane before it reserves a time, and holds the lane
until then. So there are never more reservations than lanes, and every call with a reservation can go at its time.

A call without a lane waits in the table, in the order of acceptance. A call may take a lane only if there are more free
lanes than calls that wait before it. The end of a call is an event, which wakes the first waiting calls
(`calls.waking`). The event is in the commit that releases the lane, so it cannot be lost. A call checks the lanes again
after it has started to wait.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from switchboard import telemetry
from switchboard.accounts import service as accounts
from switchboard.accounts.models import Organisation
from switchboard.aws import chance, clock
from switchboard.aws.table import Item, Writes, commit
from switchboard.calls import lanes_store, placing, store
from switchboard.calls.jobs import WatchWaiting
from switchboard.calls.lanes_store import Moments, Standing
from switchboard.calls.models import Call, State
from switchboard.carriers.voice.reports import EndReason
from switchboard.kit.change import Moved, Recorded
from switchboard.kit.collection import moved
from switchboard.kit.listing import place_of
from switchboard.timers import service as timers

#: How long an accepted call may wait to be dialed: for a lane, for its turn on a number, or for a busy provider.
#: People who asked for a call do not expect it later. The time is also short enough for a timer of the outbox.
WAIT_LIMIT = timedelta(minutes=15)
#: Longer than any call can be in progress: ten minutes to confirm, one hour unconfirmed, one hour answered, and a
#: margin for late timers.
LEASE = timedelta(hours=3)
#: The number of lanes for calls of test keys. They are separate, so that tests never delay live calls.
SIMULATED_LANES = 10
#: When a waiting call first checks for a lane by itself, in case its wake-up was lost. The time then doubles.
FIRST_LOOK = timedelta(minutes=1)

_LIVE, _TEST = "live", "test"
#: How long a turn on a shared number is kept after the call's reserved time.
_TURN_KEPT = timedelta(minutes=1)


class Taken(Exception):
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

    def take_writes(self, call: Call, until: datetime | None = None, moments: Moments | None = None) -> Writes:
        """Returns the writes that take the lane, or None if the call holds it. The writes raise Taken at commit."""
        if self.held:
            return None
        org_id, name = self.pool.org_id, self.pool.name
        end = until or clock.now() + LEASE
        return [
            lanes_store.take(org_id, name, self.number, call.id, end, moments or {}, Taken),
            lanes_store.delete_waiting(org_id, name, _place(call)),
        ]


class Turns(NamedTuple):
    """The turn that a call has in a shared pace, or a free turn that it may take."""

    mine: int | None
    free: Lane | None


def _place(call: Call) -> str:
    return place_of(call.created_at, call.id)


def pool_of(org: Organisation, call: Call) -> Pool:
    """Returns the pool of lanes for a call."""
    return Pool(org.id, _TEST, SIMULATED_LANES) if call.simulated else Pool(org.id, _LIVE, org.terms.concurrent_calls)


def turns_of(call: Call) -> Pool:
    """Returns the pool of turns of an organization's calls in a shared pace. A turn is stored as a lane.

    The pool has as many turns as calls of one second, so that a single organization can use the whole pace.
    """
    return Pool(call.org_id, f"number#{placing.shared_pace(call)}", max(1, math.ceil(placing.pace(call).rate)))


def find(org: Organisation, call: Call) -> Lane | None:
    """Returns the lane that the call holds or may take. Without a lane the call waits, and is woken later."""
    pool = pool_of(org, call)
    if call.lane:
        return Lane(pool, int(call.lane.rpartition("|")[2]), waits=False, held=True)
    return seek(pool, call)


def seek(pool: Pool, call: Call) -> Lane | None:
    """Finds a lane in a pool for a call that holds none. Without a lane the call waits, and is woken later."""
    return _free_for(pool, call) or _join(pool, call, _watch(call))


def _join(pool: Pool, call: Call, *beside: Writes) -> Lane | None:
    """Lets a call wait, and checks for a free lane once more."""
    if not _wait(pool, call, *beside):
        return None
    # A lane that was released just before the call began to wait woke nobody.
    return _free_for(pool, call)


def hold(call: Call, lane: Lane | None, moments: Moments) -> tuple[Call, Lane] | None:
    """Takes a lane for a call that waits for its time. Returns the changed call and its lane, or `None`."""
    while lane:
        kept = moved(call, lane=lane.ref)
        # A call that waits for a lane already has a timer.
        watch = None if lane.waits else _watch(call)
        try:
            commit(store.CALLS.save(kept), lane.take_writes(call, moments=moments), watch)
        except Moved:
            return None
        except Taken:
            lane = seek(lane.pool, call)
        else:
            return kept, lane._replace(waits=False, held=True)
    return None


def moments(call: Call, lane: Lane) -> Moments:
    """Returns the reserved times of a call, which its lane stores."""
    return lanes_store.moments(lane.pool.org_id, lane.pool.name, lane.number, call.id) if lane.held else {}


def keep_writes(call: Call, lane: Lane, moments: Moments) -> Writes:
    """Returns the write that stores a call's reserved times in its lane. Raises Moved if the call lost the lane."""
    until = clock.now() + LEASE
    return lanes_store.keep(lane.pool.org_id, lane.pool.name, lane.number, call.id, until, moments, Moved)


def _free_for(pool: Pool, call: Call) -> Lane | None:
    return _free_in(_read(pool), pool, call)


def _free_in(found: Standing, pool: Pool, call: Call) -> Lane | None:
    mine = _place(call)
    free = _free(found, pool.size)
    before = sum(1 for place in found.waiting if place < mine)
    if before >= len(free):
        return None
    return Lane(pool, free[chance.below(len(free))], mine in found.waiting)


def _read(pool: Pool) -> Standing:
    return lanes_store.read(pool.org_id, pool.name, max(pool.size, 1), clock.now() - WAIT_LIMIT)


def _free(found: Standing, size: int) -> list[int]:
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


def _watch(call: Call) -> Writes:
    look = WatchWaiting(org_id=call.org_id, call_id=call.id)
    return timers.later(look, clock.now() + FIRST_LOOK).write


def _wait(pool: Pool, call: Call, *beside: Writes) -> bool:
    """Lets a call wait. Returns False if the call has changed since it was read: another dialer has it."""
    try:
        commit(lanes_store.put_waiting(pool.org_id, pool.name, _place(call)), store.check_unchanged(call), *beside)
    except Recorded:
        return True
    except Moved:
        return False
    telemetry.metric("CallWaits")
    telemetry.logger().info("call waits", extra={"call_id": call.id, "pool": pool.name.partition("#")[0]})
    return True


def first_waiting(call: Call) -> list[str]:
    """Returns the ids of waiting calls that can go now, from the pools that the given call uses."""
    ids: dict[str, None] = {}
    for name in _pools_of(call):
        if lanes_store.anyone_waits(call.org_id, name):
            pool = turns_of(call) if _is_turn(name) else pool_of(accounts.organisation(call.org_id), call)
            ids |= dict.fromkeys(_first_of(pool))
    return list(ids)


def first_of_organization(org_id: str) -> list[str]:
    """Returns the ids of an organization's waiting calls that can get a lane now."""
    if not lanes_store.anyone_waits(org_id, _LIVE):
        return []
    return _first_of(Pool(org_id, _LIVE, accounts.organisation(org_id).terms.concurrent_calls))


def _first_of(pool: Pool) -> list[str]:
    found = _read(pool)
    return [place.rpartition("#")[2] for place in found.waiting[: len(_free(found, pool.size))]]


def _pools_of(call: Call) -> list[str]:
    """Returns the names of the pools in which a call may wait."""
    return [_TEST if call.simulated else _LIVE, *([turns_of(call).name] if placing.shared_pace(call) else [])]


def _is_turn(name: str) -> bool:
    return name not in (_LIVE, _TEST)


def turns(call: Call) -> Turns:
    """Returns the turn that a call has in a shared pace, or may take."""
    return _turns_in(turns_of(call), call)


def _turns_in(pool: Pool, call: Call) -> Turns:
    found = _read(pool)
    mine = next((number for number, held in found.held.items() if held.call_id == call.id), None)
    return Turns(mine, _free_in(found, pool, call) if mine is None else None)


def take_turn(call: Call, turn: Lane | None, kept: Writes) -> int | None:
    """Takes a turn for a call that holds a lane and wants a time. Without a turn the call waits, and is woken later.

    `kept` are writes for the commit in which the call starts to wait. Returns the number of the turn, or `None`.
    """
    pool = turns_of(call)
    while turn := turn or _join(pool, call, kept):
        try:
            commit(turn.take_writes(call, clock.now() + _TURN_KEPT), store.check_unchanged(call))
        except Moved:
            return None
        except Taken:
            # Another call of the organization took the turn. The loop ends with a turn, or when no turn is left.
            turn = _turns_in(pool, call).free
        else:
            return turn.number
    return None


def keep_turn_writes(call: Call, number: int, due: datetime) -> Writes:
    """Returns the write that keeps a turn until the reserved time `due`. Raises Taken at commit."""
    return lanes_store.keep(call.org_id, turns_of(call).name, number, call.id, due + _TURN_KEPT, {}, Taken)


def leave_turn_writes(call: Call, number: int | None) -> Writes:
    """Returns the writes that release a turn, and end the call's waiting for a turn."""
    name = turns_of(call).name
    return [
        lanes_store.delete_waiting(call.org_id, name, _place(call)),
        lanes_store.give_back(call.org_id, name, number, call.id) if number is not None else None,
    ]


def leave_writes(call: Call) -> Writes:
    """Returns the writes that release a call's lane and turn and end its waiting, for the commit that ends the call.

    `call` is the version before that commit. A claimed call does not wait: its claim ended the waiting, and nothing
    starts it again.
    """
    lane = None
    if call.lane:
        name, _, number = call.lane.rpartition("|")
        lane = lanes_store.give_back(call.org_id, name, int(number), call.id)
    if call.state is not State.CREATED:
        return lane
    line = lanes_store.delete_waiting(call.org_id, _TEST if call.simulated else _LIVE, _place(call))
    turn = None
    if placing.shared_pace(call):
        # Only a call that holds a lane can have a turn.
        turn = leave_turn_writes(call, turns(call).mine if call.lane else None)
    return [lane, line, turn]


def why_not_dialled(call: Call) -> tuple[EndReason, str]:
    """Returns the reason and a text why a call was not dialed within its time limit."""
    minutes = round((clock.now() - clock.parse(call.created_at)).total_seconds() / 60)
    pool = _TEST if call.simulated else _LIVE
    pools = [pool, *([turns_of(call).name] if placing.shared_pace(call) else [])]
    for_lane, *for_turn = lanes_store.waits(call.org_id, pools, _place(call))
    if for_lane:
        cap = SIMULATED_LANES if call.simulated else accounts.organisation(call.org_id).terms.concurrent_calls
        kind = "calls of test keys" if call.simulated else "calls"
        return EndReason.CONCURRENCY_LIMIT, (
            f"waited {minutes} minutes: the organization's limit of {cap} concurrent {kind} was always reached"
        )
    if any(for_turn) or call.lane:
        return EndReason.RATE_LIMIT, (
            f"waited {minutes} minutes for a turn on {call.from_number}: the number has a limit of calls per second"
        )
    if call.claim:
        return EndReason.PROVIDER_UNAVAILABLE, f"the provider accepted no call for {minutes} minutes"
    return EndReason.TIMEOUT, f"the call was not dialed within {minutes} minutes"
