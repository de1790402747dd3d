"""Tables of the topology in dynoxide, in memory: fast enough for measurements."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra import topology
from infra.local import dynoxide, engine, provision
from switchboard.kit.settings import env_key

binary = dynoxide.install_dynoxide


@contextmanager
def serve_tables(binary: Path) -> Iterator[dict[str, str]]:
    """Tables in their own server. Returns the environment by which functions find them."""
    with tempfile.TemporaryDirectory() as folder:
        server = dynoxide.Tables(binary, Path(folder) / "tables.log")
        server.start()
        environ = engine.engine_environ(server.url)
        try:
            server.wait_until_ready()
            make = provision._Maker(environ)
            for one in topology.TABLES:
                environ[env_key("TABLE", one.name)] = make.make_table(one)
            yield environ | {
                "SWITCHBOARD_STAGE": "local",
                "SWITCHBOARD_OUTBOUND_LOOPBACK": "on",
                "SWITCHBOARD_AGENTS_DOMAIN": "agents.example",
                "SWITCHBOARD_PLATFORM_SENDER": "welcome@example.com",
                "SWITCHBOARD_LOG_LEVEL": "ERROR",
            }
        finally:
            server.stop()
