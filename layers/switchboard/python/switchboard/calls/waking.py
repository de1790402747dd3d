"""Waking calls that wait: when a call has given back what they wait for, and by a look of their own now and then."""

from __future__ import annotations

from datetime import timedelta

from switchboard.aws import clock
from switchboard.aws.table import commit
from switchboard.calls import dialing, lanes, store
from switchboard.calls.jobs import DialCall, WakeWaiting, WatchWaiting
from switchboard.calls.models import Call, State
from switchboard.timers import service as timers

#: Calls that one look wakes by jobs of their own, beside the first.
_MOST = 20
#: When the next look follows where there is room for more: those that were woken have their lanes by then.
_NEXT = timedelta(seconds=1)


def wake(org_id: str, call_id: str | None) -> None:
    """Dial the calls for which there is room now that a call has ended, or that the organization's cap has changed."""
    if call_id is None:
        ids = lanes.first_of_organization(org_id)
    else:
        call = store.CALLS.get(org_id, call_id)
        ids = lanes.first_waiting(call) if call else []
    _dial(org_id, ids, WakeWaiting(org_id=org_id, call_id=call_id))


def watch(org_id: str, call_id: str, looks: int) -> None:
    """Look for a call that waits, should a wake be lost: after 1, 2, 4 and 8 minutes, then its time is over."""
    call = store.CALLS.get(org_id, call_id)
    if call is None or not _may_wait(call):
        return
    # One that holds a lane waits for its moment, and stands in no line for a lane.
    mine = [call_id] if call.lane else []
    ids = [*mine, *(other for other in lanes.first_waiting(call) if other not in mine)]
    _dial(org_id, ids, WakeWaiting(org_id=org_id, call_id=call_id))
    call = store.CALLS.get(org_id, call_id)
    if call and _may_wait(call):
        again = WatchWaiting(org_id=org_id, call_id=call_id, looks=looks + 1)
        commit(timers.later(again, clock.now() + lanes.FIRST_LOOK * 2**looks).write)


def _may_wait(call: Call) -> bool:
    return call.state is State.CREATED and clock.parse(call.created_at) > clock.now() - lanes.WAIT_LIMIT


def _dial(org_id: str, ids: list[str], rest: WakeWaiting) -> None:
    """Dial the first of some calls, let others be dialed by jobs, and leave those beyond to one more look."""
    if not ids:
        return
    first, *others = ids
    jobs = [timers.soon(DialCall(org_id=org_id, call_id=other)) for other in others[:_MOST]]
    if len(others) > _MOST:
        jobs.append(timers.later(rest, clock.now() + _NEXT).write)
    if jobs:
        commit(jobs)
    try:
        dialing.dial(org_id, first)
    except Exception:
        # It may hold a lane by now, and stand in no line: a second look at the lines would not find it.
        commit(timers.soon(DialCall(org_id=org_id, call_id=first)))
        raise
