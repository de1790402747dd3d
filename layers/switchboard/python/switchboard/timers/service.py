"""Later: one mechanism for everything that is due at a moment.

What is due within 15 minutes leaves with the commit that asks for it: the table's stream hands it to its queue with a
delay, to the second. What is due beyond that is a timer. Each minute a tick hands the minutes up to the next one to
workers, one job a shard, and looks at no timer itself. The workers hand the timers' jobs to their queues.

A job may come more than once, so that it moves a state machine, which finds nothing to do the second time. A timer
that cannot be handed over is tried again later, and after some attempts set aside, where an operator finds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple

from switchboard import telemetry
from switchboard.aws import clock, ids, queue
from switchboard.aws.queue import MAX_DELAY, Message
from switchboard.aws.table import ConditionFailedError, Delete, Item, Put, commit
from switchboard.errors import NotFound
from switchboard.kit.jobs import Job
from switchboard.timers import store
from switchboard.timers.jobs import FireTimers
from switchboard.timers.models import DeadTimer, Timer

_MINUTE = timedelta(minutes=1)
#: How far a tick looks ahead: a minute, and some seconds for a tick that comes late.
_AHEAD = timedelta(seconds=75)
#: The most minutes of one job, which it looks through one after the other, and the most that one tick hands out. After
#: a day without ticks a job of the whole day would end with its function, again and again.
_SPAN, _MOST = timedelta(minutes=30), timedelta(hours=6)
#: Where the first tick of a new deployment begins.
_FIRST_LOOK_BACK = timedelta(hours=1)
#: How often a timer may fail before it is set aside, and how long after each failure it is due again, in minutes.
#: Never less than the tick looks ahead: its minute would have been handed out already.
MAX_ATTEMPTS = 8
_NEXT_ATTEMPT_MINUTES = (3, 3, 5, 10, 20, 40, 60)


class Later(NamedTuple):
    """A job that is not yet asked for: `write` asks for it, in the commit of what it is about.

    `ref` names the timer, for whoever makes it moot; `None` for what leaves at once and only finds nothing to do.
    """

    write: Put
    ref: str | None


def later(job: Job, due: datetime, *, queue_name: str | None = None) -> Later:
    """Let a queue get a job at a moment. A moment that has passed means now."""
    now = clock.now()
    message = job.message(queue=queue_name)
    timer = Timer(
        id=ids.new("tmr"), org_id=message.group, due=clock.iso(max(due, now)), queue=message.queue, body=message.body
    )
    if due - now <= timedelta(seconds=MAX_DELAY):
        return Later(store.put_in_outbox(timer), None)
    return Later(store.put(timer), store.ref_of(timer))


def soon(job: Job, *, queue_name: str | None = None) -> Put:
    """The write that lets a queue get a job at once, in the commit of what it is about."""
    return later(job, clock.now(), queue_name=queue_name).write


def moot(*refs: str | None) -> list[Delete]:
    """The writes that delete timers, for the commit that makes them moot. One that has fired is no longer there."""
    return [store.delete(store.key_of_ref(ref)) for ref in dict.fromkeys(refs) if ref]


def from_outbox(item: Item) -> Message:
    """The message that an item of the outbox asks for. Raises pydantic's ValidationError for one that asks nothing."""
    return _message(store.read(item))


def _message(timer: Timer) -> Message:
    # Rounded up: never early, be it for a fraction of a second before somebody's quiet hours end.
    delay = max(0, ceil((clock.parse(timer.due) - clock.now()).total_seconds()))
    return Message(queue=timer.queue, body=timer.body, group=timer.org_id, delay=delay)


def tick() -> int:
    """Hand the minutes since the last tick, up to the next one, to the workers. Returns how many jobs that took.

    A tick that was missed delays and never drops: the next one hands its minutes out too, some hours at a time
    where many were missed.
    """
    now = clock.now()
    mark, shards = store.watermark()
    first = clock.parse(f"{mark}:00Z") + _MINUTE if mark else _minute(now - _FIRST_LOOK_BACK)
    last = min(_minute(now + _AHEAD), first + _MOST - _MINUTE)
    if first > last:
        return 0
    jobs = [FireTimers(shard=shard, **span) for span in _spans(first, last) for shard in range(shards)]
    queue.send(job.message() for job in jobs)
    store.advance(_name(last), shards)
    return len(jobs)


def _spans(first: datetime, last: datetime) -> Iterator[dict[str, str]]:
    """The minutes from the first to the last, cut into what one job takes."""
    while first <= last:
        yield {"first": _name(first), "last": _name(min(last, first + _SPAN - _MINUTE))}
        first += _SPAN


def _name(minute: datetime) -> str:
    return clock.iso(minute)[:16]


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def fire(job: FireTimers) -> None:
    """Hand the jobs of a shard's timers to their queues, each with what is left of its delay."""
    minute, last = clock.parse(f"{job.first}:00Z"), clock.parse(f"{job.last}:00Z")
    while minute <= last:
        for items in store.in_minute(_name(minute), job.shard):
            _fire(items)
        minute += _MINUTE


def _fire(items: Sequence[Item]) -> None:
    timers: list[tuple[Item, Timer]] = []
    for item in items:
        try:
            timers.append((item, store.read(item)))
        except ValueError:
            _set_aside(item, str(item["sk"]).rpartition("#")[2], "it cannot be read")
    refused = queue.send_all([_message(timer) for _, timer in timers])
    store.delete_all([item for place, (item, _) in enumerate(timers) if place not in refused])
    for place in sorted(refused):
        _try_again(*timers[place])
    if timers:
        telemetry.metric("TimersFired", len(timers) - len(refused))


def _try_again(item: Item, timer: Timer) -> None:
    attempts = timer.attempts + 1
    telemetry.metric("TimerRefused")
    if attempts >= MAX_ATTEMPTS:
        _set_aside(item, timer.id, f"its queue {timer.queue} did not take it in {attempts} attempts")
        return
    due = clock.now() + timedelta(minutes=_NEXT_ATTEMPT_MINUTES[attempts - 1])
    again = timer.model_copy(update={"attempts": attempts, "due": clock.iso(due)})
    commit(store.delete(item), store.put(again))


def _set_aside(item: Item, timer_id: str, reason: str) -> None:
    telemetry.metric("TimerDead")
    telemetry.logger().error("a timer was set aside", extra={"timer_id": timer_id, "reason": reason})
    kept = {name: value for name, value in item.items() if name not in ("pk", "sk")}
    dead = DeadTimer(id=timer_id, died_at=clock.stamp(), reason=reason, timer=kept)
    commit(store.delete(item), store.put_dead(dead))


# An operator's view of what was set aside.


def dead_timers(limit: int, start: Item | None = None) -> tuple[list[DeadTimer], Item | None]:
    """Timers that were set aside, oldest first, and the key to go on from."""
    return store.dead(limit, start)


def fire_dead(dead: DeadTimer) -> None:
    """Fire a timer that was set aside, now. Raises ValueError for one that cannot be read, NotFound for one gone."""
    timer = Timer.model_validate(dead.timer | {"due": clock.stamp(), "attempts": 0})
    queue.send([_message(timer)])
    drop_dead(dead)


def drop_dead(dead: DeadTimer) -> None:
    """Give up a timer that was set aside. Raises NotFound for one that is gone."""
    try:
        commit(store.delete_dead(dead))
    except ConditionFailedError:
        raise NotFound("There is no such timer any more.") from None
