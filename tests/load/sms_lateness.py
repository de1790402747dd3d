"""The lateness of scheduled texts on the real clock: of their timers alone, and on a local stack.

The timers: the real tick and its workers over dynoxide, with a stub for the queues. A timer's lateness is the time at
which its message becomes visible, after its own time.

The stack: texts that a member schedules, with a number of them due in each second, until the simulated carrier has
them. A local stack has two processes for all its workers, so its machine limits the number of texts a second: several
rates are measured, up to the first that is too late.
"""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from infra.local import pool
from infra.local.aws import engine_client
from switchboard.aws import writes
from switchboard.aws.dynamodb import decode_item
from switchboard.kit import clock, ids
from switchboard.kit.settings import env_key
from switchboard.messaging import acceptance
from switchboard.messaging import store as messages
from switchboard.messaging.drafts import TextDraft
from switchboard.messaging.jobs import SendScheduledText
from switchboard.timers import store as timers
from switchboard.timers.models import Timer
from tests.conftest import clear_caches
from tests.load import cloud, dynoxide, report, stub
from tests.load.cloud import Cloud, Sent
from tests.load.sizes import SIZES
from tests.load.world import sqs_record
from tests.running import Running
from tests.unit.campaigns.virtual import Office, contact_of, open_office
from tests.unit.messaging.desk import make_conversation

#: The most seconds between a text's time and its hand-over, for 99 of 100.
TARGET = 2.0
#: The texts that are due in a second of the stack, from the first rate to the last, and for how many seconds.
RATES, SECONDS = (2, 5, 10, 20, 40), 15
_PATIENCE = 60
#: The timers that are stored at once: more would overtax dynoxide.
_TOGETHER = 100
_STORING = 0.002
_ATTEMPTS = 10
#: The time in which a member schedules a text here, at most, and the time before the first one is due.
_ACCEPTANCE, _LEAD = 0.05, 5


def measure() -> None:
    """Print the lateness."""
    binary = dynoxide.binary()
    if binary is None:
        print("\nScheduled texts: not measured, dynoxide cannot be had here.")
        return
    late = _measure_timers(binary)
    rates = _measure_stack()
    held = [one for one in rates if one.holds]
    best = max((one.rate for one in held), default=0)
    report.table(
        f"Scheduled texts on the real clock: seconds after their time (target: p99 of {TARGET:g} s)",
        ("", "texts", "arrived", "p50 s", "p99 s", "longest s", "target"),
        [
            (
                f"{SIZES.scheduled_texts:,} timers of one minute, until their messages are visible",
                f"{len(late):,}",
                f"{len(late):,}",
                *_shown(late),
                report.met(_percentile(late, 99) <= TARGET),
            ),
            *(
                (
                    f"a local stack, {one.rate} due in each second, until the carrier has them",
                    one.texts,
                    len(one.late),
                    *_shown(one.late),
                    report.met(one.holds),
                )
                for one in rates
            ),
        ],
    )
    if best:
        print(
            f"\nThis stack, with two processes for all workers, hands over {best} a second in time:"
            f" {SIZES.scheduled_texts:,} texts take it {SIZES.scheduled_texts / best / 60:.0f} minutes."
        )
    report.at_most(f"{SIZES.scheduled_texts:,} timers of one minute, p99 late", _percentile(late, 99), "s", TARGET)
    first = rates[0]
    report.at_most(f"scheduled texts on a local stack, {first.rate} a second, p99 late", first.p99, "s", TARGET)
    report.without_target(f"scheduled texts on a local stack, p99 of {TARGET:g} s", best, "texts/s")


# ---- the timers


def _measure_timers(binary: Path) -> list[float]:
    """Returns how late the message of each timer is, in order."""
    queues = {name: url for name, url in cloud.function_environment().items() if "_QUEUE_" in name}
    with dynoxide.serve_tables(binary) as tables, patch.dict(os.environ, tables | queues):
        clear_caches()
        sent = _TimedQueues(seconds=0)
        sent.listen("sqs")
        # The tick of the next full minute looks ahead to the minute after it: the timers are those of that minute.
        # Storing them takes some time.
        storing = timedelta(seconds=_STORING * SIZES.scheduled_texts)
        minute = (clock.now() + storing).replace(second=0, microsecond=0) + timedelta(minutes=1)
        timers.advance_watermark(clock.format_iso(minute)[:16], timers.SHARDS)
        begin = minute + timedelta(minutes=1)
        made = [
            Timer(
                id=ids.derive_id("tmr", 0, f"late-{number}"),
                org_id=f"org_{number % 500:026d}",
                due=clock.format_iso(begin + timedelta(seconds=60 * number / SIZES.scheduled_texts)),
                queue="texts",
                body=SendScheduledText(org_id="org_load", scheduled_id=f"late-{number}").body,
            )
            for number in range(SIZES.scheduled_texts)
        ]
        for start in range(0, len(made), _TOGETHER):
            writes.put_items("activity", [timers.timer_write(one).item for one in made[start : start + _TOGETHER]])
        time.sleep(max(0.0, (minute - clock.now()).total_seconds()))
        with stub.drop_metrics():
            pool.invoke("schedules/tick", {})
            jobs = [one for one in sent.sent if one.queue == "timers"]
            for job in jobs:
                _fire(job)
        clear_caches()
        due = {one.body["scheduled_id"]: clock.parse(one.due).timestamp() for one in made}
        late = sorted(sent.visible[name] - at for name, at in due.items())
        assert late[0] >= 0, "a timer is early"
        return late


def _fire(job: Sent) -> None:
    """Lets a worker send the timers of a shard. The queue delivers again what fails: dynoxide may be too busy."""
    for _ in range(_ATTEMPTS):
        if pool.invoke("workers/timers", {"Records": [sqs_record(1, job)]}) == {"batchItemFailures": []}:
            return
    raise AssertionError("the timers of a shard cannot be sent")


class _TimedQueues(Cloud):
    """Queues that note when the message of a scheduled text becomes visible."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.visible: dict[str, float] = {}
        self._answers["ChangeMessageVisibilityBatch"] = lambda _: {"Successful": [], "Failed": []}

    def _send(self, asked: dict[str, Any]) -> dict[str, Any]:
        now = time.time()
        for entry in asked["Entries"]:
            body = json.loads(entry["MessageBody"])
            if "scheduled_id" in body:
                self.visible.setdefault(body["scheduled_id"], now + entry.get("DelaySeconds", 0))
        return super()._send(asked)


# ---- the stack


@dataclass(frozen=True)
class Rate:
    """The texts of one rate: how late each one was that arrived, in order."""

    rate: int
    texts: int
    late: list[float]

    @property
    def p99(self) -> float:
        return _percentile(self.late, 99)

    @property
    def holds(self) -> bool:
        return len(self.late) == self.texts and self.p99 <= TARGET


def _measure_stack() -> list[Rate]:
    """Returns the rates, up to the first that does not hold."""
    found: list[Rate] = []
    with _running_stack() as environ:
        office = open_office("late")
        for place, rate in enumerate(RATES):
            found.append(_run_rate(environ, office, rate, place * 10_000))
            if not found[-1].holds:
                break
    return found


@contextmanager
def _running_stack() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        stack = Running(Path(folder) / "home")
        stack.start()
        try:
            environ: dict[str, str] = json.loads((stack.home / "environ.json").read_text())
            with patch.dict(os.environ, environ):
                clear_caches()
                yield environ
            clear_caches()
        finally:
            stack.end(signal.SIGTERM)


def _run_rate(environ: dict[str, str], office: Office, rate: int, first: int) -> Rate:
    number = min(rate * SECONDS, SIZES.scheduled_texts)
    begin = clock.now() + timedelta(seconds=_LEAD + number * _ACCEPTANCE)
    due: dict[str, float] = {}
    with stub.drop_metrics():
        for place in range(number):
            talk = make_conversation(
                office.org_id,
                contact_of(first + place),
                office.number.id,
                number_e164=office.number.e164,
                simulated=True,
            )
            writes.commit(messages.CONVERSATIONS.create_write(talk))
            at = begin + timedelta(seconds=place / rate)
            draft = TextDraft(body="Hello.", scheduled_at=clock.format_iso(at))
            scheduled = acceptance.send_text(office.who, talk.id, draft, None).scheduled
            assert scheduled
            due[scheduled.id] = at.timestamp()
    assert clock.now() < begin, "this machine is too slow to schedule the texts before their time"
    deadline = begin + timedelta(seconds=SECONDS + _PATIENCE)
    late = _lateness(environ, due)
    while len(late) < number and clock.now() < deadline:
        time.sleep(1)
        # A look reads the whole table. The engine is busy then, so nobody looks before the end.
        if clock.now() > begin + timedelta(seconds=SECONDS):
            late = _lateness(environ, due)
    return Rate(rate, number, late)


def _lateness(environ: dict[str, str], due: dict[str, float]) -> list[float]:
    """Returns how late the carrier got the texts that it has, in order."""
    taken = {
        item["pk"].rpartition("#")[2]: clock.parse(item["taken_at"]).timestamp()
        for item in _scan_activity(environ, "taken_at")
    }
    sent = {item["scheduled_id"]: item["id"] for item in _scan_activity(environ, "scheduled_id") if "body" in item}
    return sorted(taken[sent[name]] - at for name, at in due.items() if sent.get(name) in taken)


def _scan_activity(environ: dict[str, str], attribute: str) -> list[dict[str, Any]]:
    pages = (
        engine_client(environ, "dynamodb")
        .get_paginator("scan")
        .paginate(TableName=environ[env_key("TABLE", "activity")], FilterExpression=f"attribute_exists({attribute})")
    )
    return [decode_item(item) for page in pages for item in page["Items"]]


def _shown(late: Sequence[float]) -> tuple[str, ...]:
    return tuple(f"{_percentile(late, part):.2f}" for part in (50, 99, 100))


def _percentile(late: Sequence[float], part: int) -> float:
    return late[min(len(late) - 1, len(late) * part // 100)] if late else float("inf")
