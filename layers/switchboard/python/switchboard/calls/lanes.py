"""Lanes: how many calls of an organization are under way at once.

A call takes a lane in the transaction that claims it, and gives it back in the transaction that ends it. So no counter
can drift: a lane is held by one call, and a lease ends by itself if everything else is lost. The lanes of a pool are
numbered items. A claim writes one of them, so that no item is part of every claim.

A call without a lane waits in the table, in the order of acceptance. A call may take a lane only if there are more free
lanes than calls that wait before it. The end of a call is an event, which wakes the first that wait (`calls.waking`):
the event is in the commit that gives the lane back, so that it cannot be lost, and a call looks again after it has
joined those that wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from switchboard import telemetry
from switchboard.accounts import service as accounts
from switchboard.accounts.models import Organisation
from switchboard.aws import chance, clock
from switchboard.aws.table import Item, Writes, commit
from switchboard.calls import lanes_store, placing, store
from switchboard.calls.jobs import WakeWaiting, WatchWaiting
from switchboard.calls.lanes_store import Held, Standing
from switchboard.calls.models import Call, State
from switchboard.carriers.voice.reports import EndReason
from switchboard.kit.change import Moved, Recorded
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
    """A free lane for a call. `waits` says that the call is among those that wait."""

    pool: Pool
    number: int
    waits: bool

    @property
    def ref(self) -> str:
        """What the call remembers it by."""
        return f"{self.pool.name}|{self.number}"

    def leave_line_writes(self, call: Call) -> Writes:
        """The write that takes the call out of those that wait for it."""
        return lanes_store.delete_waiting(self.pool.org_id, self.pool.name, _place(call)) if self.waits else None

    def pass_by_writes(self, call: Call) -> Writes:
        """The writes of a call that does not take it yet, for the commit that puts the call off: others may."""
        if not self.waits:
            return None
        return [
            self.leave_line_writes(call),
            timers.soon(WakeWaiting(org_id=call.org_id, call_id=call.id)),
        ]

    def take_writes(self, call: Call, until: datetime | None = None) -> Writes:
        """The writes that take it, for the claim's commit. Raise Taken."""
        org_id, name = self.pool.org_id, self.pool.name
        end = until or clock.now() + LEASE
        return [
            lanes_store.take(org_id, name, self.number, call.id, end, Taken),
            self.leave_line_writes(call),
        ]


def _place(call: Call) -> str:
    return place_of(call.created_at, call.id)


def pool_of(org: Organisation, call: Call) -> Pool:
    """The lanes for a call."""
    return Pool(org.id, _TEST, SIMULATED_LANES) if call.simulated else Pool(org.id, _LIVE, org.terms.concurrent_calls)


def turns_of(call: Call) -> Pool:
    """The one lane of an organization's calls that stands for its next turn on a number that tenants share."""
    return Pool(call.org_id, f"number#{call.from_number}", 1)


def find(org: Organisation, call: Call) -> Lane | None:
    """A lane that the call may take; without one it waits from now on, and is woken."""
    return seek(pool_of(org, call), call)


def seek(pool: Pool, call: Call, *beside: Writes) -> Lane | None:
    """As `find`, in a pool. `beside` is written where it begins to wait."""
    return _free_for(pool, call) or _join(pool, call, *beside)


def _join(pool: Pool, call: Call, *beside: Writes) -> Lane | None:
    """Let a call wait, and look once more."""
    if not _wait(pool, call, *beside):
        return None
    # A lane that was given back between the look and the waiting woke nobody.
    return _free_for(pool, call)


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


def _wait(pool: Pool, call: Call, *beside: Writes) -> bool:
    """Let a call wait. Returns False where it is no more as it was read: another dialler has it."""
    look = WatchWaiting(org_id=call.org_id, call_id=call.id)
    try:
        commit(
            lanes_store.put_waiting(pool.org_id, pool.name, _place(call)),
            store.check_unchanged(call),
            timers.later(look, clock.now() + FIRST_LOOK).write,
            *beside,
        )
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
    return [_TEST if call.simulated else _LIVE, *([turns_of(call).name] if placing.shares_number(call) else [])]


def _is_turn(name: str) -> bool:
    return name not in (_LIVE, _TEST)


def find_turn(call: Call, lane: Lane) -> Held | Lane | None:
    """The turn that a call has on its shared number, or may take. Without one it waits, and its lane is for others."""
    pool = turns_of(call)
    found = _read(pool)
    has = found.held.get(0)
    if has and has.call_id == call.id:
        return has
    return _free_in(found, pool, call) or _join(pool, call, lane.pass_by_writes(call))


def take_turn(turn: Lane, call: Call) -> Held | None:
    """Take the turn, for a call that will reserve a moment; `None` where another call of the organization took it."""
    until = clock.now() + _TURN_KEPT
    try:
        commit(turn.take_writes(call, until))
    except Taken:
        return None
    return Held(call.id, clock.iso(until), None)


def keep_turn_writes(call: Call, due: datetime) -> Writes:
    """The write that keeps the turn until the moment that the call has reserved. Raises Taken."""
    return lanes_store.keep(call.org_id, turns_of(call).name, 0, call.id, due + _TURN_KEPT, clock.iso(due), Taken)


def give_back_turn(call: Call) -> Writes:
    """The write that gives the turn back."""
    return lanes_store.give_back(call.org_id, turns_of(call).name, 0, call.id)


def leave_writes(call: Call) -> Writes:
    """The writes that give back a call's lane, or its place among those that wait, for the commit that ends it.

    `call` is as it was before that. A call that left before leaves nothing.
    """
    if call.lane:
        name, _, number = call.lane.rpartition("|")
        return [lanes_store.give_back(call.org_id, name, int(number), call.id)]
    if call.state is not State.CREATED:
        return None
    pools = _pools_of(call)
    return [
        *(lanes_store.delete_waiting(call.org_id, name, _place(call)) for name in pools),
        *(lanes_store.give_back(call.org_id, name, 0, call.id) for name in pools if _is_turn(name)),
    ]


def why_not_dialled(call: Call) -> tuple[EndReason, str]:
    """Why a call that may wait no longer was not dialled."""
    minutes = round((clock.now() - clock.parse(call.created_at)).total_seconds() / 60)
    pool = _TEST if call.simulated else _LIVE
    for_lane, for_turn = lanes_store.waits(call.org_id, [pool, turns_of(call).name], _place(call))
    if for_lane:
        cap = SIMULATED_LANES if call.simulated else accounts.organisation(call.org_id).terms.concurrent_calls
        kind = "calls of test keys" if call.simulated else "calls"
        return EndReason.CONCURRENCY_LIMIT, (
            f"waited {minutes} minutes: the organization's cap of {cap} concurrent {kind} was reached all the time"
        )
    if for_turn:
        return EndReason.RATE_LIMIT, (
            f"waited {minutes} minutes for a turn on {call.from_number}: it places a limited number of calls a second"
        )
    if call.claim:
        return EndReason.PROVIDER_UNAVAILABLE, f"the provider had no room in {minutes} minutes"
    return EndReason.TIMEOUT, f"the call was not dialled in {minutes} minutes"
