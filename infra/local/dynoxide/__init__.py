"""dynoxide: DynamoDB alone, from npm. It commits each change to a SQLite file before it answers, and it is fast.

The local stack keeps its tables in it where there is a build for the machine, and the benchmarks measure with it.
"""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

from infra import node
from infra.local.server import STARTS_WITHIN_SECONDS, Server, free_port

_HERE = Path(__file__).parent
_HOME = Path(__file__).resolve().parents[3] / ".local" / "dynoxide"
_CHILD = Path(__file__).parents[1] / "child.py"


def has_build() -> bool:
    """Whether there is a build for this machine."""
    return platform.system() == "Linux" and platform.machine() == "x86_64"


def binary() -> Path | None:
    """The server, installed at its first use; `None` where it cannot be had."""
    if not has_build():
        return None
    try:
        modules = node.packages(_HERE, _HOME)
    except subprocess.CalledProcessError:
        return None
    return modules / "@dynoxide" / "linux-x64" / "dynoxide"


class Tables(Server):
    """A server of tables, started or not: in a file, or in memory."""

    def __init__(self, program: Path, log: Path, file: Path | None = None) -> None:
        port = free_port()
        where = ["--db-path", str(file)] if file else []
        super().__init__(
            "table engine",
            # Without the site's packages: it only becomes the server.
            [sys.executable, "-I", "-S", _CHILD, str(os.getpid()), program, "serve", "--port", str(port), *where],
            port=port,
            path="/",
            log=log,
            environ={},
        )
        self._file = file

    def ready(self, seconds: float = STARTS_WITHIN_SECONDS) -> None:
        """Wait until it answers. Raises RuntimeError where it does not."""
        super().ready(seconds)
        if self._file:
            with closing(sqlite3.connect(self._file, timeout=30)) as database:
                # Without it each change to a table with a stream looks through all that the stream ever held.
                database.execute(
                    "CREATE INDEX IF NOT EXISTS stack_stream_order"
                    " ON _stream_records (table_name, CAST(sequence_number AS INTEGER))"
                )


def trim(file: Path, handed_on: Iterable[tuple[str, str]]) -> None:
    """Delete what a stream holds before the sequence number that is handed on. The server must not run yet.

    `handed_on` are streams, by their ARN, and sequence numbers. The server itself keeps records for ever.
    """
    if not file.exists():
        return
    # A server that was killed at its first start has left no tables.
    with closing(sqlite3.connect(file, timeout=30)) as database, suppress(sqlite3.OperationalError), database:
        for arn, sequence in handed_on:
            # The record itself stays: the next number follows from it.
            database.execute(
                "DELETE FROM _stream_records WHERE table_name = ? AND CAST(sequence_number AS INTEGER) < ?",
                (arn.split("/")[1], int(sequence)),
            )


def environ(running: Server) -> dict[str, str]:
    """The settings by which AWS clients find the tables there, and everything else where it was."""
    return {"AWS_ENDPOINT_URL_DYNAMODB": running.url, "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": running.url}
