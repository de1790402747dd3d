"""Waiting for a process of this machine to answer."""

from __future__ import annotations

import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path


def until_up(process: subprocess.Popen[bytes], url: str, name: str, log: Path, seconds: float = 30) -> None:
    """Wait until a process answers at a URL. Raises RuntimeError where it stops, or takes too long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the {name} stopped at once: see {log}")
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310 a server of our own
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError(f"the {name} did not come up: see {log}")
