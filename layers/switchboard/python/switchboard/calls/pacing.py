"""How fast calls go out: so many a second from a number, and of an organization.

A call that comes too soon reserves the next moment that nobody has, by one conditional write, and is put off to that
moment once. It comes back a little early and waits for the rest, because a queue's delays are whole seconds. Then it
goes only if the call before it went an interval ago: a job that comes late does not make two calls of one second.

Tenants share the platform's own numbers. An organization holds one reservation of such a number at a time, and its
other calls wait in the table behind it, in order. So a call waits there for one call of each other organization, and
never for a thousand calls of one. The claim of a call that had the turn wakes the next.

Clocks of workers may differ by a moment. The times in an item still lie an interval apart, so that a difference of a
second lets one more call into a second now and then, and no more over a minute.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from switchboard import telemetry
from switchboard.accounts.models import Organisation
from switchboard.aws import clock
from switchboard.aws.table import Key, Writes, commit
from switchboard.calls import lanes, pacing_store, placing
from switchboard.calls.jobs import DialCall, WakeWaiting
from switchboard.calls.lanes import Lane
from switchboard.calls.models import Call
from switchboard.kit.change import Moved, again
from switchboard.timers import service as timers

#: How long a dialler waits for a call's moment itself, in milliseconds.
_WAITED_HERE = 1_000
#: Looks at one limit before a call is put off once more: each means that another call went meanwhile.
_LOOKS = 4

#: How a dialler waits for a call's moment. Tests replace it.
sleep: Callable[[float], None] = time.sleep


class TooLate(Exception):
    """The next free moment is later than the call may wait. Its text says of which limit."""


class Limit(NamedTuple):
    """A limit of calls a second. `interval` is the time between two of them, in milliseconds."""

    name: str
    key: Key
    interval: int
    what: str


def admit(org: Organisation, call: Call, lane: Lane, turns: tuple[str, ...] | None) -> Writes:
    """Let a call go now, or put it off: `None` where it was put off, and else what its claim writes.

    `turns` names the limits in which it has waited for its moment. While it waits, others may take the lane. Raises
    TooLate.
    """
    rate = placing.pace(call)
    if math.isinf(rate):
        return []
    done = turns or ()
    of_org = Limit("org", pacing_store.org_key(org.id), _interval(org.terms.calls_per_second), "the organization")
    if not _go_or_put_off(call, lane, of_org, done):
        return None
    if placing.shares_number(call):
        key = pacing_store.shared_number_key(call.from_number)
        return _go_or_wait_for_turn(call, lane, Limit("number", key, _interval(rate), call.from_number), done)
    key = pacing_store.number_key(call.org_id, call.from_number)
    return [] if _go_or_put_off(call, lane, Limit("number", key, _interval(rate), call.from_number), done) else None


def _interval(rate: float) -> int:
    return math.ceil(1_000 / rate)


def _go_or_put_off(call: Call, lane: Lane, limit: Limit, turns: tuple[str, ...]) -> bool:
    moment = _wait_for(call, limit, in_turn=limit.name in turns)
    if moment is not None:
        _put_off(call, moment, lane.pass_by_writes(call), turns=(*turns, limit.name))
    return moment is None


def _go_or_wait_for_turn(call: Call, lane: Lane, limit: Limit, turns: tuple[str, ...]) -> Writes:
    """As `admit`, for a number that tenants share: only the call that has its organization's turn reserves a moment."""
    found = lanes.find_turn(call, lane)
    while isinstance(found, Lane):
        if pacing_store.go(limit.key, _now(), limit.interval, in_turn=False) is None:
            return [found.leave_line_writes(call), _wake(call)] if found.waits else []
        found = lanes.take_turn(found, call) or lanes.find_turn(call, lane)
    if found is None:
        return None
    comes = limit.name in turns
    if found.due and not comes and found.due > clock.iso(_moment(_now() + _WAITED_HERE)):
        # Its job comes at that moment.
        return None
    moment = _wait_for(call, limit, in_turn=comes or found.due is not None)
    if moment is None:
        return [lanes.give_back_turn(call), _wake(call)]
    kept = lanes.keep_turn_writes(call, _moment(moment))
    _put_off(call, moment, kept, lane.pass_by_writes(call), turns=(*turns, limit.name))
    return None


def _wake(call: Call) -> Writes:
    return timers.soon(WakeWaiting(org_id=call.org_id, call_id=call.id))


def _put_off(call: Call, moment: int, *beside: Writes, turns: tuple[str, ...]) -> None:
    """Let a call come back shortly before its moment."""
    again = DialCall(org_id=call.org_id, call_id=call.id, turns=tuple(dict.fromkeys(turns)))
    commit(timers.later(again, _moment(moment - _WAITED_HERE)).write, *beside)
    telemetry.metric("CallPutOff")
    telemetry.logger().info("call put off to its turn", extra={"call_id": call.id, "due": clock.iso(_moment(moment))})


def _wait_for(call: Call, limit: Limit, *, in_turn: bool) -> int | None:
    """Wait for a call's moment if it is near. Returns `None` when the call goes, and else the moment, which it has."""
    latest = int((clock.parse(call.created_at) + lanes.WAIT_LIMIT).timestamp() * 1_000)
    for _ in range(_LOOKS):
        now = _now()
        found = pacing_store.go(limit.key, now, limit.interval, in_turn=in_turn)
        if found is None:
            return None
        if in_turn:
            moment = max(now, found.last + limit.interval)
        else:
            moment = _reserve(limit, latest)
            in_turn = True
        if moment - now > _WAITED_HERE:
            return moment
        sleep((moment - now) / 1_000)
    return _now() + _WAITED_HERE


def _reserve(limit: Limit, latest: int) -> int:
    """Reserve the next moment of a limit. Raises TooLate, and Contended where others keep reserving."""

    def attempt() -> int:
        now = _now()
        if (moment := pacing_store.reserve_next(limit.key, now, limit.interval, latest)) is not None:
            return moment
        found = pacing_store.read(limit.key)
        if found.tail > latest:
            raise TooLate(f"the calls that {limit.what} has waiting take longer than a call may wait")
        moment = max(now, found.last + limit.interval)
        if not pacing_store.reserve_first(limit.key, now, limit.interval, moment):
            raise Moved
        return moment

    moment = again(attempt)
    assert moment is not None, "nothing here is recorded before"
    return moment


def _now() -> int:
    return int(clock.epoch() * 1_000)


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1_000, UTC)
