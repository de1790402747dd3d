"""Webhooks: how many the sender alone sends, how soon they arrive, and what a dead endpoint does to the others.

The sender alone is the worker's own attempt (headers, signatures, the guarded client) to a sink in another process,
beside a bare aiohttp client that posts the same bytes unsigned. The rest runs on the whole local stack, whose engine
takes some 200 writes a second: its figures are for comparing with each other, not with AWS.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import aiohttp
import httpx

from infra.local import engine
from switchboard.aws import clock, secret
from switchboard.outbound.client import Client
from switchboard.webhooks import delivery as sending
from switchboard.webhooks.models import Delivery, Endpoint
from tests.load import report, sink
from tests.load.sink import Sink

TARGET = 1_500
_AT_ONCE, _POSTS, _ROUNDS = 64, 6_000, 3
_ENDPOINTS, _SECONDS, _RATES = 100, 20, (5, 10)


def measure() -> None:
    """Print all three."""
    with sink.running() as found:
        _sender_alone(found)
        _through_the_stack(found)


# --- the sender alone ---------------------------------------------------------------------------------------------


def _sender_alone(found: Sink) -> None:
    environ = {"SWITCHBOARD_STAGE": "local", "SWITCHBOARD_OUTBOUND_LOOPBACK": "on"}
    with patch.dict(os.environ, environ), patch.object(secret, "_root", lambda: b"load"):
        rows = []
        for rate_of in (_ours, _bare):
            rates = [asyncio.run(rate_of(found)) for _ in range(_ROUNDS)]
            rows.append((rate_of.__doc__, f"{median(rates):,.0f}", f"{min(rates):,.0f}"))
    ours, bare = (float(row[1].replace(",", "")) for row in rows)
    report.table(
        f"Webhooks, the sender alone: posts a second to a sink in another process, {_AT_ONCE} at once, median and least"
        f" of {_ROUNDS}\nrounds of {_POSTS:,} (target {TARGET:,}: {report.met(ours >= TARGET)}; signed and guarded"
        f" {ours / bare:.2f} times the bare client)",
        ("sender", "a second", "least"),
        rows,
    )
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


# --- through the stack --------------------------------------------------------------------------------------------


def _through_the_stack(found: Sink) -> None:
    with TemporaryDirectory() as folder, _stack(Path(folder)) as stack:
        orgs = [_organisation(stack) for _ in range(_ENDPOINTS // 50)]
        hooks = [_hook(stack, org, f"{found.url}/hook/{n}") for org in orgs for n in range(50)]
        _sent(stack, found, hooks, 10, 5)  # each answers once, so that none is new
        rows = [_row(f"{rate}/s, all well", _sent(stack, found, hooks, rate, _SECONDS)) for rate in _RATES]
        dead = _hook(stack, _organisation(stack), f"{found.url}/dead")
        with_it = _sent(stack, found, hooks, _RATES[0], _SECONDS, dead=dead)
        rows.append(_row(f"{_RATES[0]}/s, one more is dead", with_it))
        report.table(
            f"Webhooks through the local stack, every attempt recorded: seconds from the request that commits an event"
            f" to its receipt,\n{_ENDPOINTS} endpoints (target: a dead one adds nothing that can be measured)",
            ("", "events", "arrived", "p50 s", "p99 s", "longest s"),
            rows,
        )


@dataclass(frozen=True)
class _Hook:
    path: str
    headers: dict[str, str]


def _organisation(stack: httpx.Client) -> dict[str, str]:
    name = f"load-{os.urandom(5).hex()}"
    made = stack.post("/v1/agent/sign-up", json={"human_email": f"{name}@example.com", "username": name}).json()
    _switchboard(stack, "org", "set-plan", made["organization_id"], "scale")
    return {"Authorization": f"Bearer {made['master_key']}"}


def _switchboard(stack: httpx.Client, *words: str) -> None:
    home = stack.headers["x-load-home"]
    command = [sys.executable, "-c", "import sys; from switchboard.cli import main; sys.exit(main())"]
    subprocess.run([*command, "--local", home, *words], check=True, capture_output=True)


def _hook(stack: httpx.Client, org: dict[str, str], url: str) -> _Hook:
    answer = stack.post("/v1/webhooks", json={"url": url, "events": ["call.*"]}, headers=org)
    assert answer.status_code == 201, answer.text
    return _Hook(f"/v1/webhooks/{answer.json()['id']}", org)


def _sent(
    stack: httpx.Client, found: Sink, hooks: list[_Hook], rate: int, seconds: int, *, dead: _Hook | None = None
) -> list[float | None]:
    """Send test events at a rate. Answers how long each took to arrive."""
    found.taken()
    began: dict[str, float] = {}
    start = time.time()
    for number in range(rate * seconds):
        time.sleep(max(0.0, start + number / rate - time.time()))
        hook, at = hooks[number % len(hooks)], time.time()
        began[stack.post(f"{hook.path}/test", headers=hook.headers).json()["deliveryId"]] = at
        if dead and number % rate == 0:
            stack.post(f"{dead.path}/test", headers=dead.headers)
    arrived: dict[str, float] = {}
    deadline = time.time() + 30
    while len(arrived) < len(began) and time.time() < deadline:
        time.sleep(0.5)
        arrived |= {name: at for name, at in found.taken() if name in began and name not in arrived}
    return [arrived[name] - at if name in arrived else None for name, at in began.items()]


def _row(name: str, taken: list[float | None]) -> tuple[object, ...]:
    times = sorted(one for one in taken if one is not None)
    cuts = quantiles(times, n=100)
    return (name, len(taken), len(times), f"{median(times):.2f}", f"{cuts[98]:.2f}", f"{times[-1]:.2f}")


@contextmanager
def _stack(home: Path) -> Iterator[httpx.Client]:
    port = engine.free_port()
    environ = {name: text for name, text in os.environ.items() if not name.startswith(("AWS_", "SWITCHBOARD_"))}
    environ |= {"SWITCHBOARD_HOME": str(home), "PORT": str(port), "SWITCHBOARD_KEY_CACHE_SECONDS": "1"}
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "infra.local"], env=environ, stdout=log, stderr=log)
    try:
        while not (home / "ready").exists():
            assert process.poll() is None, (home / "log").read_text()
            time.sleep(0.1)
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=30, headers={"x-load-home": str(home)}
        ) as client:
            yield client
    finally:
        process.terminate()
        process.wait()
