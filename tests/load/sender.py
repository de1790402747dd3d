"""The sender of webhooks alone, beside a bare client.

It is the worker's own attempt (headers, signatures, the guarded client) to a sink in another process. Beside it a bare
aiohttp client posts the same bytes unsigned. The two take turns, so that what else the machine does is in both.
"""

from __future__ import annotations

import asyncio
import os
import time
from statistics import median
from typing import Any
from unittest.mock import patch

import aiohttp

from switchboard.aws import clock, secret
from switchboard.outbound.client import Client
from switchboard.webhooks import delivery as sending
from switchboard.webhooks.models import Delivery, Endpoint
from tests.load import report, sink
from tests.load.sink import Sink

TARGET, RATIO = 1_500, 0.7
_AT_ONCE, _POSTS, _ROUNDS = 64, 6_000, 5


def measure() -> None:
    """Print posts a second."""
    with sink.running() as found:
        _measure(found)


def _measure(found: Sink) -> None:
    environ = {"SWITCHBOARD_STAGE": "local", "SWITCHBOARD_OUTBOUND_LOOPBACK": "on"}
    with patch.dict(os.environ, environ), patch.object(secret, "_root", lambda: b"load"):
        rounds = [(asyncio.run(_ours(found)), asyncio.run(_bare(found))) for _ in range(_ROUNDS)]
    ours, bare = (median(rates) for rates in zip(*rounds, strict=True))
    ratio = median(mine / theirs for mine, theirs in rounds)
    rows = [
        (rate_of.__doc__, f"{median(rates):,.0f}", f"{min(rates):,.0f}")
        for rate_of, rates in zip((_ours, _bare), zip(*rounds, strict=True), strict=True)
    ]
    report.table(
        f"Webhooks, the sender alone: posts a second to a sink in another process, {_AT_ONCE} at once, median and least"
        f" of {_ROUNDS}\nrounds of {_POSTS:,} (target: {RATIO} times the bare client; it is {ratio:.2f} times)",
        ("sender", "a second", "least"),
        rows,
    )
    report.at_least("the sender alone, beside a bare client", ratio, "times", RATIO)
    report.at_least("the sender alone", ours, "posts/s", TARGET)
    report.noted("a bare client", bare, "posts/s")
    found.taken()


async def _ours(found: Sink) -> float:
    """signed and guarded"""
    now = clock.stamp()
    endpoint = Endpoint(
        id="wh_load", org_id="org_load", kind="anima", url=f"{found.url}/hook", timeout_ms=15_000, max_attempts=10,
        created_at=now, updated_at=now,
    )  # fmt: skip

    async def post(client: Client, number: int) -> None:
        outcome = await sending._attempt(endpoint, _delivery(number), client)
        assert outcome.succeeded, outcome

    async with Client() as client:
        return await _rate(lambda number: post(client, number))


async def _bare(found: Sink) -> float:
    """aiohttp, unsigned"""

    async def post(session: aiohttp.ClientSession, number: int) -> None:
        async with session.post(f"{found.url}/hook", data=_delivery(number).body.encode()) as answer:
            await answer.read()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_AT_ONCE)) as session:
        return await _rate(lambda number: post(session, number))


async def _rate(post: Any) -> float:
    numbers = iter(range(_POSTS))

    async def go_on() -> None:
        for number in numbers:
            await post(number)

    started = time.perf_counter()
    await asyncio.gather(*(go_on() for _ in range(_AT_ONCE)))
    return _POSTS / (time.perf_counter() - started)


def _delivery(number: int) -> Delivery:
    return Delivery(
        id=f"dlv_{number}", org_id="org_load", endpoint_id="wh_load", event="message.sent", event_id="evt_1",
        subject_id="msg_1", sequence=1, correlation_id="corr_1", created_at="2026-01-15T17:00:00.000Z",
        body='{"event":"message.sent","occurredAt":"2026-01-15T17:00:00.000Z","messageId":"msg_1","subject":"Hello"}',
    )  # fmt: skip
