"""A local stack of its own for a test, which may be killed in every way and started again.

Linux only: it reads /proc.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from infra.local import engine, report

#: A start and a stop take seconds on two idle cores, and much longer beside other tests.
PATIENCE = 90
#: Parts of the stack, by a part of their command line.
TABLES, ENGINE, IDENTITY, POOLS = "dynoxide", "engine_host.py", "identity.provider", "multiprocessing.forkserver"


class Running:
    """A stack with its own folder and ports that can end and start again."""

    def __init__(self, home: Path) -> None:
        self.home, self.port, self.identity_port = home, engine.free_port(), engine.free_port()
        self.output = home.with_name("terminal.log")
        self.process: subprocess.Popen[bytes] | None = None

    def begin(self) -> subprocess.Popen[bytes]:
        self.home.mkdir(exist_ok=True)
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "infra.local"],
                cwd=engine.ROOT,
                # As from a terminal. Without this, background processes ignore these two signals.
                preexec_fn=_heed_signals,  # noqa: PLW1509 nothing of another thread is touched
                env=self.environ(),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return self.process

    def environ(self, **changes: str) -> dict[str, str]:
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("AWS_", "SWITCHBOARD_"))}
        ports = {"PORT": str(self.port), "IDENTITY_PORT": str(self.identity_port)}
        return {**kept, **ports, "SWITCHBOARD_HOME": str(self.home), **changes}

    def command(self, *words: str, **changes: str) -> tuple[int, str]:
        """The exit status and the output of `python -m infra.local` with these arguments."""
        done = subprocess.run(
            [sys.executable, "-m", "infra.local", *words],
            cwd=engine.ROOT,
            env=self.environ(**changes),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        return done.returncode, done.stdout + done.stderr

    def start(self) -> None:
        process = self.begin()

        deadline = time.monotonic() + PATIENCE
        # A file left by the killed stack is not a sign of a running one.
        while f"{process.pid}\n" != read_text(self.home / "ready"):
            assert process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, "the stack did not start in time"
            time.sleep(0.05)

    def end(self, *numbers: int) -> int:
        assert self.process
        for number in numbers:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    @property
    def keys(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in read_text(self.home / "demo.env").splitlines())

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {self.keys['ANIMA_AGENT_KEY']}"}
        return httpx.request(method, f"http://127.0.0.1:{self.port}{path}", headers=bearer, timeout=20, **options)

    def send(self) -> str:
        """Send a mail. Returns its id once the API has accepted it."""
        mail = {"to": "you@example.com", "subject": secrets.token_hex(8), "body": "From an agent."}
        answer = self.request("POST", "/v1/email/send", json=mail)
        assert answer.status_code < 300, answer.text
        return str(answer.json()["id"])

    def status(self, message: str) -> str:
        try:
            answer = self.request("GET", f"/v1/email/messages/{message}")
        except httpx.TransportError:
            return "no answer"
        return str(answer.json().get("status", answer.status_code))

    def report(self) -> dict[str, Any]:
        """The report of the stack about its processes."""
        return report.read_report(self.home)

    def parts(self, mark: str = "") -> list[int]:
        """The child processes of the stack and the processes of its pools, by a part of their command line."""
        assert self.process
        own = _children_of(self.process.pid)
        return [pid for pid in [*own, *self.pool_processes()] if mark in _command_of(pid)]

    def pool_processes(self) -> list[int]:
        """The processes of the pools, which are forked from a child process of the stack."""
        assert self.process
        return [pid for one in _children_of(self.process.pid) if POOLS in _command_of(one) for pid in _children_of(one)]


def _heed_signals() -> None:
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def read_text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _parent_of(place: Path) -> int | None:
    line = next((line for line in read_text(place / "status").splitlines() if line.startswith("PPid:")), None)
    return int(line.split()[1]) if line else None


def _children_of(parent: int) -> list[int]:
    return [
        int(place.name) for place in Path("/proc").iterdir() if place.name.isdigit() and _parent_of(place) == parent
    ]


def _command_of(pid: int) -> str:
    return read_text(Path(f"/proc/{pid}/cmdline")).replace("\0", " ")


def is_alive(pid: int) -> bool:
    # A zombie process has no command line.
    return bool(_command_of(pid))
