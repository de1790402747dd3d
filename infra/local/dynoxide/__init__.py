"""dynoxide, an npm package that emulates DynamoDB. It commits each change to a SQLite file before it responds.

The local stack stores its tables in it if there is a build for the machine. The benchmarks use it because it is fast.
"""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

from infra import node
from infra.local.server import STARTS_WITHIN_SECONDS, Server, free_port
from infra.local.terminal import print_line

_HERE = Path(__file__).parent
_HOME = Path(__file__).resolve().parents[3] / ".local" / "dynoxide"
_CHILD = Path(__file__).parents[1] / "child.py"


def has_build() -> bool:
    """Whether dynoxide has a build for this machine."""
    return platform.system() == "Linux" and platform.machine() == "x86_64"


def is_installed() -> bool:
    """Whether there is nothing to install."""
    return not has_build() or node.has_packages(_HERE, _HOME)


def install_dynoxide() -> Path | None:
    """Return the server's program, installed at its first use. `None` if it cannot be installed: a line says why."""
    if not has_build():
        return None
    try:
        modules = node.install_packages(_HERE, _HOME)
    except node.NpmError as error:
        print_line(f"The table engine cannot be installed: {error}")
        return None
    return modules / "@dynoxide" / "linux-x64" / "dynoxide"


class Tables(Server):
    """A server of tables, in a file or in memory."""

    def __init__(self, program: Path, log: Path, file: Path | None = None) -> None:
        port = free_port()
        where = ["--db-path", str(file)] if file else []
        super().__init__(
            "table engine",
            # Without site-packages, for a fast start: `child.py` only becomes the server.
            [sys.executable, "-I", "-S", _CHILD, str(os.getpid()), program, "serve", "--port", str(port), *where],
            port=port,
            path="/",
            log=log,
            environ={},
        )
        self._file = file

    def wait_until_ready(self, seconds: float = STARTS_WITHIN_SECONDS) -> None:
        """Wait until the server responds. Raises RuntimeError if it does not."""
        super().wait_until_ready(seconds)
        if self._file:
            with closing(sqlite3.connect(self._file, timeout=30)) as database:
                # Without the index, each change to a table with a stream scans all records of the stream.
                database.execute(
                    "CREATE INDEX IF NOT EXISTS stack_stream_order"
                    " ON _stream_records (table_name, CAST(sequence_number AS INTEGER))"
                )


def trim_streams(file: Path, handed_on: Iterable[tuple[str, str]]) -> None:
    """Delete the records of streams before the processed sequence numbers. The server must not run yet.

    `handed_on` has the ARN of each stream with its sequence number. The server itself keeps records forever.
    """
    if not file.exists():
        return
    # A server that was killed at its first start may have created no tables.
    with closing(sqlite3.connect(file, timeout=30)) as database, suppress(sqlite3.OperationalError), database:
        for arn, sequence in handed_on:
            # The record with this number stays: the server computes the next number from it.
            database.execute(
                "DELETE FROM _stream_records WHERE table_name = ? AND CAST(sequence_number AS INTEGER) < ?",
                (arn.split("/")[1], int(sequence)),
            )


def environ(running: Server) -> dict[str, str]:
    """The environment variables with which AWS clients find the tables in this server."""
    return {"AWS_ENDPOINT_URL_DYNAMODB": running.url, "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": running.url}
