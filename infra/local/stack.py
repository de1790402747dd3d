"""The local stack: starts the engine, the functions and the helpers, and stops them again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from infra import renderer, topology
from infra.install import cleaning
from infra.local import demo, dynoxide, engine, files, guide, identity, ports, provision
from infra.local.checkpoint import Checkpoint
from infra.local.event_sources import EventSources
from infra.local.gateway import Gateway
from infra.local.inbound_mail import InboundMail
from infra.local.lock import hold_home
from infra.local.own_pages import OwnPages
from infra.local.pool import Pool
from infra.local.report import delete_report, keep_report, write_report
from infra.local.sent_mail import SentMail
from infra.local.server import Server
from infra.local.supervision import keep_running
from infra.local.terminal import print_line

_API_PROCESSES = 3
_WORKER_PROCESSES = 2
#: Workers that wait for customers' servers have processes of their own, so that no other work waits for them.
_OWN_PROCESSES = {"workers/deliveries": 2, "workers/slow_deliveries": 2}
#: The same for groups that call the APIs: they would take the processes that they wait for.
_OWN_API_PROCESSES = {"mcp": 2}


class LocalStack:
    """Starts the parts of the local stack in order, watches them, and stops them in reverse order."""

    def __init__(self, home: Path, chosen: ports.Ports, stopped_by: str) -> None:
        self.home, self.ports, self._stopped_by = home, chosen, stopped_by
        self.data = home / "data"
        self.url = f"http://localhost:{chosen.api}"
        self.ready_file = home / "ready"
        self._started, self._started_at = time.monotonic(), time.time()
        self._inbound_port = 0
        self._state = "starting"
        self._servers: list[Server] = []
        self._pools: tuple[Pool, ...] = ()

    async def run(self) -> None:
        """Serve until a signal arrives."""
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores SIGHUP
                asyncio.get_running_loop().add_signal_handler(number, stop.set)
        # Each queue is polled in a thread of its own.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(3 * len(topology.QUEUES)))
        living = asyncio.create_task(self._live_or_refuse())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({living, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not living.done():
            self._state = "stopping"
            print_line("\nStopping …")
            living.cancel()
        stopping.cancel()
        try:
            await living
        except asyncio.CancelledError:
            print_line("Stopped. The data is kept.")

    async def _live_or_refuse(self) -> None:
        try:
            await self._serve_all()
        except SystemExit as refusal:
            # A SystemExit in a task would end the loop at once, without any cleanup.
            raise RuntimeError(str(refusal)) from None

    async def _serve_all(self) -> None:
        """Start everything and serve. A cancellation stops everything in reverse order."""
        async with AsyncExitStack() as ends:
            lock = ends.enter_context(await hold_home(self.home))
            for stale in (self.ready_file, self.home / "smtp_port"):
                stale.unlink(missing_ok=True)
                ends.callback(stale.unlink, missing_ok=True)
            ends.enter_context(cleaning.use_packages())
            for name, port in self.ports.chosen.items():
                ports.require_free(port, name)
            reporting = asyncio.create_task(keep_report(self.home, self._describe))
            ends.callback(delete_report, self.home)
            ends.callback(reporting.cancel)
            checkpoint = Checkpoint(self.data / "handed_on.json")
            tables = await asyncio.to_thread(_tables, self.data, self.home / "tables.log", checkpoint)
            inbound = InboundMail()
            mailbox = SentMail(self.home / "mail", inbound)
            smtp_port = engine.free_port()
            await mailbox.start(smtp_port)
            ends.push_async_callback(mailbox.stop)
            aws = await asyncio.to_thread(
                engine.create_engine,
                data=self.data,
                smtp_port=smtp_port,
                log=self.home / "engine.log",
                with_tables=tables is None,
                holds=(lock.fileno(),),
            )
            await asyncio.to_thread(renderer.try_install_renderer)
            people = await asyncio.to_thread(
                identity.Identity, port=self.ports.identity, console_url=self.url, log=self.home / "identity.log"
            )
            servers = self._servers = [one for one in (tables, aws, people) if one]
            for server in servers:
                ends.push_async_callback(asyncio.to_thread, server.stop)
                server.start()
            await asyncio.gather(*(asyncio.to_thread(server.wait_until_ready) for server in servers))
            environ = aws.environ() | (dynoxide.environ(tables) if tables else {})
            secret = self.data / "root_secret"
            environ |= await asyncio.to_thread(provision.provision, environ, secret)
            await asyncio.to_thread(aws.save)
            environ |= people.environ()
            environ |= {name: value for name, value in os.environ.items() if name.startswith("SWITCHBOARD_")}
            os.environ.update(environ)
            files.write(self.home / "environ.json", json.dumps(environ, indent=1))
            mailbox.report_to(environ)
            self._inbound_port = await inbound.start(environ, ports.listen_for_mail(self.ports))
            ends.push_async_callback(inbound.stop)
            files.write(self.home / "smtp_port", f"{self._inbound_port}\n")
            keys = await asyncio.to_thread(demo.seed_demo, self.home / "demo.json")

            # The AWS engine's tables and stream positions may be back at their last save.
            if tables is None:
                checkpoint.forget_places()

            async def renew(pumps: EventSources) -> None:
                await asyncio.to_thread(provision.provision, environ, secret)
                if tables is None:
                    pumps.reread_streams()

            await self._serve(environ, keys, checkpoint, servers, renew)

    async def _serve(
        self,
        environ: dict[str, str],
        keys: dict[str, str],
        checkpoint: Checkpoint,
        servers: list[Server],
        renew: Callable[[EventSources], Awaitable[None]],
    ) -> None:
        log = self.home / "functions.log"
        groups = [group.name for group in topology.GROUPS if group.name not in _OWN_API_PROCESSES]
        api = Pool(_API_PROCESSES, environ, log, tuple(groups), "API")
        callers = {name: Pool(size, environ, log, (name,), name) for name, size in _OWN_API_PROCESSES.items()}
        names = [one.name for one in (*topology.WORKERS, *topology.SCHEDULES) if one.name not in _OWN_PROCESSES]
        background = Pool(_WORKER_PROCESSES, environ, log, tuple(names), "worker")
        own = {name: Pool(size, environ, log, (name,), name) for name, size in _OWN_PROCESSES.items()}
        pools = self._pools = (api, background, *callers.values(), *own.values())
        gateway = Gateway(api, log, callers, OwnPages(keys, self.home / "mail"))
        server = uvicorn.Server(server_config(gateway, self.ports.api))
        # The stack handles signals itself, and stops the server in its order.
        server.capture_signals = nullcontext  # type: ignore[method-assign, assignment]
        aws = next(one for one in servers if isinstance(one, engine.Engine))
        pumps = EventSources(background, own, environ, checkpoint, aws.life)
        aws.list_held = pumps.list_held_handles
        serving: asyncio.Task[None] | None = None
        watching: list[asyncio.Task[None]] = []
        try:
            # Servers are already watched while the processes start.
            for one in servers:
                again = partial(renew, pumps) if isinstance(one, engine.Engine) else None
                watching.append(asyncio.create_task(keep_running(one, again)))
            await asyncio.gather(*(pool.start_processes() for pool in pools))
            watching += [asyncio.create_task(pool.watch_processes()) for pool in pools]
            pumps.start()
            serving = asyncio.create_task(server.serve([ports.listen(self.ports.api, "PORT")]))
            while not server.started and not serving.done():
                await asyncio.sleep(0.02)
            self._write_ready_file(keys, time.monotonic() - self._started)
            await asyncio.shield(serving)
        finally:
            self.ready_file.unlink(missing_ok=True)
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)
            gateway.close()
            server.should_exit = True
            if serving:
                await serving
            for pool in (*callers.values(), api):
                await asyncio.to_thread(pool.stop)
            await pumps.stop()
            for pool in (background, *own.values()):
                await asyncio.to_thread(pool.stop)

    def _write_ready_file(self, keys: dict[str, str], seconds: float) -> None:
        lines = [f"SWITCHBOARD_URL={self.url}", *(f"{name}={value}" for name, value in keys.items())]
        files.write(self.home / "demo.env", "\n".join(lines) + "\n")
        self._state = "serving"
        places = {
            "url": self.url,
            "issuer": f"http://localhost:{self.ports.identity}",
            "home": self.home,
            "smtp": self._inbound_port,
            "domain": provision.AGENTS_DOMAIN,
        }
        print_line(guide.write_guide(stopped_by=self._stopped_by, **places, seconds=f"{seconds:.1f}", **keys))
        write_report(self.home, self._describe())
        # The last step: `make run DETACH=yes` returns now, and has shown the guide.
        files.write(self.ready_file, f"{os.getpid()}\n")

    def _describe(self) -> dict[str, Any]:
        """The report for `make status`."""
        return {
            "pid": os.getpid(),
            "state": self._state,
            "started_at": self._started_at,
            "url": self.url,
            "smtp_port": self._inbound_port,
            "servers": [one.describe() for one in self._servers],
            "pools": [{"name": pool.name, "size": pool.size, "pids": pool.pids} for pool in self._pools],
        }


def _tables(data: Path, log: Path, handed_on: Checkpoint) -> Server | None:
    """Return the server of the tables, `None` if the AWS engine has the tables.

    Existing data stays in its engine.
    """
    file = data / "tables.db"
    if not file.exists() and (data / "state" / "dynamodb.json").exists():
        return None
    data.mkdir(parents=True, exist_ok=True)
    program = dynoxide.install_dynoxide()
    if program is None:
        if file.exists():
            raise SystemExit(
                f"The data in {file} needs dynoxide, which could not be installed: check the access to npm's registry."
            )
        print_line(f"This machine has no dynoxide: tables are saved every {engine.SAVE_SECONDS} s and at the stop.")
        return None
    dynoxide.trim_streams(file, handed_on.list_places())
    return dynoxide.Tables(program, log, file)


def server_config(app: ASGIApp | Gateway, port: int) -> uvicorn.Config:
    """Returns the configuration of the server of the APIs."""
    return uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        log_level="warning",
        server_header=False,
        # No proxy stands before the stack. Otherwise a client would choose its own address by X-Forwarded-For.
        proxy_headers=False,
        # Without a limit, a client that stops reading would block the stop forever.
        timeout_graceful_shutdown=5,
    )
