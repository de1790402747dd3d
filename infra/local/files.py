"""Files that the stack needs at its next start: a reader finds a whole file, old or new, and never a part of one."""

from __future__ import annotations

import os
from pathlib import Path


def write(path: Path, text: str, *, sync: bool = True) -> None:
    """Write a file that only its owner may read. It takes the place of an older one at once.

    With `sync` it survives a crash of the machine as well. Raises OSError where it cannot be written: the older file is
    as it was.
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
