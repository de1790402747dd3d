"""Paces calls: limits how many calls a second go out from a number and from an organization.

A call goes out immediately if nobody has reserved the present time or a later one. Otherwise it takes its lane,
reserves the next free time slot by one conditional write, and is postponed to that time. Only a call with a lane
reserves a time, so that no time is lost to a call that cannot go. A queue's delays are whole seconds: a call goes out
up to one second after its time, which belongs to no other call, and no worker waits for it. A call that is much later
has lost its time and reserves another, so that delayed calls do not all go out at once.

The limit of the organization comes first. The limit of the number applies only when the time for the organization has
come. A lane stores the times that a call got, so that a call reserves each of them once.

Tenants share the platform's own numbers, and the account by which a carrier counts. In such a shared pace an
organization has only as many turns as calls of one second. Its other calls wait in the table, in order. So a call
waits for at most one second of calls of each other organization, and never for a thousand calls of one organization.
When a call with a turn is claimed, it wakes the next call.

The clocks of workers may differ slightly. The reserved times are still one interval apart. So a difference of one
second, or a late job, can add a call to a second now and then, but not to a minute.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from switchboard import telemetry
from switchboard.accounts.models import Organization
from switchboard.aws.dynamodb import Key
from switchboard.aws.writes import Writes, commit
from switchboard.calls import acceptance, lanes, pacing_store, turns
from switchboard.calls.jobs import DialCall, WakeWaiting
from switchboard.calls.lanes import Lane, LaneTakenError
from switchboard.calls.lanes_store import ReservedTimes
from switchboard.calls.models import Call
from switchboard.kit import clock
from switchboard.persistence.optimistic import StaleVersionError, retry_on_conflict
from switchboard.timers import service as timers

#: How long a dialer may sleep until a call's time, in milliseconds: other tenants' calls wait for the dialer.
_MAX_SLEEP_MS = 100
#: How late a call may be, in milliseconds, without losing its time: one second by the queue, and two by busy workers.
_MAX_LATE_MS = 3_000

#: The function by which a dialer waits for a call's time. Tests replace it.
sleep: Callable[[float], None] = time.sleep


class SlotTooLateError(Exception):
    """The next free time is later than the call may wait. The message names the limit."""


class PaceLimit(NamedTuple):
    """A limit of calls a second. `interval` is the time between two calls, in milliseconds.

    `late` is how late a call may be without losing its time, in milliseconds. It is limited for a number, because the
    carrier counts calls as they arrive. `shared` means that tenants share the limit.
    """

    name: str
    key: Key
    interval: int
    what: str
    late: float = math.inf
    shared: bool = False


class AdmittedCall(NamedTuple):
    """A call that may go out now: its present version, its lane, and the writes for its claim."""

    call: Call
    lane: Lane
    writes: Writes


@dataclass
class _Admission:
    """The state of a call while it passes one limit after the other."""

    call: Call
    lane: Lane
    moments: ReservedTimes
    writes: Writes = None
    turn: int | None = None
    #: A turn that the call may take.
    free: Lane | None = None


def admit_call(org: Organization, call: Call, lane: Lane) -> AdmittedCall | None:
    """Admits a call now, or returns `None` and postpones it. A postponed call holds a lane. Raises SlotTooLateError."""
    if math.isinf(acceptance.get_pace(call).rate):
        return AdmittedCall(call, lane, None)
    asking = _Admission(call, lane, lanes.get_reserved_times(call, lane))
    if not all(_passes(asking, limit) for limit in _limits(org, call)):
        return None
    return AdmittedCall(asking.call, asking.lane, asking.writes)


def _limits(org: Organization, call: Call) -> list[PaceLimit]:
    rate, shared = acceptance.get_pace(call).rate, acceptance.shared_pace_name(call)
    key = pacing_store.shared_pace_key(shared) if shared else pacing_store.number_key(org.id, call.from_number)
    return [
        PaceLimit("org", pacing_store.org_key(org.id), _interval(org.terms.calls_per_second), "the organization"),
        PaceLimit("number", key, _interval(rate), call.from_number, _MAX_LATE_MS, shared is not None),
    ]


def _interval(rate: float) -> int:
    return math.ceil(1_000 / rate)


def _passes(asking: _Admission, limit: PaceLimit) -> bool:
    """Whether the call may pass a limit now. Otherwise the call is postponed."""
    moment = asking.moments.get(limit.name)
    if limit.shared:
        found = turns.find_turns(asking.call)
        asking.turn, asking.free = found
        if moment is None and found.mine is None and found.free and _takes_present_slot(limit):
            asking.writes = _leave_turn_writes(asking.call, found.free.waits, None)
            return True
    if moment is None or moment + limit.late < _now_ms():
        if not limit.shared and _takes_present_slot(limit):
            asking.moments[limit.name] = _now_ms()
            return True
        moment = _reserve_for(asking, limit)
        if moment is None or not _is_near(moment):
            return False
    elif not _is_near(moment):
        # The call already has a job for that time.
        return False
    if limit.shared:
        asking.writes = _leave_turn_writes(asking.call, asking.turn is not None, asking.turn)
    sleep(max(0, moment - _now_ms()) / 1_000)
    return True


def _takes_present_slot(limit: PaceLimit) -> bool:
    return pacing_store.take_present_slot(limit.key, _now_ms(), limit.interval)


def _leave_turn_writes(call: Call, others: bool, turn: int | None) -> Writes:
    """Returns the writes that release a turn, and the job that wakes the next call if there may be one."""
    wake = timers.job_write(WakeWaiting(org_id=call.org_id, call_id=call.id)) if others else None
    return [turns.leave_turn_writes(call, turn), wake]


def _is_near(moment: int) -> bool:
    return moment - _now_ms() <= _MAX_SLEEP_MS


def _reserve_for(asking: _Admission, limit: PaceLimit) -> int | None:
    """Reserves a time for a call, after it takes a lane, and a turn in a shared limit. Postpones the call to that time.

    Returns the time, or `None` if the call has to wait for a lane or a turn first.
    """
    if not asking.lane.held:
        held = lanes.take_lane(asking.call, asking.lane, asking.moments)
        if held is None:
            return None
        asking.call, asking.lane = held
    if limit.shared and asking.turn is None:
        kept = lanes.keep_reserved_times_writes(asking.call, asking.lane, asking.moments)
        asking.turn = turns.take_turn(asking.call, asking.free, kept)
        if asking.turn is None:
            return None
    moment = _reserve_slot(limit, _latest_ms(asking.call))
    asking.moments[limit.name] = moment
    if not _is_near(moment):
        _postpone(asking, limit, moment)
    return moment


def _postpone(asking: _Admission, limit: PaceLimit, moment: int) -> None:
    """Postpones a call to its reserved time."""
    call, due = asking.call, _moment(moment)
    back = timers.schedule(DialCall(org_id=call.org_id, call_id=call.id), due).write
    kept = lanes.keep_reserved_times_writes(call, asking.lane, asking.moments)
    try:
        if limit.shared and asking.turn is not None:
            try:
                commit(back, kept, turns.keep_turn_writes(call, asking.turn, due))
            except LaneTakenError:
                # The turn expired, and another call took it. The reserved time still belongs to this call.
                commit(back, kept)
        else:
            commit(back, kept)
    except StaleVersionError:
        # The call has ended, or another dialer has claimed it.
        return
    telemetry.emit_metric("CallPutOff")
    telemetry.logger().info("call postponed to its turn", extra={"call_id": call.id, "due": clock.format_iso(due)})


def _latest_ms(call: Call) -> int:
    return int((clock.parse(call.created_at) + lanes.WAIT_LIMIT).timestamp() * 1_000)


def _reserve_slot(limit: PaceLimit, latest: int) -> int:
    """Reserves the next free time of a limit.

    Raises SlotTooLateError, or Contended if concurrent reservations keep winning.
    """

    def attempt() -> int:
        now = _now_ms()
        if (moment := pacing_store.reserve_next_slot(limit.key, now, limit.interval, latest)) is not None:
            return moment
        if pacing_store.get_next_slot(limit.key) > latest:
            raise SlotTooLateError(
                f"too many calls wait for {limit.what}: the next free time is later than a call may wait"
            )
        if not pacing_store.take_present_slot(limit.key, now, limit.interval):
            raise StaleVersionError
        return now

    moment = retry_on_conflict(attempt)
    assert moment is not None, "no attempt raises Recorded"
    return moment


def _now_ms() -> int:
    return int(clock.epoch() * 1_000)


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1_000, UTC)
