"""The sender of webhooks alone, compared with a bare client.

It makes the worker's own attempt (headers, signatures, the guarded client) to a sink in another process. The bare
aiohttp client posts the same bytes unsigned. The two take turns. They are compared by processor time: the speed of an
event loop is limited by its core, and other load on the machine does not affect this figure.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from statistics import median
from typing import Any
from unittest.mock import patch

import aiohttp

from switchboard.aws import secret
from switchboard.kit import clock
from switchboard.outbound.client import GuardedClient
from switchboard.webhooks import attempts
from switchboard.webhooks.attempts import EndpointSender
from switchboard.webhooks.breaker import BatchResults
from switchboard.webhooks.models import Delivery, Endpoint, ReceiverHealth
from tests.load import report, sink
from tests.load.sink import Sink

TARGET, RATIO = 1_500, 0.7
_AT_ONCE, _POSTS, _ROUNDS = 64, 6_000, 5


def measure() -> None:
    """Print posts a second."""
    with sink.run_sink() as found:
        _measure(found)


def _measure(found: Sink) -> None:
    environ = {"SWITCHBOARD_STAGE": "local", "SWITCHBOARD_OUTBOUND_LOOPBACK": "on"}
    with patch.dict(os.environ, environ), patch.object(secret, "_root", lambda: b"load"):
        rounds = [(asyncio.run(_ours(found)), asyncio.run(_bare(found))) for _ in range(_ROUNDS)]
    rows = []
    for rate_of, runs in zip((_ours, _bare), zip(*rounds, strict=True), strict=True):
        rates = [_POSTS / run.seconds for run in runs]
        micros = 1e6 * median(run.cpu for run in runs) / _POSTS
        rows.append((rate_of.__doc__, f"{median(rates):,.0f}", f"{min(rates):,.0f}", f"{micros:.0f}"))
    ratio = median(bare.cpu / ours.cpu for ours, bare in rounds)
    by_the_clock = median(bare.seconds / ours.seconds for ours, bare in rounds)
    report.table(
        f"Webhooks, the sender alone: posts a second to a sink in another process, {_AT_ONCE} at once, median and least"
        f" of {_ROUNDS} rounds\nof {_POSTS:,} (target: {RATIO} times the bare client by processor time; it is"
        f" {ratio:.2f} times, and {by_the_clock:.2f} times by the clock)",
        ("sender", "a second", "least", "CPU µs a post"),
        rows,
    )
    report.at_least("the sender alone, beside a bare client", ratio, "times", RATIO)
    report.without_target("the sender alone, beside a bare client, by the clock", by_the_clock, "times")
    report.at_least("the sender alone", median(_POSTS / run.seconds for run, _ in rounds), "posts/s", TARGET)
    report.without_target("the sender alone, CPU", 1e6 * median(run.cpu for run, _ in rounds) / _POSTS, "µs a post")
    found.taken()


@dataclass(frozen=True)
class _Run:
    seconds: float
    cpu: float


async def _ours(found: Sink) -> _Run:
    """signed and guarded"""
    now = clock.now_iso()
    endpoint = Endpoint(
        id="wh_load", org_id="org_load", kind="anima", url=f"{found.url}/hook", timeout_ms=15_000, max_attempts=10,
        created_at=now, updated_at=now,
    )  # fmt: skip

    async def post(client: GuardedClient, number: int) -> None:
        sending = EndpointSender(endpoint, ReceiverHealth(), BatchResults(), client, slow=False, slots=False)
        outcome = await attempts._attempt(sending, _delivery(number))
        assert outcome.is_success, outcome

    async with GuardedClient() as client:
        return await _rate(lambda number: post(client, number))


async def _bare(found: Sink) -> _Run:
    """aiohttp, unsigned"""

    async def post(session: aiohttp.ClientSession, number: int) -> None:
        async with session.post(f"{found.url}/hook", data=_delivery(number).body.encode()) as answer:
            await answer.read()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_AT_ONCE)) as session:
        return await _rate(lambda number: post(session, number))


async def _rate(post: Any) -> _Run:
    numbers = iter(range(_POSTS))

    async def go_on() -> None:
        for number in numbers:
            await post(number)

    started, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(go_on() for _ in range(_AT_ONCE)))
    return _Run(time.perf_counter() - started, time.process_time() - cpu)


def _delivery(number: int) -> Delivery:
    return Delivery(
        id=f"dlv_{number}", org_id="org_load", endpoint_id="wh_load", event="message.sent", event_id="evt_1",
        subject_id="msg_1", sequence=1, correlation_id="corr_1", created_at="2026-01-15T17:00:00.000Z",
        body='{"event":"message.sent","occurredAt":"2026-01-15T17:00:00.000Z","messageId":"msg_1","subject":"Hello"}',
    )  # fmt: skip
