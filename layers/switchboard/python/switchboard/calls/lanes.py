"""Lanes: how many calls of an organization are under way at once.

A call takes a lane in the transaction that claims it, and gives it back in the transaction that ends it. So no counter
can drift: a lane is held by one call, and a lease ends by itself if everything else is lost. The lanes of a pool are
numbered items. A claim writes one of them, so that no item is part of every claim.

A call that has to wait for its moment (`calls.pacing`) takes its lane before it reserves one, and holds it until then.
So there are never more reservations than lanes, and none of a call that could not go at its moment.

A call without a lane waits in the table, in the order of acceptance. A call may take a lane only if there are more free
lanes than calls that wait before it. The end of a call is an event, which wakes the first that wait (`calls.waking`):
the event is in the commit that gives the lane back, so that it cannot be lost, and a call looks again after it has
joined those that wait.
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

#: How long a call may wait to be dialled, from its acceptance: for a lane, for its turn on a number, for a provider
#: that has no room. People who asked for a call do not expect it later, and its watch leaves by the outbox.
WAIT_LIMIT = timedelta(minutes=15)
#: Longer than any call can be under way: ten minutes, unconfirmed for an hour, answered for another, and a margin for
#: timers that come late.
LEASE = timedelta(hours=3)
#: Lanes of calls with test keys. They are apart, so that tests never hold up live calls.
SIMULATED_LANES = 10
#: When a call that waits looks again for itself, should nobody wake it; each time after twice as long.
FIRST_LOOK = timedelta(minutes=1)

_LIVE, _TEST = "live", "test"
#: How long the turn on a shared number is kept for a call that does not come at its moment.
_TURN_KEPT = timedelta(minutes=1)


class Taken(Exception):
    """Another call took the lane."""

    def __init__(self, _: list[Item | None]) -> None:
        super().__init__("the lane was taken")


@dataclass(frozen=True)
class Pool:
    """The lanes that calls of an organization share."""

    org_id: str
    name: str
    size: int


class Lane(NamedTuple):
    """A lane for a call: a free one, or one that the call holds. `waits` says that the call is among those that wait.

    Another job of the call may put it there at any moment, so that whatever takes a lane takes it out of them.
    """

    pool: Pool
    number: int
    waits: bool
    held: bool = False

    @property
    def ref(self) -> str:
        """What the call remembers it by."""
        return f"{self.pool.name}|{self.number}"

    def take_writes(self, call: Call, until: datetime | None = None, moments: Moments | None = None) -> Writes:
        """The writes that take it, for the claim's commit; none where the call holds it. Raise Taken."""
        if self.held:
            return None
        org_id, name = self.pool.org_id, self.pool.name
        end = until or clock.now() + LEASE
        return [
            lanes_store.take(org_id, name, self.number, call.id, end, moments or {}, Taken),
            lanes_store.delete_waiting(org_id, name, _place(call)),
        ]


class Turns(NamedTuple):
    """Turns of an organization's calls where tenants share a pace: the one that a call has, or one that it may take."""

    mine: int | None
    free: Lane | None


def _place(call: Call) -> str:
    return place_of(call.created_at, call.id)


def pool_of(org: Organisation, call: Call) -> Pool:
    """The lanes for a call."""
    return Pool(org.id, _TEST, SIMULATED_LANES) if call.simulated else Pool(org.id, _LIVE, org.terms.concurrent_calls)


def turns_of(call: Call) -> Pool:
    """The lanes that stand for the next turns of an organization's calls where tenants share a pace.

    There are as many as calls of one second, so that an organization that is alone can have the whole pace.
    """
    return Pool(call.org_id, f"number#{placing.shared_pace(call)}", max(1, math.ceil(placing.pace(call).rate)))


def find(org: Organisation, call: Call) -> Lane | None:
    """The lane that the call holds or may take; without one it waits from now on, and is woken."""
    pool = pool_of(org, call)
    if call.lane:
        return Lane(pool, int(call.lane.rpartition("|")[2]), waits=False, held=True)
    return seek(pool, call)


def seek(pool: Pool, call: Call) -> Lane | None:
    """As `find`, in a pool, for a call that holds no lane."""
    return _free_for(pool, call) or _join(pool, call, _watch(call))


def _join(pool: Pool, call: Call, *beside: Writes) -> Lane | None:
    """Let a call wait, and look once more."""
    if not _wait(pool, call, *beside):
        return None
    # A lane that was given back between the look and the waiting woke nobody.
    return _free_for(pool, call)


def hold(call: Call, lane: Lane | None, moments: Moments) -> tuple[Call, Lane] | None:
    """Take a lane for a call that waits for its moment: the call as it is then. `None` where there is none any more."""
    while lane:
        kept = moved(call, lane=lane.ref)
        # A call that waits for a lane is watched already.
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
    """The moments of a call in the limits of calls a second, as its lane says."""
    return lanes_store.moments(lane.pool.org_id, lane.pool.name, lane.number, call.id) if lane.held else {}


def keep_writes(call: Call, lane: Lane, moments: Moments) -> Writes:
    """The write that notes a call's moments in the lane that it holds. Raises Moved where it holds it no more."""
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
    """The lanes that may be taken: the lowest that are free, as many as are left of the cap.

    So a cap that was lowered counts at once, also while lanes above it are held. A look that is a moment old does no
    harm: a lane stops being one of these only when somebody takes it.
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
    """Let a call wait. Returns False where it is no more as it was read: another dialler has it."""
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
    """The ids of the calls for which there is room now, in what a call gave back or waited for itself."""
    ids: dict[str, None] = {}
    for name in _pools_of(call):
        if lanes_store.anyone_waits(call.org_id, name):
            pool = turns_of(call) if _is_turn(name) else pool_of(accounts.organisation(call.org_id), call)
            ids |= dict.fromkeys(_first_of(pool))
    return list(ids)


def first_of_organization(org_id: str) -> list[str]:
    """The ids of an organization's calls for which there is a lane now."""
    if not lanes_store.anyone_waits(org_id, _LIVE):
        return []
    return _first_of(Pool(org_id, _LIVE, accounts.organisation(org_id).terms.concurrent_calls))


def _first_of(pool: Pool) -> list[str]:
    found = _read(pool)
    return [place.rpartition("#")[2] for place in found.waiting[: len(_free(found, pool.size))]]


def _pools_of(call: Call) -> list[str]:
    """The names of the pools that a call may wait in."""
    return [_TEST if call.simulated else _LIVE, *([turns_of(call).name] if placing.shared_pace(call) else [])]


def _is_turn(name: str) -> bool:
    return name not in (_LIVE, _TEST)


def turns(call: Call) -> Turns:
    """The turn that a call has where tenants share a pace, or may take."""
    return _turns_in(turns_of(call), call)


def _turns_in(pool: Pool, call: Call) -> Turns:
    found = _read(pool)
    mine = next((number for number, held in found.held.items() if held.call_id == call.id), None)
    return Turns(mine, _free_in(found, pool, call) if mine is None else None)


def take_turn(call: Call, turn: Lane | None, kept: Writes) -> int | None:
    """Take a turn for a call that holds a lane and will reserve a moment; without one it waits, and is woken.

    `kept` is written where it begins to wait.
    """
    pool = turns_of(call)
    while turn := turn or _join(pool, call, kept):
        try:
            commit(turn.take_writes(call, clock.now() + _TURN_KEPT), store.check_unchanged(call))
        except Moved:
            return None
        except Taken:
            # Each time another call of the organization had it: this ends with a turn, or when none is left.
            turn = _turns_in(pool, call).free
        else:
            return turn.number
    return None


def keep_turn_writes(call: Call, number: int, due: datetime) -> Writes:
    """The write that keeps a turn until the moment that the call has reserved. Raises Taken."""
    return lanes_store.keep(call.org_id, turns_of(call).name, number, call.id, due + _TURN_KEPT, {}, Taken)


def leave_turn_writes(call: Call, number: int | None) -> Writes:
    """The writes that give a turn back, and take the call out of those that wait for one."""
    name = turns_of(call).name
    return [
        lanes_store.delete_waiting(call.org_id, name, _place(call)),
        lanes_store.give_back(call.org_id, name, number, call.id) if number is not None else None,
    ]


def leave_writes(call: Call) -> Writes:
    """The writes that give back a call's lane and turn, and its place among those that wait, for the commit that ends
    it.

    `call` is as it was before that. A call that was claimed waits nowhere: its claim took it out of the lines, and
    nothing puts it back.
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
        # Only a call that holds a lane has a turn.
        turn = leave_turn_writes(call, turns(call).mine if call.lane else None)
    return [lane, line, turn]


def why_not_dialled(call: Call) -> tuple[EndReason, str]:
    """Why a call that may wait no longer was not dialled."""
    minutes = round((clock.now() - clock.parse(call.created_at)).total_seconds() / 60)
    pool = _TEST if call.simulated else _LIVE
    pools = [pool, *([turns_of(call).name] if placing.shared_pace(call) else [])]
    for_lane, *for_turn = lanes_store.waits(call.org_id, pools, _place(call))
    if for_lane:
        cap = SIMULATED_LANES if call.simulated else accounts.organisation(call.org_id).terms.concurrent_calls
        kind = "calls of test keys" if call.simulated else "calls"
        return EndReason.CONCURRENCY_LIMIT, (
            f"waited {minutes} minutes: the organization's cap of {cap} concurrent {kind} was reached all the time"
        )
    if any(for_turn) or call.lane:
        return EndReason.RATE_LIMIT, (
            f"waited {minutes} minutes for a turn on {call.from_number}: it places a limited number of calls a second"
        )
    if call.claim:
        return EndReason.PROVIDER_UNAVAILABLE, f"the provider had no room in {minutes} minutes"
    return EndReason.TIMEOUT, f"the call was not dialled in {minutes} minutes"
