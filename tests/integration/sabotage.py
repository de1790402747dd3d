"""Faults on demand: a process that dies at a chosen AWS call, a service that returns an error, and the queues and the
stream that bring unfinished work again.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from infra import resources, topology
from infra.local.pool import Context
from switchboard.aws import clients
from switchboard.kit import clock, settings
from switchboard.kit.jobs import QueueMessage
from tests.integration.role import check_role

_ENDLESS = 1_000
SERVICES = ("dynamodb", "sqs", "ses", "secretsmanager")


class Killed(BaseException):
    """The process is gone: nothing catches this exception, and nothing after it runs."""


class _Answer:
    status_code = 400


def _error(code: str) -> dict[str, Any]:
    return {"Error": {"Code": code, "QueueMessage": code}, "ResponseMetadata": {"HTTPStatusCode": 400}}


class Sabotage:
    """Listens to every AWS call of this process, and interferes on request."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._last: int | None = None
        self._meeting: tuple[int, Callable[[], None]] | None = None
        self._faults: dict[str, list[dict[str, Any]]] = {}
        for client in (*map(clients.get_client, SERVICES), clients.dynamodb_client_without_retries()):
            client.meta.events.register_first("before-call", self._called)

    def _called(self, model: Any, **_: Any) -> Any:
        if len(self.calls) == self._last:
            raise Killed
        if self._meeting and len(self.calls) == self._meeting[0]:
            # Calls that the saboteur makes itself do not count.
            act, self._meeting, before = self._meeting[1], None, self.calls
            self.calls = []
            act()
            self.calls = before
        self.calls.append(model.name)
        waiting = self._faults.get(model.name)
        return (_Answer(), waiting.pop(0)) if waiting else None

    @contextmanager
    def killing(self, after: int) -> Iterator[None]:
        """Die between two of the block's AWS calls: after the given number, before the next is made."""
        self.calls.clear()
        self._last = after
        try:
            yield
        except Killed:
            pass
        finally:
            self._last = None

    @contextmanager
    def meeting(self, after: int, act: Callable[[], None]) -> Iterator[None]:
        """Run another actor between two of the block's AWS calls, after the given number."""
        self.calls.clear()
        self._meeting = after, act
        try:
            yield
        finally:
            self._meeting = None

    @contextmanager
    def counting(self) -> Iterator[list[str]]:
        """The names of the calls that the block makes."""
        self.calls.clear()
        yield self.calls

    def fail(self, operation: str, code: str, times: int = 1, reasons: list[str] | None = None) -> None:
        """Return an error for the next calls of an operation, without reaching the service."""
        error = _error(code) | ({"CancellationReasons": [{"Code": reason} for reason in reasons]} if reasons else {})
        self._faults.setdefault(operation, []).extend([error] * times)

    def lose_answer(self, operation: str) -> None:
        """Perform the next call of an operation, but return an error."""

        def lose(http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
            for events in listening:
                events.unregister(f"after-call.*.{operation}", lose)
            http_response.status_code = 500
            parsed.clear()
            parsed.update(_error("InternalServerError"))

        listening = [
            client.meta.events for client in (clients.dynamodb_client(), clients.dynamodb_client_without_retries())
        ]
        for events in listening:
            events.register(f"after-call.*.{operation}", lose)

    def mend(self) -> None:
        """Let every service respond normally again."""
        self._faults.clear()


_OUTBOX = {"FilterExpression": "attribute_exists(outbox)"}
#: Jobs of the outbox that were forwarded: no two tests share an id.
_handed_on: set[str] = set()


class Dying(Context):
    """An invocation whose time is over, so that another may take over its half-done request at once."""

    def get_remaining_time_in_millis(self) -> int:
        return -1


def invoke(name: str, event: dict[str, Any], context: type[Context] = Context) -> Any:
    """Run a function's handler in this process. Raises AssertionError if its role denies an AWS call."""
    module = importlib.import_module(f"functions.{name.replace('/', '.')}.handler")
    function = topology.function(name)
    with check_role(function):
        return module.handler(event, context(function))


def run_tick() -> None:
    """Deliver due work: from the outbox, and from the minute's schedule and the timer workers."""
    due = [item for item in scan_items("activity", **_OUTBOX) if item["outbox"]["S"] == "job"]
    due = [item for item in due if item["due"]["S"] <= clock.now_iso() and item["pk"]["S"] not in _handed_on]
    if due:
        answer = invoke("workers/fanout", {"Records": [_change(number, item) for number, item in enumerate(due)]})
        assert answer == {"batchItemFailures": []}
        _handed_on.update(item["pk"]["S"] for item in due)
    invoke("schedules/tick", {})
    run_worker("workers/timers")


def run_worker(name: str, *, at_most: int | None = None, together: int = 1) -> int:
    """Let a worker process its queue's messages, all or a number of batches of size `together`. Returns the number of
    batches.

    As in Lambda, a message is deleted after its job succeeds. It stays in the queue if the worker dies or fails.
    """
    worker = topology.function(name)
    assert isinstance(worker, resources.Worker)
    assert worker.queue is not None
    for taken in range(_ENDLESS if at_most is None else at_most):
        messages = _receive(worker.queue, together)
        if not messages:
            return taken
        answer = invoke(name, {"Records": [_record(message) for message in messages]})
        failed = {item["itemIdentifier"] for item in answer["batchItemFailures"]}
        _delete(worker.queue, [message for message in messages if message["MessageId"] not in failed])
    assert at_most is not None, f"{name} does not come to an end"
    return at_most


def play_calls() -> None:
    """Let the simulated voice provider finish its calls, and apply all its reports."""
    run_worker("workers/simulator")
    run_worker("workers/voice_events")


def drain_queue(queue: str) -> list[dict[str, Any]]:
    """Remove and return all messages of a queue."""
    bodies = []
    while messages := _receive(queue, 10):
        bodies += [json.loads(message["Body"]) for message in messages]
        _delete(queue, messages)
    return bodies


def _receive(queue: str, number: int) -> list[dict[str, Any]]:
    answer = clients.get_client("sqs").receive_message(
        QueueUrl=settings.queue_url(queue), MaxNumberOfMessages=number, VisibilityTimeout=0, AttributeNames=["All"]
    )
    return list(answer.get("Messages", []))


def _delete(queue: str, messages: list[dict[str, Any]]) -> None:
    for message in messages:
        clients.get_client("sqs").delete_message(
            QueueUrl=settings.queue_url(queue), ReceiptHandle=message["ReceiptHandle"]
        )


def _record(message: dict[str, Any]) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "eventSource": "aws:sqs",
    }


class Later:
    """SQS delays by the test's clock: replaces `queue.send_all`, and holds delayed messages until they are due."""

    def __init__(self, send: Callable[[Sequence[QueueMessage]], set[int]]) -> None:
        self._send = send
        self._held: list[tuple[datetime, QueueMessage]] = []
        #: The stream knows the items of earlier rounds, so that each round hands on new items only.
        self.stream = Stream()

    def __call__(self, messages: Sequence[QueueMessage]) -> set[int]:
        now = [place for place, message in enumerate(messages) if not message.delay]
        refused = self._send([messages[place] for place in now]) if now else set()
        self._held += [
            (clock.now() + timedelta(seconds=message.delay), message) for message in messages if message.delay
        ]
        return {now[place] for place in refused}

    def bring(self) -> None:
        """Enqueue due messages."""
        now = clock.now()
        due = [message for moment, message in self._held if moment <= now]
        self._held = [(moment, message) for moment, message in self._held if moment > now]
        if due:
            self._send([replace(message, delay=0) for message in due])


def send_due(later: Later, *workers: str) -> None:
    """Run the stream, the tick, the queues and these workers until no due work is left."""
    run_tick()
    while True:
        later.stream.hand_on()
        later.bring()
        if not sum(run_worker(name) for name in workers):
            return


class Stream:
    """The table's stream: each new item for the fan-out, once. Failed items come again."""

    def __init__(self) -> None:
        self._done: set[tuple[str, str]] = set()

    def hand_on(self) -> None:
        """Give the fan-out its unfinished items, as one batch."""
        events = scan_items("activity", **_OUTBOX)
        waiting = [item for item in events if _place(item) not in self._done]
        waiting.sort(key=lambda item: str(item["id"]["S"]))
        if not waiting:
            return
        records = [_change(number, item) for number, item in enumerate(waiting)]
        answer = invoke("workers/fanout", {"Records": records})
        failed = {item["itemIdentifier"] for item in answer["batchItemFailures"]}
        for record, item in zip(records, waiting, strict=True):
            if record["dynamodb"]["SequenceNumber"] in failed:
                break
            self._done.add(_place(item))
            if item["outbox"]["S"] == "job":
                _handed_on.add(item["pk"]["S"])


def _place(item: dict[str, Any]) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def _change(number: int, item: dict[str, Any]) -> dict[str, Any]:
    return {
        "eventID": str(number),
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {"NewImage": item, "SequenceNumber": str(number)},
    }


def scan_items(table: str, **which: Any) -> list[dict[str, Any]]:
    """All items of a table, or of a scan with these parameters, in DynamoDB's own form."""
    items: list[dict[str, Any]] = []
    start: dict[str, Any] = {}
    while True:
        answer: Any = clients.dynamodb_client().scan(
            TableName=settings.table_name(table), ConsistentRead=True, **which, **start
        )
        items += answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return items
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
