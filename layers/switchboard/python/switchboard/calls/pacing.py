"""How fast calls go out: so many a second from a number, and of an organization.

A call goes at once where nobody has the present moment or a later one. Otherwise it takes its lane, reserves the next
moment that nobody has, by one conditional write, and is put off to that moment. Only a call that has a lane reserves,
so that no moment is kept for a call that cannot go. A queue's delays are whole seconds: a call goes up to a second
after its moment, which nobody else has, and no worker waits for it. One that comes much later has lost its moment and
reserves another, so that calls which were held up do not go all at once.

The organization is asked first, and the line only when the organization's moment has come. What a call was granted is
noted in its lane, and not asked for again.

Tenants share the platform's own numbers, and the account by which a carrier counts. There an organization has the
turns of one second at a time, and its other calls wait in the table behind them, in order. So a call waits there for a
second's calls of each other organization, and never for a thousand calls of one. The claim of a call that had a turn
wakes the next.

Clocks of workers may differ by a moment. The moments still lie an interval apart, so that a difference of a second, as
a job that comes late, lets another call into a second now and then, and no more over a minute.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from switchboard import telemetry
from switchboard.accounts.models import Organisation
from switchboard.aws import clock
from switchboard.aws.table import Key, Writes, commit
from switchboard.calls import lanes, pacing_store, placing
from switchboard.calls.jobs import DialCall, WakeWaiting
from switchboard.calls.lanes import Lane, Taken
from switchboard.calls.lanes_store import Moments
from switchboard.calls.models import Call
from switchboard.kit.change import Moved, again
from switchboard.timers import service as timers

#: How long a dialler waits for a call's moment itself, in milliseconds: other tenants' calls wait for the dialler.
_WAITED_HERE = 100
#: How late a call may come and still have its moment: a second by the queue, and what a busy worker takes.
_LATE = 3_000

#: How a dialler waits for a call's moment. Tests replace it.
sleep: Callable[[float], None] = time.sleep


class TooLate(Exception):
    """The next free moment is later than the call may wait. Its text says of which limit."""


class Limit(NamedTuple):
    """A limit of calls a second. `interval` is the time between two of them, in milliseconds.

    `late` is how much later than its moment a call may come: a line counts what it gets, an organization's pace is
    ours. `shared` says that tenants share it.
    """

    name: str
    key: Key
    interval: int
    what: str
    late: float = math.inf
    shared: bool = False


class Admitted(NamedTuple):
    """A call that may go now: as it is now, its lane, and what its claim writes."""

    call: Call
    lane: Lane
    writes: Writes


@dataclass
class _Asking:
    """A call that asks one limit after the other."""

    call: Call
    lane: Lane
    moments: Moments
    writes: Writes = None
    turn: int | None = None
    #: A turn that it may take.
    free: Lane | None = None


def admit(org: Organisation, call: Call, lane: Lane) -> Admitted | None:
    """Let a call go now, or let it wait for its moment: `None` where it waits. It holds a lane then. Raises TooLate."""
    if math.isinf(placing.pace(call).rate):
        return Admitted(call, lane, None)
    asking = _Asking(call, lane, lanes.moments(call, lane))
    if not all(_passes(asking, limit) for limit in _limits(org, call)):
        return None
    return Admitted(asking.call, asking.lane, asking.writes)


def _limits(org: Organisation, call: Call) -> list[Limit]:
    rate, shared = placing.pace(call).rate, placing.shared_pace(call)
    key = pacing_store.shared_key(shared) if shared else pacing_store.number_key(org.id, call.from_number)
    return [
        Limit("org", pacing_store.org_key(org.id), _interval(org.terms.calls_per_second), "the organization"),
        Limit("number", key, _interval(rate), call.from_number, _LATE, shared is not None),
    ]


def _interval(rate: float) -> int:
    return math.ceil(1_000 / rate)


def _passes(asking: _Asking, limit: Limit) -> bool:
    """Whether the call's moment in a limit has come. Otherwise it comes back for it."""
    moment = asking.moments.get(limit.name)
    if limit.shared:
        found = lanes.turns(asking.call)
        asking.turn, asking.free = found
        if moment is None and found.mine is None and found.free and _goes(limit):
            asking.writes = _leave_turn(asking.call, found.free.waits, None)
            return True
    if moment is None or moment + limit.late < _now():
        if not limit.shared and _goes(limit):
            asking.moments[limit.name] = _now()
            return True
        moment = _reserve_for(asking, limit)
        if moment is None or not _is_near(moment):
            return False
    elif not _is_near(moment):
        # Its job comes at that moment.
        return False
    if limit.shared:
        asking.writes = _leave_turn(asking.call, asking.turn is not None, asking.turn)
    sleep(max(0, moment - _now()) / 1_000)
    return True


def _goes(limit: Limit) -> bool:
    return pacing_store.go(limit.key, _now(), limit.interval)


def _leave_turn(call: Call, others: bool, turn: int | None) -> Writes:
    """Give back a turn, and wake the next where one was kept."""
    wake = timers.soon(WakeWaiting(org_id=call.org_id, call_id=call.id)) if others else None
    return [lanes.leave_turn_writes(call, turn), wake]


def _is_near(moment: int) -> bool:
    return moment - _now() <= _WAITED_HERE


def _reserve_for(asking: _Asking, limit: Limit) -> int | None:
    """Reserve a call's moment, once it holds a lane, and a turn where it needs one. Lets it come back for it.

    Returns the moment, and `None` where the call has to wait for a lane or a turn first.
    """
    if not asking.lane.held:
        held = lanes.hold(asking.call, asking.lane, asking.moments)
        if held is None:
            return None
        asking.call, asking.lane = held
    if limit.shared and asking.turn is None:
        kept = lanes.keep_writes(asking.call, asking.lane, asking.moments)
        asking.turn = lanes.take_turn(asking.call, asking.free, kept)
        if asking.turn is None:
            return None
    moment = _reserve(limit, _latest(asking.call))
    asking.moments[limit.name] = moment
    if not _is_near(moment):
        _put_off(asking, limit, moment)
    return moment


def _put_off(asking: _Asking, limit: Limit, moment: int) -> None:
    """Let a call come back at its moment."""
    call, due = asking.call, _moment(moment)
    back = timers.later(DialCall(org_id=call.org_id, call_id=call.id), due).write
    kept = lanes.keep_writes(call, asking.lane, asking.moments)
    try:
        if limit.shared and asking.turn is not None:
            try:
                commit(back, kept, lanes.keep_turn_writes(call, asking.turn, due))
            except Taken:
                # The turn was kept long enough and is another call's now. The moment is still this one's.
                commit(back, kept)
        else:
            commit(back, kept)
    except Moved:
        # The call has ended, or another dialler has claimed it.
        return
    telemetry.metric("CallPutOff")
    telemetry.logger().info("call put off to its turn", extra={"call_id": call.id, "due": clock.iso(due)})


def _latest(call: Call) -> int:
    return int((clock.parse(call.created_at) + lanes.WAIT_LIMIT).timestamp() * 1_000)


def _reserve(limit: Limit, latest: int) -> int:
    """Reserve the next moment of a limit. Raises TooLate, and Contended where others keep reserving."""

    def attempt() -> int:
        now = _now()
        if (moment := pacing_store.reserve_next(limit.key, now, limit.interval, latest)) is not None:
            return moment
        if pacing_store.tail(limit.key) > latest:
            raise TooLate(f"the calls that {limit.what} has waiting take longer than a call may wait")
        if not pacing_store.go(limit.key, now, limit.interval):
            raise Moved
        return now

    moment = again(attempt)
    assert moment is not None, "nothing here is recorded before"
    return moment


def _now() -> int:
    return int(clock.epoch() * 1_000)


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1_000, UTC)
