"""Fifty notices of one mail, reported to twenty workers at once: the number of recorded ones, and the cost.

Twenty threads with the real handler of `workers/email_events` take notices one at a time from a queue that counts
receives. A failed notice comes again after the consumer's pause (here a tenth of it). After the topology's number of
receives the queue gives it up. The table is dynoxide, which runs one transaction after another. DynamoDB cancels a
request that meets another transaction on an item. So here such a request gets a conflict, too: each request holds its
items for its 5 ms.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from infra import topology
from infra.local import pool
from switchboard.aws import clients, secret
from switchboard.aws import queues as queues_module
from switchboard.email import delivery
from switchboard.email import service as email
from switchboard.email.models import MailDraft
from tests.actors import tenant
from tests.conftest import clear_caches
from tests.integration.sabotage import scan_items
from tests.load import cloud, dynoxide, report, stub
from tests.load.cloud import SECONDS, Cloud, Sent
from tests.load.world import sqs_record

NOTICES, WORKERS, ROUNDS = 50, 20, 4
_BODY = "b" * 5_000
#: The part of a pause that the queue waits.
_PART = 0.1
_MOST_SECONDS = 60


def measure() -> None:
    """Print the outcome of the notices."""
    binary = dynoxide.binary()
    if binary is None:
        print("\nNotices: not measured, dynoxide cannot be had here.")
        return
    stub.drop_log()
    rows, found = [], []
    for conflicts in (False, True):
        rounds = _rounds(binary, conflicts)
        name = "conflicts as DynamoDB has them" if conflicts else "no conflicts, as dynoxide is"
        rows.append(_row(name, rounds))
        found += rounds
    report.table(
        f"{NOTICES} notices of one mail, {WORKERS} workers at once, {ROUNDS} mails one after another, 5 ms a request:"
        f" the fewest recorded and\nthe most others of a mail (target: {NOTICES} recorded, none in the dead-letter"
        " queue)",
        ("", "recorded", "in the DLQ", "receives, all", "receives, one", "requests a notice", "conflicts", "seconds"),
        rows,
    )
    report.at_least("50 notices of one mail: recorded", min(one.recorded for one in found), "of 50", NOTICES)
    report.at_most("50 notices of one mail: in the DLQ", max(one.dead for one in found), "of 50", 0)
    report.without_target("50 notices of one mail: received", max(one.receives for one in found), "times")
    report.without_target("50 notices of one mail: requests", max(one.requests for one in found) / NOTICES, "a notice")


def _row(name: str, rounds: list[_Round]) -> tuple[object, ...]:
    return (
        name,
        min(one.recorded for one in rounds),
        max(one.dead for one in rounds),
        max(one.receives for one in rounds),
        max(one.most for one in rounds),
        f"{max(one.requests for one in rounds) / NOTICES:.1f}",
        max(one.conflicts for one in rounds),
        f"{max(one.seconds for one in rounds):.1f}",
    )


@dataclass(frozen=True)
class _Round:
    recorded: int
    dead: int
    receives: int
    most: int
    requests: int
    conflicts: int
    seconds: float


def _rounds(binary: Path, conflicts: bool) -> list[_Round]:
    queues = {name: url for name, url in cloud.function_environment().items() if "_QUEUE_" in name}
    with dynoxide.serve_tables(binary) as tables, ExitStack() as stack:
        environ = tables | queues | {"SWITCHBOARD_MAIL_CARRIER": "simulator", "SWITCHBOARD_LOG_LEVEL": "CRITICAL"}
        stack.enter_context(patch.dict(os.environ, environ))
        clear_caches()
        stack.callback(clear_caches)
        stack.enter_context(patch.object(secret, "_root", lambda: b"load"))
        stack.enter_context(stub.drop_metrics())
        sent = Cloud(seconds=0)
        sent.listen("sqs")
        network = _Network(conflicts=conflicts)
        acme = tenant("load")
        return [_round(acme.caller(), sent, network, number) for number in range(ROUNDS)]


def _round(caller: Any, sent: Cloud, network: _Network, number: int) -> _Round:
    to = [f"you{number}.{n}@example.com" for n in range(NOTICES)]
    message = email.send_message(caller, MailDraft(to=to, subject="Hello", body=_BODY))
    sent.sent.clear()
    delivery.send_queued(message.org_id, message.id)
    reports = [one for one in sent.sent if one.queue == "email-events"]
    sends = [one for one in reports if '"eventType":"Send"' in one.text]
    pool.invoke("workers/email_events", {"Records": [sqs_record(0, one) for one in sends]})
    waiting = _Waiting([one for one in reports if one not in sends])
    assert len(waiting.left) == NOTICES
    network.counting(True)
    began = time.monotonic()
    with waiting.pausing(), ThreadPoolExecutor(WORKERS) as workers:
        for done in [workers.submit(_work, waiting) for _ in range(WORKERS)]:
            done.result()
    seconds = time.monotonic() - began
    network.counting(False)
    receives = waiting.receives
    return _Round(
        _recorded(message.id),
        waiting.dead,
        receives.total(),
        max(receives.values()),
        network.requests,
        network.conflicts,
        seconds,
    )


def _recorded(message_id: str) -> int:
    """The number of recipients in the delivery events."""
    found: set[str] = set()
    for item in scan_items("activity", FilterExpression="attribute_exists(outbox)"):
        if item.get("type", {}).get("S") == "email.delivered" and item["subject"]["M"]["id"]["S"] == message_id:
            found |= {one["S"] for one in item["data"]["M"]["recipients"]["L"]}
    return len(found)


@dataclass
class _Waiting:
    """A queue that gives each message to one worker at a time, and again after a failure."""

    left: list[Sent]
    receives: Counter[int] = field(default_factory=Counter)
    dead: int = 0
    _due: list[tuple[float, int]] = field(default_factory=list)
    _held: set[int] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _pauses: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._due = [(0.0, number) for number in range(len(self.left))]
        self._until = time.monotonic() + _MOST_SECONDS

    @contextmanager
    def pausing(self) -> Iterator[None]:
        """Apply a consumer's pauses to this queue."""

        def put_back(receipts: Sequence[tuple[Any, int]]) -> None:
            for receipt, seconds in receipts:
                self._pauses[receipt.handle] = seconds

        with patch.object(queues_module, "delay_retries", put_back):
            yield

    def receive(self) -> int | None:
        """The number of a due message; `None` when all are done. Waits for a message that comes again."""
        while True:
            with self._lock:
                if time.monotonic() > self._until or not (self._due or self._held):
                    return None
                self._due.sort()
                if self._due and self._due[0][0] <= time.monotonic():
                    _, number = self._due.pop(0)
                    self._held.add(number)
                    self.receives[number] += 1
                    return number
            time.sleep(0.005)

    def answered(self, number: int, *, failed: bool) -> None:
        """Delete a message, or make it visible again."""
        with self._lock:
            self._held.discard(number)
            if not failed:
                return
            if self.receives[number] >= topology.queue("email-events").max_receives:
                self.dead += 1
                return
            pause = self._pauses.get(str(number), 2)
            self._due.append((time.monotonic() + pause * _PART, number))


def _work(waiting: _Waiting) -> None:
    while (number := waiting.receive()) is not None:
        one = sqs_record(number, waiting.left[number], waiting.receives[number])
        answer = pool.invoke("workers/email_events", {"Records": [one]})
        waiting.answered(number, failed=bool(answer["batchItemFailures"]))


class _Network:
    """Each request takes 5 ms. A request that meets a transaction on an item gets a conflict."""

    def __init__(self, *, conflicts: bool) -> None:
        self.requests = self.conflicts = 0
        self._conflicts, self._on = conflicts, False
        self._held: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        hooks = clients.dynamodb_client().meta.events
        hooks.register("before-parameter-build.dynamodb", self._asked)
        hooks.register_first("before-call.dynamodb", self._before)
        hooks.register("before-send.dynamodb", lambda **_: time.sleep(SECONDS) if self._on else None)
        hooks.register("after-call.dynamodb", self._after)
        hooks.register("after-call-error.dynamodb", self._after)

    def counting(self, on: bool) -> None:
        """Begin, or end."""
        self._on = on
        if on:
            self.requests = self.conflicts = 0

    def _asked(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["asked"] = params

    def _before(self, model: Any, context: dict[str, Any], **_: Any) -> Any:
        with self._lock:
            self.requests += 1
            places = _places(model.name, context["asked"]) if self._on and self._conflicts else []
            met = [place for place in places if self._held[place]]
            if met:
                self.conflicts += 1
                return _Refused(), _conflict(model.name, places, met)
            if model.name == "TransactWriteItems":
                self._held.update(places)
                context["held"] = places
        return None

    def _after(self, context: dict[str, Any], **_: Any) -> None:
        with self._lock:
            self._held.subtract(context.pop("held", []))


class _Refused:
    status_code = 400
    headers: dict[str, str] = {}  # noqa: RUF012 nobody changes it


def _conflict(operation: str, places: list[tuple[str, str]], met: list[tuple[str, str]]) -> dict[str, Any]:
    about = {"ResponseMetadata": {"HTTPStatusCode": 400}}
    if operation != "TransactWriteItems":
        return about | {"Error": {"Code": "TransactionConflictException", "Message": "ongoing transaction"}}
    reasons = [{"Code": "TransactionConflict" if place in met else "None"} for place in places]
    error = {"Code": "TransactionCanceledException", "Message": "cancelled"}
    return about | {"Error": error, "CancellationReasons": reasons}


def _places(operation: str, asked: dict[str, Any]) -> list[tuple[str, str]]:
    """The items that a request writes."""
    if operation == "TransactWriteItems":
        return [_place(write) for part in asked["TransactItems"] for write in part.values()]
    return [_place(asked)] if operation in ("PutItem", "UpdateItem", "DeleteItem") else []


def _place(write: dict[str, Any]) -> tuple[str, str]:
    key = write.get("Key") or write["Item"]
    names = ("pk", "sk") if "pk" in key else ("id",)
    return write["TableName"], "\n".join(key[name]["S"] for name in names)
