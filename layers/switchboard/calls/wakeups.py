"""Wakes waiting calls: when another call releases a lane or a turn, and by a periodic check of each waiting call."""

from __future__ import annotations

from datetime import timedelta

from switchboard import telemetry
from switchboard.aws.writes import commit
from switchboard.calls import dialing, lanes, store, waiting
from switchboard.calls.jobs import DialCall, WakeWaiting, WatchWaiting
from switchboard.calls.models import Call, State
from switchboard.kit import clock
from switchboard.timers import service as timers

#: How many calls one run wakes by jobs, besides the first call.
_MAX_WOKEN_CALLS = 20
#: When the next run follows if more calls can go. The woken calls have their lanes by then.
_NEXT_RUN_DELAY = timedelta(seconds=1)


def wake_waiting_calls(org_id: str, call_id: str | None) -> None:
    """Dials the waiting calls that can go after a call has ended, or after the organization's cap has changed."""
    if call_id is None:
        ids = waiting.list_ready_calls_of_organization(org_id)
    else:
        call = store.CALLS.get_object(org_id, call_id)
        ids = waiting.list_ready_calls(call) if call else []
    _dial(org_id, ids, WakeWaiting(org_id=org_id, call_id=call_id))


def check_waiting_call(org_id: str, call_id: str, looks: int) -> None:
    """Checks a waiting call, in case its wake-up was lost: after 1, 2, 4 and 8 minutes. Then its time is over."""
    call = store.CALLS.get_object(org_id, call_id)
    if call is None or not _may_wait(call):
        telemetry.log_skip("the call no longer waits", org_id=org_id, call_id=call_id)
        return
    # A call that holds a lane waits for its time, and not for a lane.
    mine = [call_id] if call.lane else []
    ids = [*mine, *(other for other in waiting.list_ready_calls(call) if other not in mine)]
    _dial(org_id, ids, WakeWaiting(org_id=org_id, call_id=call_id))
    call = store.CALLS.get_object(org_id, call_id)
    if call and _may_wait(call):
        again = WatchWaiting(org_id=org_id, call_id=call_id, looks=looks + 1)
        commit(timers.schedule(again, clock.now() + lanes.FIRST_CHECK_DELAY * 2**looks).write)


def _may_wait(call: Call) -> bool:
    return call.state is State.CREATED and clock.parse(call.created_at) > clock.now() - lanes.WAIT_LIMIT


def _dial(org_id: str, ids: list[str], rest: WakeWaiting) -> None:
    """Dials the first call, sends jobs for the next calls, and leaves the rest to the job `rest`."""
    if not ids:
        telemetry.log_skip("no waiting call can be dialed now", org_id=org_id, call_id=rest.call_id)
        return
    first, *others = ids
    jobs = [timers.job_write(DialCall(org_id=org_id, call_id=other)) for other in others[:_MAX_WOKEN_CALLS]]
    if len(others) > _MAX_WOKEN_CALLS:
        jobs.append(timers.schedule(rest, clock.now() + _NEXT_RUN_DELAY).write)
    if jobs:
        commit(jobs)
    try:
        dialing.dial_call(org_id, first)
    except Exception:
        # The call may already hold a lane and no longer wait. Then another check would not find it.
        commit(timers.job_write(DialCall(org_id=org_id, call_id=first)))
        raise
