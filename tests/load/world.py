"""The whole system in one process and one timeline: dynoxide for the tables, a stub for the queues.

Handlers are invoked as by Lambda: the stream's new items go to the fan-out, messages to their workers. A `Meter` counts
the DynamoDB requests of each.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from infra import topology
from infra.local import aws, pool
from switchboard.aws import secret
from switchboard.kit import clock
from tests.conftest import clear_caches
from tests.load import cloud, dynoxide, stub
from tests.load.capacity import Meter
from tests.load.cloud import Cloud, Sent

_ENDLESS = 2_000
_BY_QUEUE = {worker.queue: worker for worker in topology.WORKERS if worker.queue}


class _Due(NamedTuple):
    at: float
    sent: Sent


@dataclass
class World:
    """The running system. Time moves only on request."""

    source: clock.FrozenClock
    queues: Cloud
    meter: Meter
    _waiting: list[_Due] = field(default_factory=list)

    def settle(self) -> None:
        """Let the stream, the queues and their workers do all due work, with its consequences."""
        for _ in range(_ENDLESS):
            if not self._hand_on() and not self._work():
                return
        raise AssertionError("it does not come to an end")

    def step(self, seconds: float) -> None:
        """Advance the time, and do one round of due work. Its consequences wait for the next step."""
        self.source.advance(seconds=seconds)
        self._hand_on()
        self._work()

    def pass_by(self, minutes: int) -> None:
        """Advance the time minute by minute, with all due work. Later timers stay set."""
        for _ in range(minutes):
            self.source.advance(minutes=1)
            self.settle()

    def taken(self, queue: str) -> list[Sent]:
        """Remove and return all messages of a queue."""
        self._take()
        found = [due.sent for due in self._waiting if due.sent.queue == queue]
        self._waiting = [due for due in self._waiting if due.sent.queue != queue]
        return found

    def hand_on(self) -> None:
        """Give new items to the fan-out."""
        while self._hand_on():
            pass

    def invoke(self, queue: str, messages: list[Sent]) -> None:
        """Let a queue's worker take messages, as many at a time as its batch size."""
        worker = _BY_QUEUE[queue]
        for start in range(0, len(messages), worker.batch):
            part = messages[start : start + worker.batch]
            answer = self._invoke(worker.name, {"Records": [sqs_record(n, sent) for n, sent in enumerate(part)]})
            assert answer == {"batchItemFailures": []}, (worker.name, answer)

    def _invoke(self, name: str, event: dict[str, Any]) -> Any:
        with stub.drop_metrics(), self.meter.of(name):
            return pool.invoke(name, event)

    def _hand_on(self) -> bool:
        new = self.meter.outbox[:100]
        del self.meter.outbox[:100]
        if not new:
            return False
        records = [
            {
                "eventID": str(number),
                "eventName": "INSERT",
                "eventSource": "aws:dynamodb",
                "dynamodb": {"NewImage": item, "SequenceNumber": str(number)},
            }
            for number, item in enumerate(new)
        ]
        answer = self._invoke("workers/fanout", {"Records": records})
        assert answer == {"batchItemFailures": []}, answer
        return True

    def _work(self) -> bool:
        self._take()
        due = [one for one in self._waiting if one.at <= clock.epoch()]
        self._waiting = [one for one in self._waiting if one not in due]
        by_queue: dict[str, list[Sent]] = {}
        for one in sorted(due):
            by_queue.setdefault(one.sent.queue, []).append(one.sent)
        for queue, messages in by_queue.items():
            self.invoke(queue, messages)
        return bool(due)

    def _take(self) -> None:
        now = clock.epoch()
        self._waiting += [_Due(now + sent.delay, sent) for sent in self.queues.sent]
        self.queues.sent.clear()


def sqs_record(number: int, sent: Sent, receives: int = 1) -> dict[str, Any]:
    """A message as Lambda gives it to a worker."""
    return {
        "messageId": str(number),
        "receiptHandle": str(number),
        "body": sent.text,
        "attributes": {"MessageGroupId": sent.group, "ApproximateReceiveCount": str(receives)},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{sent.queue}",
    }


@contextmanager
def run_world(binary: Path, **settings: str) -> Iterator[World]:
    """A world with empty tables."""
    stub.drop_log()
    with dynoxide.serve_tables(binary) as tables:
        queues = {name: url for name, url in cloud.function_environment().items() if "_QUEUE_" in name}
        more = {"SWITCHBOARD_MAIL_CARRIER": "simulator", "SWITCHBOARD_PUBLIC_URL": "http://localhost:8080"}
        with patch.dict(os.environ, tables | queues | more | settings):
            clear_caches()
            with (
                patch.object(secret, "_root", lambda: b"load"),
                clock.using(source := clock.FrozenClock(clock.now_iso())),
            ):
                queues_stub = Cloud(seconds=0)
                queues_stub.listen("sqs")
                meter = Meter(aws.engine_client(tables, "dynamodb"))
                meter.listen()
                yield World(source, queues_stub, meter)
            clear_caches()
