"""Workers that count calls of one organization at the same time: all of them add to the same hour and day.

A transaction holds its items for some milliseconds, and another transaction that meets one of them is refused, as
DynamoDB does it. The jobs arrive at random. 100,000 calls in a day are five calls a second in the busiest hour,
with four events each that change what is counted.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from typing import Any, NamedTuple
from unittest.mock import patch

from botocore.exceptions import ClientError

from infra import topology
from switchboard.analytics import service
from switchboard.aws import clients
from switchboard.errors import Contended
from switchboard.kit import clock
from switchboard.projections import service as projections
from tests import memory_cloud
from tests.load import report
from tests.unit.analytics.ledger import change_call, event_of, organization, store_call, talk
from tests.unit.analytics.written import PARTITION_UNITS, count_units

#: Events a second.
RATES = (20, 40, 80)
_HELD_SECONDS = 0.010
_EVENTS = 240
#: An event that feeds no other projection.
_KIND = "voice.call.answered"


class BusyRun(NamedTuple):
    """The course of a run: the refusals, the jobs that go back to the queue, and the longest job."""

    conflicts: int
    failed: int
    slowest_seconds: float


class _HoldingTables:
    """The tables in memory, with conflicts of transactions."""

    def __init__(self, tables: memory_cloud.Tables) -> None:
        self._tables, self._one = tables, threading.Lock()
        self._held: set[tuple[str, ...]] = set()
        self.conflicts = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        operation = getattr(self._tables, name)

        def ask(**parameters: Any) -> Any:
            with self._one:
                return operation(**parameters)

        return ask

    def transact_write_items(self, **parameters: Any) -> Any:
        places = [_place(entry) for entry in parameters["TransactItems"]]
        with self._one:
            met = [place in self._held for place in places]
            if any(met):
                self.conflicts += 1
                raise _refusal(met)
            self._held.update(places)
        try:
            time.sleep(_HELD_SECONDS)
            with self._one:
                return self._tables.transact_write_items(**parameters)
        finally:
            with self._one:
                self._held.difference_update(places)


def _place(entry: dict[str, Any]) -> tuple[str, ...]:
    ((_, asked),) = entry.items()
    key = asked.get("Key") or {name: asked["Item"][name] for name in ("pk", "sk")}
    return asked["TableName"], key["pk"]["S"], key["sk"]["S"]


def _refusal(met: Sequence[bool]) -> ClientError:
    reasons = [{"Code": "TransactionConflict" if one else "None"} for one in met]
    answer: Any = {"Error": {"Code": "TransactionCanceledException", "Message": ""}, "CancellationReasons": reasons}
    return ClientError(answer, "TransactWriteItems")


def count_at_a_rate(rate: int, events: int = _EVENTS) -> BusyRun:
    """Count calls that are created, answered and ended, at some number of events a second."""
    concurrency = next(one.concurrency for one in topology.WORKERS if one.queue == "projections")
    with memory_cloud.use_memory_tables() as tables:
        org = organization()
        calls = [store_call(org.id, clock.now()) for _ in range(events // 2)]
        holding, failed, slowest = _HoldingTables(tables), [0], [0.0]
        chance = random.Random(rate)
        moments = list(accumulate(chance.expovariate(rate) for _ in range(events)))

        def work(at: float, place: int) -> None:
            time.sleep(max(0.0, at - time.monotonic()))
            call = calls[place // 2]
            if place % 2:
                call = change_call(call, **talk(30, outcome="success"))
            began = time.monotonic()
            try:
                projections.project_event(event_of(call, _KIND))
            except Contended:
                failed[0] += 1
            slowest[0] = max(slowest[0], time.monotonic() - began)

        with patch.object(clients, "dynamodb_client", lambda: holding), ThreadPoolExecutor(concurrency) as workers:
            start = time.monotonic()
            for done in [workers.submit(work, start + moment, place) for place, moment in enumerate(moments)]:
                done.result()
        found = service.get_analytics(org, 2, None, None).totals
        assert failed[0] or (found.calls, found.seconds) == (len(calls), 30 * len(calls))
        return BusyRun(holding.conflicts, failed[0], slowest[0])


def measure() -> None:
    """Print how often workers meet at the tallies, and what becomes of their jobs."""
    rows = []
    for rate in RATES:
        run = count_at_a_rate(rate)
        held = not run.failed or rate > min(RATES)
        slowest = f"{run.slowest_seconds * 1_000:.0f} ms"
        rows.append((rate, _EVENTS, run.conflicts, run.failed, slowest, report.met(held)))
    report.table(
        "Workers that count calls of one organization",
        ("events a second", "events", "conflicts", "jobs that come again", "slowest job", ""),
        rows,
    )
    _measure_writes()


def _measure_writes() -> None:
    rows = []
    for flows in (1, 10, 100, 500):
        units = count_units(flows)
        busiest = max(units.values())
        rows.append((flows, sum(units.values()), busiest, PARTITION_UNITS // busiest, report.met(busiest <= 12)))
    report.table(
        "Tallies that one event of a call adds to, in units of writing",
        ("flows with calls", "units", "units in one partition", "events a second", ""),
        rows,
    )
