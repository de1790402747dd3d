"""Timers: send a job to a queue at a given time.

A job that is due within 15 minutes goes to the outbox in the commit that schedules it. The table's stream sends it to
its queue with a delay in seconds. A job that is due later becomes a timer. Each minute a tick passes the minutes up to
the next one to workers, with one job per shard. The tick itself reads no timer. The workers send the jobs of the timers
to their queues.

A job may be delivered more than once. So a job must move a state machine, which has nothing to do the second time. A
timer that cannot be sent is retried. After the last attempt it is kept as a dead timer for operators.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple

from switchboard import telemetry
from switchboard.aws import queues
from switchboard.aws.dynamodb import Item
from switchboard.aws.queues import MAX_DELAY_SECONDS
from switchboard.aws.writes import ConditionFailedError, Delete, Put, commit
from switchboard.errors import NotFound
from switchboard.kit import clock, ids
from switchboard.kit.jobs import Job, QueueMessage
from switchboard.timers import store
from switchboard.timers.jobs import FireTimers
from switchboard.timers.models import DeadTimer, Timer
from switchboard.timers.store import list_dead_timers

__all__ = ["list_dead_timers"]

_MINUTE = timedelta(minutes=1)
#: The time that a tick looks ahead: one minute, and some seconds for a late tick.
_LOOK_AHEAD = timedelta(seconds=75)
#: The maximum span of one job, and of all jobs of one tick. A job reads its minutes one after the other. After a day
#: without ticks, a job for the whole day would exceed the function's time limit at every attempt.
_MAX_JOB_SPAN, _MAX_TICK_SPAN = timedelta(minutes=30), timedelta(hours=6)
#: The time that the first tick of a new deployment looks back.
_FIRST_LOOK_BACK = timedelta(hours=1)
#: The number of attempts to send a timer, and the delay in minutes after each failure. The delays are longer than the
#: tick looks ahead. Otherwise the timer's new minute could already be in the hands of a worker.
MAX_ATTEMPTS = 8
_RETRY_DELAY_MINUTES = (3, 3, 5, 10, 20, 40, 60)


class ScheduledJob(NamedTuple):
    """A job that is not yet scheduled. Add `write` to the commit of the change that needs the job.

    `ref` identifies the timer, to delete it later. It is `None` for a job in the outbox, which cannot be deleted.
    """

    write: Put
    ref: str | None


def schedule(job: Job, due: datetime, *, queue_name: str | None = None) -> ScheduledJob:
    """Returns the write that sends a job to its queue at `due`. A time in the past means now."""
    now = clock.now()
    message = job.to_message(queue=queue_name)
    timer = Timer(
        id=ids.new_id("tmr"),
        org_id=message.group,
        due=clock.format_iso(max(due, now)),
        queue=message.queue,
        body=message.body,
    )
    if due - now <= timedelta(seconds=MAX_DELAY_SECONDS):
        return ScheduledJob(store.outbox_write(timer), None)
    return ScheduledJob(store.timer_write(timer), store.format_ref(timer))


def job_write(job: Job, *, queue_name: str | None = None) -> Put:
    """Returns the write that sends a job to its queue right after the commit."""
    return schedule(job, clock.now(), queue_name=queue_name).write


def send_later(job: Job, due: datetime) -> None:
    """Sends a job to its queue at `due`, for a worker that changes nothing else. Sending it twice must be harmless."""
    delay = max(0, ceil((due - clock.now()).total_seconds()))
    if delay > MAX_DELAY_SECONDS:
        commit(schedule(job, due).write)
    else:
        queues.send_messages([job.to_message(delay=delay)])


def cancel_writes(*refs: str | None) -> list[Delete]:
    """Returns the writes that delete timers, for the commit that makes them moot. A fired timer no longer exists."""
    return [store.timer_delete_write(store.parse_ref(ref)) for ref in dict.fromkeys(refs) if ref]


def parse_outbox_message(item: Item) -> QueueMessage:
    """Returns the message of an outbox item. Raises pydantic's ValidationError for an item without a message."""
    return _message(store.parse_timer(item))


def _message(timer: Timer) -> QueueMessage:
    # Rounded up, so that a job is never early: a fraction of a second may still be within a person's quiet hours.
    delay = max(0, ceil((clock.parse(timer.due) - clock.now()).total_seconds()))
    return QueueMessage(queue=timer.queue, body=timer.body, group=timer.org_id, delay=delay)


def run_tick() -> int:
    """Passes the minutes since the last tick, up to the next one, to the workers. Returns the number of jobs.

    A missed tick delays timers, but loses none: the next tick includes its minutes. After a long gap each tick passes
    on at most six hours.
    """
    now = clock.now()
    mark, shards = store.get_watermark()
    first = clock.parse(f"{mark}:00Z") + _MINUTE if mark else _minute(now - _FIRST_LOOK_BACK)
    last = min(_minute(now + _LOOK_AHEAD), first + _MAX_TICK_SPAN - _MINUTE)
    if first > last:
        return 0
    jobs = [FireTimers(shard=shard, **span) for span in _split_spans(first, last) for shard in range(shards)]
    queues.send_messages(job.to_message() for job in jobs)
    store.advance_watermark(_minute_name(last), shards)
    return len(jobs)


def _split_spans(first: datetime, last: datetime) -> Iterator[dict[str, str]]:
    """Splits the minutes from `first` to `last` into the spans of single jobs."""
    while first <= last:
        yield {"first": _minute_name(first), "last": _minute_name(min(last, first + _MAX_JOB_SPAN - _MINUTE))}
        first += _MAX_JOB_SPAN


def _minute_name(minute: datetime) -> str:
    return clock.format_iso(minute)[:16]


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def fire_timers(job: FireTimers) -> None:
    """Sends the jobs of a shard's timers to their queues, each with its remaining delay."""
    minute, last, found = clock.parse(f"{job.first}:00Z"), clock.parse(f"{job.last}:00Z"), False
    while minute <= last:
        for items in store.timers_of_minute(_minute_name(minute), job.shard):
            found = found or bool(items)
            _fire(items)
        minute += _MINUTE
    if not found:
        telemetry.log_skip("no timer is due", shard=job.shard, minute=job.first)


def _fire(items: Sequence[Item]) -> None:
    timers: list[tuple[Item, Timer]] = []
    for item in items:
        try:
            timers.append((item, store.parse_timer(item)))
        except ValueError:
            _bury(item, str(item["sk"]).rpartition("#")[2], "it cannot be parsed")
    refused = queues.try_send_messages([_message(timer) for _, timer in timers])
    store.delete_timers([item for place, (item, _) in enumerate(timers) if place not in refused])
    for place in sorted(refused):
        _retry(*timers[place])
    if timers:
        telemetry.emit_metric("TimersFired", len(timers) - len(refused))


def _retry(item: Item, timer: Timer) -> None:
    attempts = timer.attempts + 1
    telemetry.emit_metric("TimerRefused")
    if attempts >= MAX_ATTEMPTS:
        _bury(item, timer.id, f"its queue {timer.queue} did not accept it in {attempts} attempts")
        return
    due = clock.now() + timedelta(minutes=_RETRY_DELAY_MINUTES[attempts - 1])
    again = timer.model_copy(update={"attempts": attempts, "due": clock.format_iso(due)})
    commit(store.timer_delete_write(item), store.timer_write(again))


def _bury(item: Item, timer_id: str, reason: str) -> None:
    telemetry.emit_metric("TimerDead")
    telemetry.logger().error("a timer is dead", extra={"timer_id": timer_id, "reason": reason})
    kept = {name: value for name, value in item.items() if name not in ("pk", "sk")}
    dead = DeadTimer(id=timer_id, died_at=clock.now_iso(), reason=reason, timer=kept)
    commit(store.timer_delete_write(item), store.dead_timer_write(dead))


# For operators: the dead timers.


def fire_dead_timer(dead: DeadTimer) -> None:
    """Fires a dead timer now. Raises ValueError if it cannot be parsed, NotFound if it no longer exists."""
    timer = Timer.model_validate(dead.timer | {"due": clock.now_iso(), "attempts": 0})
    queues.send_messages([_message(timer)])
    delete_dead_timer(dead)


def delete_dead_timer(dead: DeadTimer) -> None:
    """Deletes a dead timer. Raises NotFound if it no longer exists."""
    try:
        commit(store.dead_timer_delete_write(dead))
    except ConditionFailedError:
        raise NotFound("This timer no longer exists: list the timers again.") from None
