"""Setting, cancelling and firing timers.

A tick every minute enqueues what is due within the next minute, to the second, starting at the oldest minute that
still holds a timer: a missed tick delays and never drops. A timer may fire more than once (a lease that ran out after
its job was enqueued): whoever takes the job moves a state machine, so the second job finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from switchboard import telemetry
from switchboard.aws import clock, ids, queue
from switchboard.aws.queue import Job
from switchboard.aws.table import ConditionFailedError, Put, write
from switchboard.timers import store
from switchboard.timers.models import Timer

#: How far a tick looks ahead: a minute, and some seconds for a tick that comes late.
_AHEAD = timedelta(seconds=75)
#: What is due sooner than any tick may look is enqueued by the stream's fan-out.
_SOON = timedelta(seconds=150)
_LEASE = timedelta(seconds=120)
#: A minute is finished only when no transaction that began in it can still be under way.
_GRACE = timedelta(minutes=2)
#: Where the first tick of a new deployment begins.
_FIRST_LOOK_BACK = timedelta(hours=1)


class TimersFailed(RuntimeError):
    """Some timers could not be fired."""

    def __init__(self, number: int) -> None:
        super().__init__(f"{number} timers could not be fired")


def new(org_id: str, due: datetime, queue_name: str, body: dict[str, Any]) -> Timer:
    """A timer that is not yet set. What is due already is due now."""
    due = max(due, clock.now())
    return Timer(id=ids.new("tmr"), org_id=org_id, due=clock.iso(due), queue=queue_name, body=body)


def setting(timer: Timer) -> Put:
    """The write that sets a timer, for the commit of whatever it is about."""
    return store.put(timer, soon=clock.parse(timer.due) < clock.now() + _SOON)


def cancel(timer: Timer) -> bool:
    """Cancel a timer. False if it is on its way already: then the state that it meets decides."""
    try:
        write(store.cancel(timer))
    except ConditionFailedError:
        return False
    return True


def fire(timer: Timer) -> bool:
    """Enqueue a timer's job for the second it is due in. False if someone else did."""
    now = clock.now()
    if not store.claim(timer, clock.iso(now), clock.iso(now + _LEASE)):
        return False
    # Rounded up: never early, be it for a fraction of a second before somebody's quiet hours end.
    delay = max(0, ceil((clock.parse(timer.due) - now).total_seconds()))
    queue.send([Job(queue=timer.queue, body=timer.body | {"timer": timer.id}, group=timer.org_id, delay=delay)])
    store.remove(timer)
    return True


def tick(enough: Callable[[], bool] = lambda: False) -> int:
    """Fire what is due until the next tick, from the oldest unfinished minute on. Answers how many were fired.

    `enough` is asked between minutes, and ends an overlong tick early: the next goes on from there. A timer that
    cannot be fired holds up no other; raises TimersFailed when the others are done.
    """
    now = clock.now()
    fired = failed = 0
    minute = _begin(now)
    finished = True
    while minute <= now + _AHEAD and not enough():
        waiting = False
        for timer in store.in_minute(clock.iso(minute)[:16]):
            if clock.parse(timer.due) > now + _AHEAD:
                waiting = True
                continue
            try:
                done = fire(timer)
            except Exception:  # noqa: BLE001 it stays, and is tried again when its lease has run out
                telemetry.logger().exception("timer failed", extra={"timer_id": timer.id, "org_id": timer.org_id})
                done, failed = False, failed + 1
            fired += done
            waiting = waiting or not done
        finished = finished and not waiting and minute + _GRACE < now
        minute += timedelta(minutes=1)
        if finished:
            store.advance(clock.iso(minute)[:16])
    if failed:
        raise TimersFailed(failed)
    return fired


def _begin(now: datetime) -> datetime:
    mark = store.watermark()
    start = clock.parse(f"{mark}:00Z") if mark else now - _FIRST_LOOK_BACK
    return start.replace(second=0, microsecond=0)


def from_item(item: dict[str, Any]) -> Timer:
    """The timer that a stored item, or its image in the stream, holds."""
    return store.read(item)
