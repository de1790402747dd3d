"""Writes files that the stack needs at its next start. A reader finds the old file or the whole new file."""

from __future__ import annotations

import os
from pathlib import Path


def write(path: Path, text: str, *, sync: bool = True) -> None:
    """Write a file that only its owner may read. It replaces an older file atomically.

    With `sync` it also survives a crash of the machine. Raises OSError on a failure, and the older file is unchanged
    then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        if sync:
            file.flush()
            os.fsync(file.fileno())
    fresh.replace(path)
