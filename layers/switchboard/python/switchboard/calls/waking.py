"""Waking calls that wait: when a call has given back what they wait for, and by a look of their own now and then."""

from __future__ import annotations

from switchboard.aws import clock
from switchboard.aws.table import commit
from switchboard.calls import dialing, lanes, store
from switchboard.calls.jobs import DialCall, WatchWaiting
from switchboard.calls.models import Call, State
from switchboard.timers import service as timers

#: Calls that one look wakes by jobs of their own, beside the first. The next end wakes more.
_MOST = 20


def wake(org_id: str, call_id: str | None) -> None:
    """Dial the calls for which there is room now that a call has ended, or that the organization's cap has changed."""
    if call_id is None:
        _dial(org_id, lanes.first_of_organization(org_id))
    elif call := store.CALLS.get(org_id, call_id):
        _dial(org_id, lanes.first_waiting(call))


def watch(org_id: str, call_id: str, looks: int) -> None:
    """Look for a call that waits, should a wake be lost: after 1, 2, 4 and 8 minutes, then its time is over."""
    call = store.CALLS.get(org_id, call_id)
    if call is None or not _may_wait(call):
        return
    _dial(org_id, lanes.first_waiting(call))
    call = store.CALLS.get(org_id, call_id)
    if call and _may_wait(call):
        again = WatchWaiting(org_id=org_id, call_id=call_id, looks=looks + 1)
        commit(timers.later(again, clock.now() + lanes.FIRST_LOOK * 2**looks).write)


def _may_wait(call: Call) -> bool:
    return call.state is State.CREATED and clock.parse(call.created_at) > clock.now() - lanes.WAIT_LIMIT


def _dial(org_id: str, ids: list[str]) -> None:
    if others := ids[1 : _MOST + 1]:
        commit(timers.soon(DialCall(org_id=org_id, call_id=other)) for other in others)
    if ids:
        dialing.dial(org_id, ids[0])
