"""Webhooks from commit to receipt at a rate: the real handlers, over a table engine that is fast enough.

The local stack's engine makes about 200 writes a second, so here dynoxide holds the tables (its npm package is
downloaded if it is missing) and queues between processes stand for SQS. Fan-out, dispatch and sending run in separate
processes, as in Lambda; every attempt is recorded. All of them share this machine's cores with the engine, the
receiver and the process that commits the events: a second table shows the processor time of each.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from queue import Empty
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from botocore.config import Config

from infra import resources, topology
from infra.local import aws, pool
from switchboard.aws import clients, secret, writes
from switchboard.aws import queues as queues_module
from switchboard.email import service as email
from switchboard.email.models import MailDraft
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, SystemActor
from switchboard.kit import clock
from switchboard.kit.jobs import QueueMessage
from switchboard.kit.settings import env_key
from switchboard.webhooks import deliveries, health_store, new_delivery, service
from switchboard.webhooks.health_store import HealthChange
from switchboard.webhooks.models import DeliveryStatus, EndpointSettings, RenderedEvent
from switchboard.webhooks.receivers import receiver_of
from tests.actors import tenant
from tests.conftest import clear_caches
from tests.load import dynoxide, report, sink
from tests.load.sink import Sink

_QUEUES = ("webhooks", "deliveries", "slow-deliveries")
_WARM_UP, _SECONDS = (20, 4), 10
#: Stop after two rates that do not hold: other load on the machine may spoil one.
RATES = (50, 100, 150, 200, 250, 300)
#: The target rate, and its time limit in seconds for 99 of 100 events.
TARGET, TARGET_SECONDS = 300, 0.5
#: How long a batch waits for more messages, in seconds: about as long as a poll of SQS.
_LINGER = 0.03

#: The pause before an empty stream is read again, in seconds. Lambda reads four times a second.
_LOOK = 0.05

Queues = dict[str, Any]


@dataclass
class _Used:
    """The usage of a process so far."""

    cpu: float = 0
    requests: Counter[str] = field(default_factory=Counter)

    def __sub__(self, before: _Used) -> _Used:
        return _Used(self.cpu - before.cpu, self.requests - before.requests)


def measure() -> None:
    """Print the time from commit to arrival, and its parts."""
    binary = dynoxide.binary()
    if binary is None:
        print("\nWebhooks at a rate: not measured, dynoxide cannot be had here.")
        return
    with (
        TemporaryDirectory() as folder,
        sink.run_sink() as found,
        dynoxide.serve_tables(binary) as environ,
        patch.dict(os.environ, environ | {"SWITCHBOARD_LOAD_NOTES": folder}),
    ):
        clear_caches()
        with _workers(dict(os.environ)):
            rows, used = _rows(found, Path(folder))
        clear_caches()
    report.table(
        "Webhooks from commit to receipt, every attempt recorded: the handlers in a process each, dynoxide for the"
        f" tables,\nqueues between processes for SQS; seconds from before the commit (target: {TARGET}/s with a p99 of"
        f" {TARGET_SECONDS} s)",
        ("rate", "events", "arrived", "recorded", "p50 s", "p99 s", "longest s", "target"),
        [row.shown() for row in rows],
    )
    _print_used(rows[-1], used)
    report.at_least("webhooks from commit to receipt, p99 ≤ 0.5 s", _limit(rows), "events/s", TARGET)
    for rate, p99 in {row.rate: row.p99 for row in rows}.items():
        report.without_target(f"webhooks at {rate}/s, p99", p99, "s")


@dataclass(frozen=True)
class _Row:
    rate: int
    events: int
    recorded: int
    #: In seconds, of the arrived ones, in order.
    taken: list[float]

    @property
    def p99(self) -> float:
        return quantiles(self.taken, n=100)[98]

    @property
    def holds(self) -> bool:
        return len(self.taken) == self.recorded == self.events and self.p99 <= TARGET_SECONDS

    def shown(self) -> tuple[object, ...]:
        times = (f"{one:.3f}" for one in (median(self.taken), self.p99, self.taken[-1]))
        return f"{self.rate}/s", self.events, len(self.taken), self.recorded, *times, report.met(self.holds)


def _limit(rows: list[_Row]) -> int:
    """The highest rate that holds."""
    return max((row.rate for row in rows if row.holds), default=0)


def _print_used(row: _Row, used: dict[str, _Used]) -> None:
    rows = []
    for name, one in used.items():
        of_dynamo = ", ".join(f"{kind} {count / row.events:.2f}" for kind, count in one.requests.most_common())
        requests = one.requests.total() / row.events
        rows.append((name, f"{1000 * one.cpu / row.events:.2f}", f"{requests:.2f}" if requests else "", of_dynamo))
    total = sum(one.cpu for one in used.values())
    rows.append(("all", f"{1000 * total / row.events:.2f}", "", ""))
    report.table(
        f"Where the time goes at {row.rate}/s, for each event (the machine has {os.cpu_count()} cores)",
        ("process", "CPU ms", "requests", "by kind"),
        rows,
    )
    report.without_target(f"webhooks at {row.rate}/s, CPU of all", 1000 * total / row.events, "ms/event")
    handlers = sum(one.cpu for name, one in used.items() if name.startswith("workers/"))
    report.without_target(f"webhooks at {row.rate}/s, CPU of the handlers", 1000 * handlers / row.events, "ms/event")


@contextmanager
def _workers(environ: dict[str, str]) -> Iterator[None]:
    context = get_context("spawn")
    queues: Queues = {name: context.Queue() for name in _QUEUES}
    loops = [(_follow, "workers/fanout"), *[(_take, "workers/webhooks")] * 2, (_take, "workers/deliveries")]
    made = [
        context.Process(target=_run, args=(loop, name, number, queues, environ), daemon=True)
        for number, (loop, name) in enumerate(loops)
    ]
    for process in made:
        process.start()
    try:
        yield
    finally:
        for process in made:
            process.terminate()
            process.join()


def _run(loop: Any, name: str, number: int, queues: Queues, environ: dict[str, str]) -> None:
    os.environ.update(environ)
    sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 metrics, as long as the process lives
    queues_module.try_send_messages = lambda messages: _send(queues, messages)
    secret._root = lambda: b"load"  # type: ignore[assignment]
    place = Path(environ["SWITCHBOARD_LOAD_NOTES"]) / f"{number}"
    threading.Thread(target=_note_use, args=(name, place), daemon=True).start()
    loop(topology.function(name), queues)


def _note_use(name: str, place: Path) -> None:
    """Record the usage of the process from time to time."""
    requests: Counter[str] = Counter()
    clients.dynamodb_client().meta.events.register(
        "before-send.dynamodb", lambda request, **_: requests.update([_kind(request)])
    )
    while True:
        draft = place.with_suffix(".draft")
        draft.write_text(json.dumps([name, time.process_time(), requests]))
        draft.rename(place)
        time.sleep(0.2)


def _kind(request: Any) -> str:
    target = request.headers["X-Amz-Target"]
    return (target.decode() if isinstance(target, bytes) else str(target)).rpartition(".")[2]


def _used(folder: Path) -> dict[str, _Used]:
    """The usage of all processes: the workers' own records, this process, the engine and the receiver."""
    found: dict[str, _Used] = {}
    for place in sorted(folder.glob("?")):
        name, cpu, requests = json.loads(place.read_text())
        one = found.setdefault(name, _Used())
        one.cpu += cpu
        one.requests += Counter(requests)
    found["this one, which commits"] = _Used(time.process_time())
    for name, cpu in _children().items():
        found[name] = _Used(cpu)
    return found


def _children() -> dict[str, float]:
    """The processor time of the engine and of the receiver, where the system reports it."""
    found: dict[str, float] = {}
    tick = os.sysconf("SC_CLK_TCK")
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text().rpartition(")")[2].split()
            line = stat.with_name("cmdline").read_bytes().replace(b"\0", b" ")
        except OSError:
            continue  # it has just ended
        if words[1] != str(os.getpid()):
            continue
        for name, mark in (("the table engine", b"dynoxide serve"), ("the receiver", b"tests.load.sink")):
            if mark in line:
                found[name] = (int(words[11]) + int(words[12])) / tick
    return found


def _send(queues: Queues, messages: Sequence[QueueMessage]) -> set[int]:
    for message in messages:
        if message.queue not in queues:
            continue  # queues of the audit and the mail: no worker here reads them
        if message.delay:
            threading.Timer(message.delay, queues[message.queue].put, (message.body,)).start()
        else:
            queues[message.queue].put(message.body)
    return set()


def _take(worker: resources.Worker, queues: Queues) -> None:
    waiting = queues[str(worker.queue)]
    while True:
        bodies = [waiting.get()]
        while len(bodies) < worker.batch:
            try:
                bodies.append(waiting.get(timeout=_LINGER))
            except Empty:
                break
        records = [
            {"messageId": str(number), "body": json.dumps(body), "attributes": {}, "eventSource": "aws:sqs"}
            for number, body in enumerate(bodies)
        ]
        pool.invoke(worker.name, {"Records": records})


def _follow(worker: resources.Worker, _: Queues) -> None:
    environ = dict(os.environ)
    streams = aws.engine_client(environ, "dynamodbstreams", Config(parameter_validation=False))
    described = aws.engine_client(environ, "dynamodb").describe_table(TableName=environ[env_key("TABLE", "activity")])
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
            time.sleep(_LOOK)


def _rows(found: Sink, notes: Path) -> tuple[list[_Row], dict[str, _Used]]:
    """The results of each rate, and the usage at the last one."""
    with (
        patch.object(secret, "_root", lambda: b"load"),
        patch.object(queues_module, "try_send_messages", lambda _: set()),
    ):
        acme = tenant("load")
        message = email.send_message(acme.caller(), MailDraft(to=["you@example.com"], subject="Hello", body="b"))
        settings = EndpointSettings(url=f"{found.url}/hook", events=["message.sent"])
        endpoint = service.create_endpoint(acme.caller(master=True), "anima", settings).endpoint
        # Without a record of a quick response the workers for slow endpoints would serve it.
        quick = HealthChange(
            clock.now_iso(), succeeded=True, failures=0, down=0, anew=False, slow_until=None, quick=True
        )
        health_store.record_results(receiver_of(acme.org_id, endpoint.id), quick)
        work = SystemActor(
            org_id=acme.org_id, actor=Actor(type="system", id="load"), agent_id=None, correlation_id="load"
        )

        def commit_one(number: int) -> tuple[str, float]:
            subject = Subject(type="message", id=message.id, version=number)
            event = events.new_event(work, "email.sent", subject, kind="mail", recipients=[])
            rendered = RenderedEvent(event="message.sent", body={}, sequence=1, key=event.id)
            began = time.time()
            writes.commit(events.event_write(event))
            return new_delivery.delivery_id(endpoint, rendered), began

        _at_rate(commit_one, *_WARM_UP)
        time.sleep(3)
        rows: list[_Row] = []
        before = after = _used(notes)
        for rate in (rate for rate in RATES for _ in range(2)):
            if rows and rows[-1].rate == rate and rows[-1].holds:
                continue
            found.taken()
            since, before = clock.now_iso(), _used(notes)
            began = dict(_at_rate(commit_one, rate, _SECONDS))
            arrived: dict[str, float] = {}
            deadline = time.time() + 20
            while len(arrived) < len(began) and time.time() < deadline:
                time.sleep(0.5)
                arrived |= {name: at for name, at in found.taken() if name in began and name not in arrived}
            taken = sorted(arrived[name] - at for name, at in began.items() if name in arrived)
            time.sleep(1)
            after = _used(notes)
            rows.append(_Row(rate, len(began), _recorded(acme.org_id, endpoint.id, since), taken))
            if len(rows) > 1 and rows[-2].rate == rate and not rows[-1].holds:
                break
        return rows, {name: used - before.get(name, _Used()) for name, used in after.items()}


def _at_rate(one: Any, rate: int, seconds: int) -> list[tuple[str, float]]:
    start, done = time.time(), []
    for number in range(rate * seconds):
        time.sleep(max(0.0, start + number / rate - time.time()))
        done.append(one(number))
    return done


def _recorded(org_id: str, endpoint_id: str, since: str) -> int:
    count, after = 0, None
    while True:
        page, after = deliveries.list_deliveries(org_id, endpoint_id, DeliveryStatus.SUCCEEDED, 100, after)
        fresh = [one for one in page if one.created_at >= since]
        count += len(fresh)
        if after is None or len(fresh) < len(page):
            return count


if __name__ == "__main__":
    measure()
