"""The app in a real server, over real sockets: a stop, and a client that does not read."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import uvicorn

from functions.streams.anima import api
from infra.local.engine import free_port
from switchboard.audit.stream_source import AuditChain
from switchboard.edge.streaming import delivery
from switchboard.edge.streaming.app import StreamApp
from switchboard.streams.models import EntryBatch
from tests.actors import Tenant, tenant
from tests.conftest import ROOT
from tests.unit.streams.conftest import Clock, StandStill, make_entry, record_events, run_inline


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    return tenant()


class Server:
    """The app, its feeds, and a port."""

    def __init__(self) -> None:
        self.feeds = StandStill(Clock())
        self.app = StreamApp(api, run=run_inline, feeds=self.feeds)
        config = uvicorn.Config(
            self.app, host="127.0.0.1", port=0, log_level="critical", lifespan="off", timeout_graceful_shutdown=5
        )
        self.uvicorn = uvicorn.Server(config)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Server]:
        serving = asyncio.create_task(self.uvicorn._serve())
        while not self.uvicorn.started:
            await asyncio.sleep(0.01)
        try:
            yield self
        finally:
            self.app.close()
            self.uvicorn.should_exit = True
            async with asyncio.timeout(4):
                await serving

    async def connect(self, key: str, *, buffer: int = 0) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A client that has sent its request. `buffer` limits the unread bytes."""
        client = socket.socket()
        if buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        client.setblocking(False)
        port = self.uvicorn.servers[0].sockets[0].getsockname()[1]
        await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
        reader, writer = await asyncio.open_connection(sock=client, limit=buffer or 2**16)
        writer.write(f"GET /v1/events/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
        return reader, writer


def test_a_stop_ends_open_streams_at_once(acme: Tenant) -> None:
    async def scene() -> None:
        async with Server().running() as server:
            clients = [await server.connect(acme.agent_key) for _ in range(3)]
            for reader, _ in clients:
                assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
                await reader.readuntil(b"\n\n")
            loop = asyncio.get_running_loop()
            started = loop.time()
        assert loop.time() - started < 2
        for reader, writer in clients:
            rest = await reader.read()
            assert b": restarting\n\n" in rest
            assert rest.endswith(b"0\r\n\r\n"), "a regular end of the response, not a broken connection"
            writer.close()

    asyncio.run(scene())


def test_the_script_that_the_web_adapter_runs_starts_the_server(tmp_path: Path) -> None:
    port = free_port()
    environ = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "LAMBDA_TASK_ROOT": str(ROOT),
        "AWS_LWA_PORT": str(port),
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    script = ROOT / "functions" / "streams" / "run.sh"
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([str(script)], cwd=tmp_path, env=environ, stdout=log, stderr=log)
    try:
        context = {"x-amzn-request-context": '{"identity":{"sourceIp":"203.0.113.7"}}'}
        with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as http:
            answer = http.get(f"http://127.0.0.1:{port}/v1/events/stream", headers=context, timeout=20)
    finally:
        process.terminate()
        assert process.wait(timeout=10) in (0, -signal.SIGTERM), (tmp_path / "log").read_text()
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED")


def test_a_client_that_goes_away_is_noticed(acme: Tenant) -> None:
    async def scene() -> None:
        async with Server().running() as server:
            reader, writer = await server.connect(acme.agent_key)
            await reader.readuntil(b"\n\n")
            writer.close()
            async with asyncio.timeout(5):
                while server.feeds._feeds:
                    await asyncio.sleep(0.01)

    asyncio.run(scene())


def test_a_client_that_does_not_read_does_not_delay_others(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    count, size = 2_000, 20_000

    def read(_: AuditChain, after: int, limit: int) -> EntryBatch:
        made = [make_entry(seq, agent_id=acme.agent_id) for seq in range(after + 1, min(after + limit, count) + 1)]
        return EntryBatch([replace(one, frame=one.frame.replace(b"data: ", b"data: " + b"x" * size)) for one in made])

    record_events(acme, 1)
    monkeypatch.setattr(AuditChain, "read_entries", read)
    monkeypatch.setattr(delivery.StreamLimits, "for_live", classmethod(lambda cls: cls(life=60, silence=15, stall=1)))

    async def scene() -> None:
        async with Server().running() as server:
            slow_reader, slow = await server.connect(acme.agent_key, buffer=4_096)
            quick_reader, quick = await server.connect(acme.agent_key)
            for reader in (slow_reader, quick_reader):
                await reader.readuntil(b"\n\n")
            feed = server.feeds.feed(acme.org_id)
            while feed.head < count:
                await feed.poll_once()
            found = b""
            while b"data: " + b"x" * size + b"2000\n" not in found[-2 * size :]:
                chunk = await quick_reader.read(2**20)
                assert chunk
                found = found[-2 * size :] + chunk
            places = sorted(watcher.after for watcher in feed.watchers.values())
            assert places[0] < count, "forty megabytes are not kept for a client that does not read"
            # In the end the server closes its connection.
            async with asyncio.timeout(10):
                while len(feed.watchers) > 1:
                    await asyncio.sleep(0.05)
            slow.close()
            quick.close()

    asyncio.run(scene())
