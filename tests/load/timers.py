"""Timers: how many per minute the workers hand over, and the requests of a tick without due timers.

The real tick and the real workers, with DynamoDB and SQS stubbed at 5 ms. A minute has 60,000 timers in all its shards.
Among them is one of each kind that can never be handed over: one for an unknown queue, one with a body that SQS
refuses, and one that cannot be parsed. On AWS each shard has its own worker. Here they run one after another, and the
slowest one gives the time for all.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from infra import topology
from infra.local import pool
from switchboard.aws.dynamodb import encode_item
from switchboard.calls.jobs import DialCall
from switchboard.email.jobs import ConfirmMail
from switchboard.kit import clock, ids
from switchboard.timers import store
from switchboard.timers.models import Timer
from switchboard.webhooks.jobs import DeliverWebhook
from tests.load import report, stub
from tests.load.cloud import CORES_A_MEGABYTE, Cloud, use_stub

TARGET, IDLE_TARGET = 60_000, 20
_TIMERS = 60_000
_POISON = "poison"
#: Hours of ticks with a timer that can never be handed over: until it is set aside, and some time beyond.
_HOURS = 4
_UNKNOWN = frozenset({"scoring"})


@dataclass(frozen=True)
class _Shard:
    timers: int
    seconds: float
    cpu: float
    requests: int


def measure() -> None:
    """Print timers a minute, and requests of a tick."""
    stub.drop_log()
    shards, left = _a_busy_minute()
    worker = topology.function("workers/timers")
    cores = worker.memory * CORES_A_MEGABYTE
    slowest = max(shards, key=lambda one: one.seconds)
    taken = sum(one.timers for one in shards)
    # One worker per shard, all at once: the minute's timers are handed over when the slowest worker is done.
    rate = taken / slowest.seconds * 60
    reckoned = taken / max(max(0, one.seconds - one.cpu) + one.cpu / cores for one in shards) * 60
    report.table(
        f"Timers: {_TIMERS:,} of one minute in {len(shards)} shards, with three that can never be handed over; DynamoDB"
        f" and SQS stubbed by 5 ms a request\n(target: {TARGET:,} a minute, and nothing but those three is left: "
        f"{report.met(left == 2)})",
        ("", "timers", "seconds", "CPU s", "requests", "a minute"),
        [
            *(_row(f"shard {number}", one) for number, one in enumerate(shards)),
            (f"all {len(shards)} at once", f"{taken:,}", f"{slowest.seconds:.2f}", "", "", f"{rate:,.0f}"),
            (f"reckoned: {worker.memory} MB each ({cores:.2f} cores)", "", "", "", "", f"{reckoned:,.0f}"),
        ],
    )
    report.at_least("timers, with poison among them", rate if left == 2 else 0, "a minute", TARGET)
    _ticks()


def _row(name: str, one: _Shard) -> tuple[object, ...]:
    rate = 60 * one.timers / one.seconds
    return name, f"{one.timers:,}", f"{one.seconds:.2f}", f"{one.cpu:.2f}", one.requests, f"{rate:,.0f}"


def _a_busy_minute() -> tuple[list[_Shard], int]:
    """The work of each shard's worker, and the number of timers that are left for a retry."""
    with use_stub(Cloud(), without=_UNKNOWN) as cloud, clock.using(clock.FrozenClock(clock.now_iso()[:17] + "30.000Z")):
        cloud.refuses = lambda text: _POISON in text
        due = clock.now() + timedelta(seconds=40)
        _watermark(cloud)
        for number in range(_TIMERS):
            _set(cloud, _job(number), due + timedelta(milliseconds=number % 10_000))
        _set(cloud, DialCall(org_id="org_load", call_id=_POISON), due)
        _set(cloud, DialCall(org_id="org_load", call_id="call_1"), due, queue="scoring")
        _set(cloud, DialCall(org_id="org_load", call_id="call_2"), due, queue=None)
        jobs = _tick(cloud)
        shards = [_worker(cloud, job) for job in jobs]
        assert sum(one.timers for one in shards) == _TIMERS, "not all timers were handed over"
        left = sum(len(items) for place, items in cloud.items.items() if place.startswith("timer#"))
        return shards, left


def _job(number: int) -> Any:
    org_id = f"org_{number % 500:026d}"
    match number % 3:
        case 0:
            return ConfirmMail(org_id=org_id, message_id=ids.new_id("msg"), claim=2)
        case 1:
            return DeliverWebhook(org_id=org_id, delivery_id=ids.new_id("dlv"), endpoint_id=ids.new_id("wh"), attempt=2)
    return DialCall(org_id=org_id, call_id=ids.new_id("call"))


def _set(cloud: Cloud, job: Any, due: Any, **replaced: Any) -> None:
    # A random id: consecutive ids of one process reach only half of the shards.
    id_ = ids.derive_id("tmr", 0, job.model_dump_json())
    timer = Timer(id=id_, org_id=job.org_id, due=clock.format_iso(due), queue=job.queue, body=job.body)
    cloud.put(encode_item({**store.timer_write(timer).item, **replaced}))


def _watermark(cloud: Cloud) -> None:
    cloud.put(encode_item({"pk": "timers", "sk": "watermark", "minute": clock.now_iso()[:16], "shards": store.SHARDS}))


def _tick(cloud: Cloud) -> list[str]:
    """Run a tick. Returns the jobs for the workers."""
    cloud.sent.clear()
    with stub.drop_metrics():
        pool.invoke("schedules/tick", {})
    return [sent.text for sent in cloud.sent if sent.queue == "timers"]


def _worker(cloud: Cloud, job: str) -> _Shard:
    cloud.sent.clear()
    before, started, cpu = cloud.requests.total(), time.perf_counter(), time.process_time()
    record = {"messageId": "1", "body": job, "attributes": {}, "eventSource": "aws:sqs", "receiptHandle": "1"}
    with stub.drop_metrics():
        answer = pool.invoke("workers/timers", {"Records": [record]})
    assert answer == {"batchItemFailures": []}, answer
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    return _Shard(len(cloud.sent), seconds, cpu, cloud.requests.total() - before)


def _ticks() -> None:
    """The requests of hours of ticks with their workers, while a timer fails and later without due timers."""
    counts: list[int] = []
    source = clock.FrozenClock(clock.now_iso()[:17] + "02.000Z")
    with use_stub(Cloud(seconds=0)) as cloud, clock.using(source):
        cloud.refuses = lambda text: _POISON in text
        _watermark(cloud)
        _set(cloud, DialCall(org_id="org_load", call_id=_POISON), clock.now() + timedelta(minutes=2))
        for _ in range(_HOURS * 60):
            source.advance(minutes=1)
            before = cloud.requests.total()
            for job in _tick(cloud):
                _worker(cloud, job)
            counts.append(cloud.requests.total() - before)
        dead = len(cloud.items.get("timers#dead", {}))
    idle = max(counts[-60:])
    report.table(
        f"Timers: requests of a tick and its workers, over {_HOURS} hours of ticks with one timer that can never be"
        f" handed over\n(target: {IDLE_TARGET} when nothing is due; the timer is set aside: {report.met(dead == 1)})",
        ("", "requests"),
        [("nothing is due", idle), ("the most, while the timer is tried again", max(counts))],
    )
    report.at_most("a tick and its workers, nothing due", idle, "requests", IDLE_TARGET)
    report.without_target("a tick and its workers, with a poison timer", max(counts), "requests")
