"""Processes on this machine."""

from __future__ import annotations

import os


def is_alive(pid: str) -> bool:
    """Whether a process with this id exists. The id is given as text."""
    try:
        os.kill(int(pid), 0)
    except (ValueError, OverflowError, ProcessLookupError):
        return False
    except PermissionError:
        pass
    return True
