"""Live streams: the time from an event's commit to its receipt, compared with sse-starlette for the same events and
clients.

The chain is a stub in both: event n is committed n tenths of a second after the start, and a reader sees all events
committed so far. The local engine makes at most two hundred writes a second, and would dominate the result. Both
servers read the chain at the same pace, once for all clients.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Any
from unittest.mock import patch

import uvicorn

from switchboard.audit.models import ChainHead
from switchboard.dialects.anima import stream
from switchboard.kit import clock
from switchboard.streams.feed import Feeds, PollInterval
from tests.load import report, stub

CLIENTS, RATE = 200, 10
_WARM_UP, _SECONDS = 3, 15
#: The real interval; and a minimal one, which shows the time of the servers themselves.
_PACES = (0.5, 0.02)
_SERVERS = ("ours", "sse-starlette")
_ROOT = Path(__file__).resolve().parents[2]


def measure() -> None:
    """Print the delay of events, and the cost of serving them."""
    rows = [_measure(server, pace) for pace in _PACES for server in _SERVERS]
    report.table(
        f"Live streams: commit to receipt, {CLIENTS} clients, {RATE} events a second each, for {_SECONDS} s; they and"
        " the server share\nthe cores. The chain is a stub that is looked at every so often, once for all clients: the"
        " wait for that look\nis in the figures",
        ("server", "look every", "events", "p50 ms", "p99 ms", "max ms", "CPU %", "lost or twice"),
        rows,
    )


def _measure(server: str, pace: float) -> tuple[object, ...]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.load.sse", server, str(pace)], cwd=_ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        found = asyncio.run(_watch(json.loads(process.stdout.readline()), process.pid))
    finally:
        process.terminate()
        process.wait(timeout=20)
    late = [1000 * seconds for seconds in found.late]
    cuts = quantiles(late, n=100)
    return (
        server,
        f"{pace * 1000:.0f} ms",
        f"{len(late):,}",
        *(f"{value:.1f}" for value in (cuts[49], cuts[98], max(late))),
        f"{100 * found.cpu / _SECONDS:.0f}",
        found.wrong,
    )


# The clients, all in this process.


@dataclass
class _Found:
    late: list[float] = field(default_factory=list)
    wrong: int = 0
    cpu: float = 0


async def _watch(hello: dict[str, Any], pid: int) -> _Found:
    found = _Found()
    measuring = asyncio.Event()
    clients = [asyncio.create_task(_client(hello, found, measuring)) for _ in range(CLIENTS)]
    await asyncio.sleep(_WARM_UP)
    before = _cpu_of(pid)
    measuring.set()
    await asyncio.sleep(_SECONDS)
    found.cpu = _cpu_of(pid) - before
    for client in clients:
        if client.done():
            client.result()
        client.cancel()
    await asyncio.gather(*clients, return_exceptions=True)
    return found


async def _client(hello: dict[str, Any], found: _Found, measuring: asyncio.Event) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", hello["port"])
    writer.write(
        f"GET /v1/events/stream HTTP/1.1\r\nHost: local\r\nAuthorization: Bearer {hello['key']}\r\n\r\n".encode()
    )
    last = 0
    seq = 0
    try:
        while line := await reader.readline():
            if line.startswith(b"id: "):
                seq = int(line[4:])
            elif line.startswith(b"data: "):
                if measuring.is_set():
                    found.late.append(time.time() - (hello["start"] + seq / RATE))
                    found.wrong += bool(last) and seq != last + 1
                last = seq
    finally:
        writer.close()
    raise RuntimeError(f"a stream ended behind {last}")


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# The servers, each in its own process.


class _Chain:
    """A chain that grows with time."""

    def __init__(self) -> None:
        self.start = time.time()

    def head(self, _: str = "") -> ChainHead:
        return ChainHead(math.floor((time.time() - self.start) * RATE), "")

    def export(self, org_id: str, after: int, limit: int) -> Iterator[dict[str, Any]]:
        for seq in range(after + 1, min(self.head().seq, after + limit) + 1):
            yield {
                "seq": seq,
                "id": f"evt_{seq:026d}",
                "timestamp": clock.format_iso(clock.now()),
                "category": "email",
                "channel": "email",
                "action": "email.sent",
                "agentId": "agt_load",
                "resourceType": "message",
                "resourceId": f"msg_{seq:026d}",
                "correlationId": "corr_load",
                "metadata": {"kind": "mail", "recipients": ["digest"]},
            }


def _ours(chain: _Chain, pace: float) -> Any:
    from functions.streams.anima import api
    from switchboard.edge.streaming.app import StreamApp

    app = StreamApp(api)
    app._feeds = Feeds(app._run, pace=PollInterval(pace, pace))
    patches = ExitStack()
    patches.enter_context(patch("switchboard.audit.service.export_documents", chain.export))
    patches.enter_context(patch("switchboard.audit.service.get_head", chain.head))
    for name, answer in {"_take": "stream-pool#load#0", "release": None, "renew": set[str]()}.items():
        patches.enter_context(patch(f"switchboard.streams.service.{name}", lambda *_, answer=answer, **__: answer))
    return app


def _starlette(chain: _Chain, pace: float) -> Any:
    """As sse-starlette's documentation recommends for many clients: one queue per client, filled by one task."""
    from sse_starlette import EventSourceResponse, ServerSentEvent
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.routing import Route

    queues: set[asyncio.Queue[tuple[int, str]]] = set()
    polling: list[asyncio.Task[None]] = []

    async def poll() -> None:
        seq = chain.head().seq
        while True:
            for document in await asyncio.to_thread(list, chain.export("", seq, 500)):
                seq = document["seq"]
                shown = json.dumps(stream.stream_event(document), separators=(",", ":"))
                for queue in queues:
                    queue.put_nowait((seq, shown))
            await asyncio.sleep(pace)

    async def events(_: Request) -> EventSourceResponse:
        if not polling:
            polling.append(asyncio.create_task(poll()))

        async def told() -> AsyncIterator[ServerSentEvent]:
            queue: asyncio.Queue[tuple[int, str]] = asyncio.Queue()
            queues.add(queue)
            try:
                while True:
                    seq, data = await queue.get()
                    yield ServerSentEvent(data=data, id=str(seq), sep="\n")
            finally:
                queues.discard(queue)

        return EventSourceResponse(told(), ping=15)

    return Starlette(routes=[Route("/v1/events/stream", events)])


async def _serve(name: str, pace: float) -> None:
    with stub.use_stub() as store:
        chain = _Chain()
        app = (_ours if name == "ours" else _starlette)(chain, pace)
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        print(json.dumps({"port": port, "key": store.key.text, "start": chain.start}), flush=True)
        await serving


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], float(sys.argv[2])))
