"""The embedded AWS engine: it runs in its own Python environment, with its data on the disk."""

from __future__ import annotations

import os
import secrets
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from infra.install import environments
from infra.local.server import Server, free_port, is_free

__all__ = [
    "ACCOUNT",
    "REGION",
    "ROOT",
    "SAVE_SECONDS",
    "Engine",
    "engine_environ",
    "free_port",
    "install_engine",
    "running_engine",
    "start_engine",
]

ROOT = environments.ROOT
LOCK = Path(__file__).with_name("engine.lock")
REGION = "us-east-1"
#: Any twelve digits are an account of their own in the engine. Each test uses another account.
ACCOUNT = "000000000000"
#: How often changed data is saved that is not written before each response.
SAVE_SECONDS = 5
_HOME = ROOT / ".local" / "engine"
_HOST = Path(__file__).with_name("engine_host.py")
_SECRET = "local"  # noqa: S105 the engine checks no credentials
_HEALTH = "/_ministack/health"
#: Paths of `engine_host.py` in addition to AWS's services.
_NONCE, _SAVE = "/_stack/nonce", "/_stack/save"
#: The engine may read hundreds of megabytes of state at its start.
_STARTS_WITHIN_SECONDS = 120


def is_installed() -> bool:
    """Whether the engine's Python environment has the packages of its lock file."""
    return environments.is_installed(_HOME, LOCK)


def install_with(installer: environments.Installer) -> None:
    """Install the engine's Python environment."""
    installer.install(_HOME, LOCK)


def install_engine() -> Path:
    """Return the engine's Python environment. Creates it if it is missing or the lock file has changed.

    Raises SystemExit if it cannot be installed.
    """
    if not is_installed():
        try:
            with environments.find_installer() as installer:
                install_with(installer)
        except environments.InstallError as error:
            raise SystemExit(str(error)) from None
    return _HOME


def _lasting_port(data: Path) -> int:
    """Return the port of the first start with this data, so that an engine left behind is found there.

    Raises SystemExit if an engine responds on this port: it may still write to this data.
    """
    memory = data / "port"
    port = int(memory.read_text()) if memory.exists() else 0
    if port and not is_free(port):
        if _is_engine(port):
            raise SystemExit(
                f"An engine that this stack did not start answers on port {port} and may write to {data}: "
                "an earlier stack left it behind. Stop that process, then start again."
            )
        port = 0
    if not port:
        port = free_port()
        data.mkdir(parents=True, exist_ok=True)
        memory.write_text(str(port))
    return port


def _is_engine(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{_HEALTH}", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def engine_environ(url: str, account: str = ACCOUNT) -> dict[str, str]:
    """The environment variables with which AWS clients use the engine at a URL, as one account."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": _SECRET,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "2",
    }


class Engine(Server):
    """The engine's server."""

    #: Returns the receipt handles of the messages that workers hold. Without it, no worker holds any.
    list_held: Callable[[], Sequence[str]] | None = None

    def environ(self, account: str = ACCOUNT) -> dict[str, str]:
        """The environment variables with which AWS clients use this engine, as one account."""
        return engine_environ(self.url, account)

    def restart(self) -> None:
        """Start the engine after it ended by itself. Workers still hold some of their received messages."""
        if self._environ is not None:
            self._environ["STACK_HELD"] = " ".join(self.list_held() if self.list_held else ())
        self.start()

    def wait_until_ready(self, seconds: float = _STARTS_WITHIN_SECONDS) -> None:
        """Wait until the engine responds. Raises RuntimeError if it does not."""
        super().wait_until_ready(seconds)

    def save(self) -> None:
        """Save the state now, instead of in a few seconds."""
        with urllib.request.urlopen(f"{self.url}{_SAVE}", timeout=60):  # noqa: S310 our own URL
            pass


def create_engine(
    *,
    data: Path | None = None,
    smtp_port: int | None = None,
    log: Path,
    with_tables: bool = True,
    holds: Sequence[int] = (),
) -> Engine:
    """Return an engine for this machine only. It is not started yet.

    `data` is the folder for its state. Mail is relayed to `smtp_port`. With `with_tables` it has the tables too.
    `holds` are files that it keeps open until it has written everything.
    """
    port = _lasting_port(data) if data else free_port()
    nonce = secrets.token_hex(16)
    settings = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": os.environ.get("HOME", "/"),
        "TMPDIR": os.environ.get("TMPDIR", "/tmp"),  # noqa: S108 the engine's own default
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "LOG_LEVEL": "WARNING",
        "MINISTACK_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        # The engine needs it only to check signed links.
        "AWS_SECRET_ACCESS_KEY": _SECRET,
        "STACK_NONCE": nonce,
        "STACK_SAVE_SECONDS": str(SAVE_SECONDS),
        "STACK_TABLES": "1" if with_tables else "0",
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
    return Engine(
        "AWS engine",
        # -P: the engine must not import the modules in the host's folder.
        [install_engine() / "bin" / "python", "-P", _HOST],
        port=port,
        path=_NONCE,
        log=log,
        environ=settings,
        proof=nonce,
        holds=holds,
        writes_at_its_end=True,
    )


def start_engine(*, log: Path) -> Engine:
    """Start an engine without lasting data."""
    made = create_engine(log=log)
    made.start()
    try:
        made.wait_until_ready()
    except RuntimeError:
        made.stop()
        raise
    return made


@contextmanager
def running_engine(log: Path) -> Iterator[Engine]:
    """An engine without lasting data, for tests."""
    found = start_engine(log=log)
    try:
        yield found
    finally:
        found.stop()
