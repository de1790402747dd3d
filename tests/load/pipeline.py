"""Webhooks from commit to receipt at 100 events a second: the real handlers, over a table engine that bears it.

The local stack's engine takes some 200 writes a second, so that here dynoxide holds the tables (DESIGN.md's engine for
load; its npm package is fetched when it is missing) and queues between processes stand for SQS. Fan-out, dispatch and
sending run in a process each, as they would in Lambda; every attempt is recorded.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from queue import Empty
from statistics import median, quantiles
from typing import Any
from unittest.mock import patch

from botocore.config import Config

from infra import topology
from infra.local import aws, pool
from switchboard.aws import clock, queue, secret, table
from switchboard.aws.queue import Job
from switchboard.aws.settings import env_key
from switchboard.email import service as email
from switchboard.email.models import Draft
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, Work
from switchboard.webhooks import dispatch, service
from switchboard.webhooks.models import Rendered, Settings, Status
from tests.actors import tenant
from tests.conftest import forget
from tests.load import dynoxide, report, sink
from tests.load.sink import Sink

_QUEUES = ("webhooks", "deliveries", "slow-deliveries")
_WARM_UP, _SECONDS = (20, 4), 15
RATES = (50, 100)
#: How long a batch waits for more, in seconds: about as long as a poll of SQS takes.
_LINGER = 0.03

Queues = dict[str, Any]


def measure() -> None:
    """Print how long events take to arrive."""
    binary = dynoxide.binary()
    if binary is None:
        print("\nWebhooks at 100 events a second: not measured, dynoxide cannot be had here.")
        return
    with sink.running() as found, dynoxide.tables(binary) as environ, patch.dict(os.environ, environ):
        forget()
        with _workers(environ):
            rows = _rows(found)
        forget()
    report.table(
        "Webhooks from commit to receipt, every attempt recorded: the handlers in a process each, dynoxide for the"
        " tables,\nqueues between processes for SQS; seconds from before the commit",
        ("rate", "events", "arrived", "recorded", "p50 s", "p99 s", "longest s"),
        rows,
    )


@contextmanager
def _workers(environ: dict[str, str]) -> Iterator[None]:
    context = get_context("spawn")
    queues: Queues = {name: context.Queue() for name in _QUEUES}
    loops = [(_follow, "workers/fanout"), *[(_take, "workers/webhooks")] * 2, (_take, "workers/deliveries")]
    made = [context.Process(target=_run, args=(loop, name, queues, environ), daemon=True) for loop, name in loops]
    for process in made:
        process.start()
    try:
        yield
    finally:
        for process in made:
            process.terminate()
            process.join()


def _run(loop: Any, name: str, queues: Queues, environ: dict[str, str]) -> None:
    os.environ.update(environ)
    sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 metrics, as long as the process lives
    queue.send = lambda jobs: _send(queues, jobs)
    secret._root = lambda: b"load"  # type: ignore[assignment]
    loop(topology.function(name), queues)


def _send(queues: Queues, jobs: Iterable[Job]) -> None:
    for job in jobs:
        if job.queue not in queues:
            continue  # the audit's and the mail's, which nobody works off here
        if job.delay:
            threading.Timer(job.delay, queues[job.queue].put, (job.body,)).start()
        else:
            queues[job.queue].put(job.body)


def _take(worker: topology.Worker, queues: Queues) -> None:
    import json

    waiting = queues[worker.queue]
    while True:
        bodies = [waiting.get()]
        while len(bodies) < worker.batch:
            try:
                bodies.append(waiting.get(timeout=_LINGER))
            except Empty:
                break
        records = [{"messageId": str(n), "body": json.dumps(body), "attributes": {}, "eventSource": "aws:sqs"}
                   for n, body in enumerate(bodies)]  # fmt: skip
        pool.invoke(worker.name, {"Records": records})


def _follow(worker: topology.Worker, _: Queues) -> None:
    environ = dict(os.environ)
    streams = aws.client(environ, "dynamodbstreams", Config(parameter_validation=False))
    described = aws.client(environ, "dynamodb").describe_table(TableName=environ[env_key("TABLE", "activity")])
    arn = described["Table"]["LatestStreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")[
        "ShardIterator"
    ]
    while True:
        page = streams.get_records(ShardIterator=iterator, Limit=worker.batch)
        iterator = page["NextShardIterator"]
        records = [
            one for one in page["Records"] if one["eventName"] == "INSERT" and "outbox" in one["dynamodb"]["NewImage"]
        ]
        if records:
            pool.invoke(worker.name, {"Records": [one | {"eventSource": "aws:dynamodb"} for one in records]})
        if not page["Records"]:
            time.sleep(0.02)


def _rows(found: Sink) -> list[tuple[object, ...]]:
    with patch.object(secret, "_root", lambda: b"load"), patch.object(queue, "send", lambda _: None):
        acme = tenant("load")
        message = email.send(acme.caller(), Draft(to=["you@example.com"], subject="Hello", body="b"))
        settings = Settings(url=f"{found.url}/hook", events=["message.sent"])
        endpoint = service.register(acme.caller(master=True), "anima", settings).endpoint
        work = Work(org_id=acme.org_id, actor=Actor(type="system", id="load"), agent_id=None, correlation_id="load")

        def commit_one(number: int) -> tuple[str, float]:
            subject = Subject(type="message", id=message.id, version=number)
            event = events.of(work, "email.sent", subject, kind="mail", recipients=[])
            rendered = Rendered(event="message.sent", body={}, sequence=1, key=event.id)
            began = time.time()
            table.commit(events.record(event))
            return dispatch._id(endpoint, rendered), began

        _at_rate(commit_one, *_WARM_UP)
        time.sleep(3)
        rows = []
        for rate in RATES:
            found.taken()
            since = clock.stamp()
            began = dict(_at_rate(commit_one, rate, _SECONDS))
            arrived: dict[str, float] = {}
            deadline = time.time() + 20
            while len(arrived) < len(began) and time.time() < deadline:
                time.sleep(0.5)
                arrived |= {name: at for name, at in found.taken() if name in began and name not in arrived}
            taken = sorted(arrived[name] - at for name, at in began.items() if name in arrived)
            time.sleep(1)
            row = (f"{rate}/s", len(began), len(taken), _recorded(acme.org_id, endpoint.id, since))
            rows.append((*row, f"{median(taken):.3f}", f"{quantiles(taken, n=100)[98]:.3f}", f"{taken[-1]:.3f}"))
        return rows


def _at_rate(one: Any, rate: int, seconds: int) -> list[tuple[str, float]]:
    start, done = time.time(), []
    for number in range(rate * seconds):
        time.sleep(max(0.0, start + number / rate - time.time()))
        done.append(one(number))
    return done


def _recorded(org_id: str, endpoint_id: str, since: str) -> int:
    count, after = 0, None
    while True:
        page, after = service.deliveries(org_id, endpoint_id, Status.SUCCEEDED, 100, after)
        fresh = [one for one in page if one.created_at >= since]
        count += len(fresh)
        if after is None or len(fresh) < len(page):
            return count


if __name__ == "__main__":
    measure()
