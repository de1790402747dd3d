"""Whether a stack runs."""

from __future__ import annotations

from pathlib import Path

from switchboard.kit.processes import is_alive


def is_ready(home: Path) -> bool:
    """Whether the stack of a folder serves. A file that a killed stack left behind does not count."""
    try:
        return is_alive((home / "ready").read_text())
    except OSError:
        return False
