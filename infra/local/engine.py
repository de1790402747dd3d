"""The embedded AWS engine: started in its own environment, stopped so that its data is kept."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.waiting import until_up

ROOT = Path(__file__).resolve().parents[2]
LOCK = Path(__file__).with_name("engine.lock")
REGION = "us-east-1"
#: Twelve digits make an account of their own in the engine: tests take one each.
ACCOUNT = "000000000000"
_SECRET = "local"  # noqa: S105 there is nothing that it keeps


def environment() -> Path:
    """The engine's environment, made from its lock file when there is none or the lock has changed."""
    home = ROOT / ".local" / "engine"
    stamp = home / "installed.lock"
    if not stamp.exists() or stamp.read_bytes() != LOCK.read_bytes():
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        subprocess.run(
            [home / "bin" / "pip", "install", "--quiet", "--require-hashes", "-r", LOCK],
            check=True,
        )
        stamp.write_bytes(LOCK.read_bytes())
    return home


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def require_free(port: int, setting: str = "PORT") -> None:
    """Say so at once, and clearly, when somebody else has the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise SystemExit(f"port {port} is taken: {setting}=<another> make run") from None


def _lasting_port(data: Path) -> int:
    """The port of the data's first start: the engine knows queues by URLs that hold it."""
    memory = data / "port"
    if not memory.exists():
        data.mkdir(parents=True, exist_ok=True)
        memory.write_text(str(free_port()))
    return int(memory.read_text())


class Engine:
    """A running engine."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def environ(self, account: str = ACCOUNT) -> dict[str, str]:
        """The environment variables with which any AWS client talks to it, as one account."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": account,
            "AWS_SECRET_ACCESS_KEY": _SECRET,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "2",
        }

    def stop(self) -> None:
        """Stop it, and wait until its data is written: it writes on a clean stop only."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def start(*, data: Path | None = None, port: int | None = None, smtp_port: int | None = None, log: Path) -> Engine:
    """Start an engine on this machine only. With `data` its state is kept there; mail is relayed to `smtp_port`."""
    port = port or (_lasting_port(data) if data else free_port())
    settings = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": os.environ.get("HOME", "/"),
        "TMPDIR": os.environ.get("TMPDIR", "/tmp"),  # noqa: S108 the engine's own default
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "LOG_LEVEL": "WARNING",
        "MINISTACK_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        # By which it checks signed links, and nothing else.
        "AWS_SECRET_ACCESS_KEY": _SECRET,
    }
    if data:
        data.mkdir(parents=True, exist_ok=True)
        settings |= {
            "PERSIST_STATE": "1",
            "STATE_DIR": str(data / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(data / "s3"),
        }
    if smtp_port:
        settings["SMTP_HOST"] = f"127.0.0.1:{smtp_port}"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [environment() / "bin" / "ministack"],
            env=settings,
            stdout=output,
            stderr=output,
            # A Ctrl-C at the terminal is for us: we stop the engine last, when nobody needs it any more.
            start_new_session=True,
        )
    engine = Engine(process, port)
    try:
        until_up(process, f"{engine.url}/_ministack/health", "AWS engine", log)
    except RuntimeError:
        engine.stop()
        raise
    return engine


@contextmanager
def running(log: Path) -> Iterator[Engine]:
    """An engine without lasting data, for tests."""
    engine = start(log=log)
    try:
        yield engine
    finally:
        engine.stop()
