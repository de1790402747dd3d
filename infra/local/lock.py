"""The lock of a stack's folder: two stacks would overwrite each other's data."""

from __future__ import annotations

import asyncio
import fcntl
import os
from pathlib import Path
from typing import IO

from infra.local.terminal import print_line
from switchboard.kit.processes import is_alive


def lock_home(home: Path) -> IO[str]:
    """Lock the folder for this stack.

    The AWS engine holds the lock too, until it has written everything. Raises BlockingIOError if only the engine of a
    killed stack holds it, and SystemExit if a stack holds it.
    """
    home.mkdir(parents=True, exist_ok=True)
    lock = (home / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read()
        lock.close()
        if is_alive(holder):
            raise SystemExit(
                f"A stack with the data in {home} is running or still stopping: `make status` shows it, and"
                " `make stop` stops it."
            ) from None
        raise
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


async def hold_home(home: Path) -> IO[str]:
    """Lock the folder for this stack. Waits until the engine of a killed stack has written its data."""
    told = False
    while True:
        try:
            return lock_home(home)
        except BlockingIOError:
            if not told:
                print_line("The engine of a stack that was killed is still writing its data. Please wait.")
            told = True
            await asyncio.sleep(0.1)


def is_held(home: Path) -> bool:
    """Whether a stack, or the engine of a killed stack, holds the folder."""
    try:
        with (home / "lock").open("a+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def find_holder(home: Path) -> int | None:
    """The process id of the stack that holds the folder, `None` if there is no such stack."""
    if not is_held(home):
        return None
    text = (home / "lock").read_text()
    return int(text) if is_alive(text) else None
