"""Sizes of files on the disk."""

from __future__ import annotations

import os
from pathlib import Path

_UNITS = ("B", "kB", "MB", "GB")


def measure_bytes(path: Path) -> int:
    """The size of a file, or of all files in a folder. Links are not followed."""
    try:
        if path.is_symlink() or not path.is_dir():
            return path.lstat().st_size
        with os.scandir(path) as entries:
            return sum(measure_bytes(Path(entry.path)) for entry in entries)
    except OSError:
        # It is not there, or was deleted meanwhile.
        return 0


def format_bytes(size: float) -> str:
    """A size as people read it: 12 kB, 1.6 GB."""
    for unit in _UNITS:
        if size < 1_000 or unit == _UNITS[-1]:
            return f"{size:.0f} {unit}" if unit in ("B", "kB") or size >= 10 else f"{size:.1f} {unit}"
        size /= 1_000
    raise AssertionError
