"""The stack reports its processes and ports to `make status`, in the file `stack.json` of its folder."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from infra.local import files

_FILE = "stack.json"
#: A process that was replaced is in the file after this time.
_REFRESH_SECONDS = 1.0


def read_report(home: Path) -> dict[str, Any]:
    """The last report of a folder's stack, empty if there is none."""
    try:
        found: dict[str, Any] = json.loads((home / _FILE).read_text())
    except (OSError, ValueError):
        return {}
    return found


def write_report(home: Path, report: dict[str, Any]) -> None:
    """Write a report."""
    # A full disk must not end the stack.
    with suppress(OSError):
        files.write(home / _FILE, json.dumps(report, indent=1), sync=False)


def delete_report(home: Path) -> None:
    """Delete the report of a stack that has ended."""
    (home / _FILE).unlink(missing_ok=True)


async def keep_report(home: Path, describe: Callable[[], dict[str, Any]]) -> None:
    """Write a report now, and again each time that it changes."""
    written: dict[str, Any] = {}
    while True:
        if (report := describe()) != written:
            write_report(home, report)
            written = report
        await asyncio.sleep(_REFRESH_SECONDS)
