"""A server of the stack in its own process. It proves its identity, ends with the stack, and can be restarted."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.local.terminal import print_line

STARTS_WITHIN_SECONDS = 30
_LISTENING = "0A"
#: If a stop takes longer than this, a message explains why.
_PATIENCE_SECONDS = 3


#: Ports below the range for outgoing connections, so that no connection takes a free port before the server does. Each
#: is the first of a pair.
_PORTS = range(20_000, 32_000, 2)
#: How long a port that was handed out is not handed out again, to any program on this machine: its server starts first.
_RESERVED_SECONDS = 300


def free_port() -> int:
    """Return a free port with a free next port. A stack's identity provider uses the next port.

    Several stacks that start at the same time get different ports.
    """
    for _ in range(1_000):
        port = secrets.choice(_PORTS)
        if is_free(port) and is_free(port + 1) and _reserve(port):
            return port
    raise RuntimeError("no port is free")


def _reserve(port: int) -> bool:
    """Reserve a port by a file, unless another program has done so a moment ago."""
    folder = Path(tempfile.gettempdir()) / f"switchboard-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    mark = folder / str(port)
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        if time.time() - mark.stat().st_mtime < _RESERVED_SECONDS:
            return False
        mark.touch()
    return True


def is_free(port: int) -> bool:
    """Whether no program listens on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def listens(pid: int, port: int) -> bool:
    """Whether this process listens on a port of this machine. Linux only: it reads /proc."""
    sockets = set()
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        local, state, inode = fields[1], fields[3], fields[9]
        if state == _LISTENING and int(local.rpartition(":")[2], 16) == port:
            sockets.add(f"socket:[{inode}]")
    return any(str(fd.readlink()) in sockets for fd in Path(f"/proc/{pid}/fd").iterdir())


class Server:
    """A server that `command` starts and that responds at `path`.

    Its standard input is a pipe that closes when this process ends, even if this process is killed. The server stops at
    the end of its input. `proof` is a text that only this server returns at its path. It keeps the files `holds` open.
    """

    #: The exit status of a server that stopped as requested but could not write its data.
    NOT_WRITTEN = 3

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        port: int,
        path: str,
        log: Path,
        environ: Mapping[str, str] | None = None,
        proof: str | None = None,
        holds: Sequence[int] = (),
        writes_at_its_end: bool = False,
    ) -> None:
        self.name, self.port, self.log = name, port, log
        self._writes_at_its_end, self._holds = writes_at_its_end, holds
        self._command, self._path, self._proof = command, path, proof
        self._environ = dict(environ) if environ is not None else None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process of the last start."""
        assert self._process is not None, "start it first"
        return self._process

    @property
    def url(self) -> str:
        """The address of its API."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Begin to start it. Call it in the main thread: Linux ties a child to the thread that made it."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self._process and self._process.stdin:
            self._process.stdin.close()
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                env=self._environ,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                # Only the stack handles Ctrl-C and a closed terminal: it stops the servers last.
                start_new_session=True,
                pass_fds=self._holds,
            )

    def restart(self) -> None:
        """Start the server after it ended by itself, without waiting for it."""
        self.start()

    def wait_until_ready(self, seconds: float = STARTS_WITHIN_SECONDS) -> None:
        """Wait until this server responds.

        Raises RuntimeError if it stops or takes too long, or if another program responds on its port.
        """
        deadline, stranger = time.monotonic() + seconds, False
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"The {self.name} stopped at its start: see {self.log} for the reason.")
            try:
                with urllib.request.urlopen(f"{self.url}{self._path}", timeout=1) as answer:  # noqa: S310 our own
                    stranger = not self._is_own_answer(answer.read())
            except (urllib.error.URLError, OSError):
                stranger = False
            else:
                if not stranger:
                    return
            time.sleep(0.02)
        if stranger:
            raise RuntimeError(f"Another program responds on the {self.name}'s port {self.port}: stop that program.")
        raise RuntimeError(f"The {self.name} does not respond: see {self.log} for the reason.")

    def _is_own_answer(self, answer: bytes) -> bool:
        if self._proof is not None:
            return answer == self._proof.encode()
        return sys.platform != "linux" or listens(self.process.pid, self.port)

    def describe(self) -> dict[str, str | int]:
        """The server's name, its address and its process."""
        pid = self._process.pid if self._process else 0
        return {"name": self.name, "port": self.port, "path": self._path, "pid": pid}

    def life(self) -> int | None:
        """The process id of the running server, `None` if it does not run. A restarted server has another one."""
        return None if self._process is None or self._process.poll() is not None else self._process.pid

    def describe_end(self) -> str | None:
        """Describe how the server ended, `None` while it runs."""
        status = self.process.poll()
        if status is None:
            return None
        return f"was killed by signal {-status}" if status < 0 else f"stopped with status {status}"

    def stop(self) -> None:
        """Stop the server with SIGTERM. A server that writes its data at its end gets as much time as it needs."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                if self._writes_at_its_end:
                    print_line(f"The {self.name} is writing its data. Please wait.")
                else:
                    self._process.kill()
                self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()
        if self._process.returncode == self.NOT_WRITTEN:
            print_line(f"The {self.name} could not write its data: see {self.log} for the reason.")
