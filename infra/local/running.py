"""Whether a stack runs."""

from __future__ import annotations

import os
from pathlib import Path


def is_ready(home: Path) -> bool:
    """Whether the stack of a folder serves. A file that a killed stack left behind does not count."""
    try:
        return is_alive((home / "ready").read_text())
    except OSError:
        return False


def is_alive(pid: str) -> bool:
    """Whether there is a process of this number, given as text."""
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        pass
    return True
