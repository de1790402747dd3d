"""Checks whether a stack runs."""

from __future__ import annotations

from pathlib import Path

from switchboard.kit.processes import is_alive


def is_ready(home: Path) -> bool:
    """Whether the stack of a folder is ready. The file of a killed stack does not count."""
    try:
        return is_alive((home / "ready").read_text())
    except OSError:
        return False
