"""Fan-out: the number of events per second that one shard of the table's stream forwards, with SQS stubbed at 5 ms.

Lambda runs ten batches of one shard at once (`parallel` of the topology), each in its own environment. Here each is a
process with the real handler, its threads and its stub of SQS, and all share this machine's cores. A batch has 100
events of about 60 workflows of several organizations, as a stream holds them.

The table shows the sum of all ten, one batch alone, and an estimate for ten environments with the worker's memory,
computed from the processor time of one batch. Each environment gets a part of a core.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from infra import resources, topology
from infra.local import pool
from switchboard.aws.dynamodb import encode_item
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, SystemActor
from switchboard.kit import ids
from tests.load import report, stub
from tests.load.cloud import CORES_A_MEGABYTE, Cloud, use_stub

TARGET = 1_500
_AT_ONCE, _WORKFLOWS, _ORGS, _SECONDS = 10, 60, 8, 6.0
#: The events of a mail's workflow, in order.
_STORY = ("email.queued", "email.sent", "email.delivered")


@dataclass(frozen=True)
class _Run:
    events: int
    seconds: float
    cpu: float
    requests: int


def measure() -> None:
    """Print events a second."""
    worker = topology.function("workers/fanout")
    assert isinstance(worker, resources.Worker)
    (alone,) = _together(1)
    ten = _together(_AT_ONCE)
    cores = worker.memory * CORES_A_MEGABYTE
    batches = alone.events / worker.batch
    wait, busy = (alone.seconds - alone.cpu) / batches, alone.cpu / batches
    lambdas = _AT_ONCE * worker.batch / (max(wait, 0) + busy / cores)
    rate = sum(run.events / run.seconds for run in ten)
    report.table(
        f"Fan-out of one shard, SQS stubbed by 5 ms a request: batches of {worker.batch} events of {_WORKFLOWS}"
        f" workflows of {_ORGS} organizations\n(target: {TARGET:,} events a second)",
        ("", "events/s", "ms a batch", "CPU ms a batch", "requests a batch"),
        [
            _row("one batch at a time", [alone], worker.batch),
            _row(f"ten at once, on {os.cpu_count()} cores", ten, worker.batch),
            (f"reckoned: ten environments of {worker.memory} MB ({cores:.2f} cores)", f"{lambdas:,.0f}", "", "", ""),
        ],
    )
    report.at_least("fan-out, ten batches of a shard", rate, "events/s", TARGET)
    report.without_target("fan-out, CPU for 100 events", 1000 * busy, "ms")


def _row(name: str, runs: list[_Run], batch: int) -> tuple[object, ...]:
    batches = sum(run.events for run in runs) / batch
    return (
        name,
        f"{sum(run.events / run.seconds for run in runs):,.0f}",
        f"{1000 * sum(run.seconds for run in runs) / batches:.0f}",
        f"{1000 * sum(run.cpu for run in runs) / batches:.0f}",
        f"{sum(run.requests for run in runs) / batches:.0f}",
    )


def _together(number: int) -> list[_Run]:
    context = get_context("spawn")
    ready = context.Barrier(number)
    answers: Any = context.Queue()
    made = [context.Process(target=_run, args=(ready, answers), daemon=True) for _ in range(number)]
    for process in made:
        process.start()
    found = [_Run(*answers.get(timeout=120)) for _ in made]
    for process in made:
        process.join()
    return found


def _run(ready: Any, answers: Any) -> None:
    sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 metrics, as long as the process lives
    stub.drop_log()
    worker = topology.function("workers/fanout")
    assert isinstance(worker, resources.Worker)
    with use_stub(Cloud()) as cloud:
        batches = [_batch(worker.batch) for _ in range(5)]
        _invoke(batches[0])
        ready.wait()
        cloud.requests.clear()
        started, cpu, done = time.perf_counter(), time.process_time(), 0
        while time.perf_counter() - started < _SECONDS:
            _invoke(batches[done % len(batches)])
            done += 1
        seconds = time.perf_counter() - started
        requests = cloud.requests.total()
        answers.put((done * worker.batch, seconds, time.process_time() - cpu, requests))


def _invoke(batch: dict[str, Any]) -> None:
    answer = pool.invoke("workers/fanout", batch)
    assert answer == {"batchItemFailures": []}, answer


def _batch(size: int) -> dict[str, Any]:
    orgs = [ids.new_id("org") for _ in range(_ORGS)]
    mails = [
        (orgs[number % _ORGS], ids.new_id("corr"), ids.new_id("msg"), ids.new_id("agt")) for number in range(_WORKFLOWS)
    ]
    records = []
    for number in range(size):
        org_id, correlation_id, message_id, agent_id = mails[number % _WORKFLOWS]
        actor = Actor(type="agent", id=agent_id)
        work = SystemActor(org_id=org_id, actor=actor, agent_id=agent_id, correlation_id=correlation_id)
        kind = _STORY[(number + number // _WORKFLOWS) % len(_STORY)]
        subject = Subject(type="message", id=message_id, version=1 + number // _WORKFLOWS)
        event = events.new_event(work, kind, subject, kind="mail", recipients=["0" * 64])
        item = events.event_write(event).item
        records.append(
            {
                "eventID": str(number),
                "eventName": "INSERT",
                "eventSource": "aws:dynamodb",
                "dynamodb": {"NewImage": encode_item(item), "SequenceNumber": str(number)},
            }
        )
    return {"Records": records}
