"""`make run`: the whole system on this machine."""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import shutil
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import IO

import uvicorn

from infra import topology
from infra.local import demo, engine, identity, provision
from infra.local.gateway import Gateway
from infra.local.inbound import Inbound
from infra.local.mailbox import Mailbox
from infra.local.pool import Pool
from infra.local.pumps import Pumps

_API_PROCESSES = 3
_WORKER_PROCESSES = 2
#: Workers that wait for strangers' answers have processes of their own: nobody else's work waits with them.
_OWN_PROCESSES = {"workers/deliveries": 2, "workers/slow_deliveries": 1}
_GUIDE = """
Switchboard is up, {seconds:.1f} s after the start. Ctrl-C stops it and keeps its data.

  Anima      {url}/v1
  OptiComm   {url}/functions/v1
  Athos      {url}/api/external/v1
  HUM        {url}/api
  Docs       {url}/docs
  Mail sent  {home}/mail
  Mail in    smtp://localhost:{smtp} for demo@{domain}, and for every other agent's address
  Logs       {home}/functions.log

Keys of the demo organisation ({home}/demo.env has them too):
  agent   {ANIMA_AGENT_KEY}
  master  {ANIMA_MASTER_KEY}

Send a mail (Anima):
  curl -s {url}/v1/email/send -H 'Authorization: Bearer {ANIMA_AGENT_KEY}' \\
    -H 'Content-Type: application/json' -H 'x-correlation-id: tour-1' \\
    -d '{{"to":"you@example.com","subject":"Hello","body":"From an agent."}}'
Read its audit chain (Anima):
  curl -s '{url}/v1/audit/events?correlation_id=tour-1' -H 'Authorization: Bearer {ANIMA_AGENT_KEY}'
Write to the demo agent, and see it arrive (Anima):
  printf 'From: you@example.com\\nTo: demo@{domain}\\nSubject: Hello\\n\\nFrom a person.\\n' | \\
    curl -s smtp://localhost:{smtp} --mail-from you@example.com --mail-rcpt demo@{domain} -T -
  curl -s '{url}/v1/email/messages?direction=INBOUND' -H 'Authorization: Bearer {ANIMA_AGENT_KEY}'
Let the demo caller call, and see how it goes (OptiComm; a test key calls nobody):
  curl -s {url}/functions/v1/external-api -H 'X-API-Key: {OPTICOMM_TEST_KEY}' -H 'Content-Type: application/json' \\
    -d '{{"action":"initiate_call","agent_id":"{OPTICOMM_AGENT_ID}","phone_number":"+14155550142",
         "variables":{{"customer_name":"Ada","order_id":"1815"}},"request_id":"tour-1"}}'
  curl -s {url}/functions/v1/external-api -H 'X-API-Key: {OPTICOMM_TEST_KEY}' -H 'Content-Type: application/json' \\
    -d '{{"action":"check_status","request_id":"tour-1"}}'
Practise a call, and read it a minute later, scored (Athos; the rep is played, too):
  TOKEN=$(curl -s {url}/api/external/v1/session -H 'Authorization: Bearer {ATHOS_KEY}' \\
    -H 'Content-Type: application/json' -d '{{"externalUserId":"rep_1"}}' | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')
  curl -s {url}/api/external/v1/roleplay/session -H "Authorization: Bearer $TOKEN" \\
    -H 'Content-Type: application/json' -d '{{"drillKey":"ma-full-sale"}}'
  curl -s '{url}/api/external/v1/calls?from=2026-01-01T00:00:00Z' -H 'Authorization: Bearer {ATHOS_KEY}'
Sign in to the console at {url}/auth/login: the local OpenID provider ({issuer}) takes any address and asks for
no password. Ada (ada@demo.example) is the demo's admin, Vic (vic@demo.example) may only look. Or as Ada (HUM):
  curl -s {url}/api/me -H 'Cookie: bh_hum_session={HUM_SESSION}'
  curl -s {url}/api/contacts -H 'Cookie: bh_hum_session={HUM_SESSION}' -H 'Content-Type: application/json' \\
    -d '{{"e164":"+1 415 555 0142","display_name":"Grace Hopper","notes":"prefers mornings"}}'
  curl -s '{url}/api/contacts?q=hop' -H 'Cookie: bh_hum_session={HUM_SESSION}'
"""


class Stack:
    """The parts, started in order and stopped in reverse."""

    def __init__(self, home: Path, port: int, identity_port: int) -> None:
        self.home, self.port, self.identity_port = home, port, identity_port
        self.url = f"http://localhost:{port}"
        self.ready_file = home / "ready"
        self._inbound_port = 0

    async def run(self) -> None:
        """Serve until a signal comes."""
        started = time.monotonic()
        self.home.mkdir(parents=True, exist_ok=True)
        lock = _only_one(self.home)
        engine.require_free(self.port)
        engine.require_free(self.identity_port, "IDENTITY_PORT")
        self.ready_file.unlink(missing_ok=True)
        # Every queue is waited for in a thread of its own.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(3 * len(topology.QUEUES)))
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        smtp_port = engine.free_port()
        inbound = Inbound()
        mailbox = Mailbox(self.home / "mail", inbound)
        await mailbox.start(smtp_port)
        # It comes up beside the engine, and is waited for last.
        people = await asyncio.to_thread(
            identity.start, port=self.identity_port, console_url=self.url, log=self.home / "identity.log"
        )
        aws = await asyncio.to_thread(
            engine.start, data=self.home / "data", smtp_port=smtp_port, log=self.home / "engine.log"
        )
        try:
            environ = aws.environ()
            environ |= await asyncio.to_thread(provision.provision, environ)
            environ |= people.environ()
            environ |= {name: value for name, value in os.environ.items() if name.startswith("SWITCHBOARD_")}
            os.environ.update(environ)
            _write_private(self.home / "environ.json", json.dumps(environ, indent=1))
            mailbox.report_to(environ)
            self._inbound_port = await inbound.start(environ, os.environ.get("SMTP_PORT"))
            (self.home / "smtp_port").write_text(f"{self._inbound_port}\n")
            keys = await asyncio.to_thread(demo.seed, self.home / "demo.json")
            await asyncio.to_thread(people.ready)
            await self._serve(environ, keys, started, stop)
        finally:
            self.ready_file.unlink(missing_ok=True)
            (self.home / "smtp_port").unlink(missing_ok=True)
            await inbound.stop()
            await asyncio.to_thread(people.stop)
            await asyncio.to_thread(aws.stop)
            await mailbox.stop()
            lock.close()

    async def _serve(self, environ: dict[str, str], keys: dict[str, str], started: float, stop: asyncio.Event) -> None:
        log = self.home / "functions.log"
        api = Pool(_API_PROCESSES, environ, log, tuple(group.name for group in topology.GROUPS))
        names = [one.name for one in (*topology.WORKERS, *topology.SCHEDULES) if one.name not in _OWN_PROCESSES]
        background = Pool(_WORKER_PROCESSES, environ, log, tuple(names))
        own = {name: Pool(size, environ, log, (name,)) for name, size in _OWN_PROCESSES.items()}
        gateway = Gateway(api, log)
        server = uvicorn.Server(
            uvicorn.Config(
                gateway,
                host="127.0.0.1",
                port=self.port,
                log_level="warning",
                server_header=False,
                # A client that reads no more would hold the stop up for ever.
                timeout_graceful_shutdown=5,
            )
        )
        # Signals are ours to handle: the server stops when we say so.
        server.capture_signals = nullcontext  # type: ignore[method-assign, assignment]
        pumps = Pumps(background, own, environ)
        try:
            await asyncio.gather(api.ready(), background.ready(), *(pool.ready() for pool in own.values()))
            pumps.start()
            serving = asyncio.create_task(server.serve())
            while not server.started:
                await asyncio.sleep(0.02)
            self._announce(keys, time.monotonic() - started)
            await asyncio.wait([asyncio.create_task(stop.wait()), serving], return_when=asyncio.FIRST_COMPLETED)
            print("\nStopping …", flush=True)
            gateway.close()
            server.should_exit = True
            await serving
        finally:
            await asyncio.to_thread(api.stop)
            await pumps.drain()
            await pumps.stop()
            for pool in (background, *own.values()):
                await asyncio.to_thread(pool.stop)

    def _announce(self, keys: dict[str, str], seconds: float) -> None:
        lines = [f"SWITCHBOARD_URL={self.url}", *(f"{name}={value}" for name, value in keys.items())]
        _write_private(self.home / "demo.env", "\n".join(lines) + "\n")
        self.ready_file.write_text(f"{os.getpid()}\n")
        places = {
            "url": self.url,
            "issuer": f"http://localhost:{self.identity_port}",
            "home": self.home,
            "smtp": self._inbound_port,
            "domain": provision.AGENTS_DOMAIN,
        }
        print(_GUIDE.format(**places, seconds=seconds, **keys), flush=True)


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def _only_one(home: Path) -> IO[str]:
    """Hold the folder for this stack: two of them would write over each other's data."""
    lock = (home / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise SystemExit(f"a stack is running, or still stopping, with the data in {home}") from None
    return lock


def main() -> None:
    """Run the stack, or with `reset` throw its data away."""
    logging.basicConfig(level=os.environ.get("SWITCHBOARD_LOCAL_LOG", "WARNING"), format="%(name)s: %(message)s")
    home = Path(os.environ.get("SWITCHBOARD_HOME", ".local"))
    if sys.argv[1:] == ["reset"]:
        home.mkdir(parents=True, exist_ok=True)
        _only_one(home).close()
        for name in ("data", "mail"):
            shutil.rmtree(home / name, ignore_errors=True)
        logs = ("engine.log", "functions.log", "identity.log")
        for name in ("demo.json", "demo.env", "environ.json", "smtp_port", *logs):
            (home / name).unlink(missing_ok=True)
        return
    port = int(os.environ.get("PORT", "8080"))
    asyncio.run(Stack(home, port, int(os.environ.get("IDENTITY_PORT", port + 1))).run())


if __name__ == "__main__":
    main()
