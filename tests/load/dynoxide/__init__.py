"""dynoxide: DynamoDB alone, fast enough for measurements (DESIGN.md), fetched from npm at its first use."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra import node, topology
from infra.local import engine, provision
from switchboard.aws.settings import env_key

_HERE = Path(__file__).parent
_HOME = engine.ROOT / ".local" / "dynoxide"


def binary() -> Path | None:
    """The server, fetched at its first use; `None` where it cannot be had."""
    try:
        modules = node.packages(_HERE, _HOME)
    except subprocess.CalledProcessError:
        return None
    return modules / "@dynoxide" / "linux-x64" / "dynoxide"


@contextmanager
def tables(binary: Path) -> Iterator[dict[str, str]]:
    """Tables of the topology in a server of their own. Answers the environment by which functions find them."""
    port = engine.free_port()
    process = subprocess.Popen(
        [binary, "serve", "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    environ = engine.Engine(process, port).environ()  # type: ignore[arg-type]
    try:
        _wait_for(port)
        make = provision._Maker(environ)
        for one in topology.TABLES:
            environ[env_key("TABLE", one.name)] = make.table(one)
        yield environ | {
            "SWITCHBOARD_STAGE": "local",
            "SWITCHBOARD_OUTBOUND_LOOPBACK": "on",
            "SWITCHBOARD_AGENTS_DOMAIN": "agents.example",
            "SWITCHBOARD_PLATFORM_SENDER": "welcome@example.com",
            "SWITCHBOARD_LOG_LEVEL": "ERROR",
        }
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int) -> None:
    import socket

    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("dynoxide did not come up")
