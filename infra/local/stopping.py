"""`make stop` and `make reset`: stop the stack of a folder, and delete its data."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from infra.install.sizes import format_bytes, measure_bytes
from infra.local import lock

_LOOK_EVERY_SECONDS = 0.1
_PATIENCE_SECONDS = 5
#: The files that `make reset` deletes in the stack's folder, by the word for them.
_DELETED = {
    "data": ("data",),
    "mail": ("mail",),
    "logs": ("engine.log", "functions.log", "identity.log", "stack.log", "tables.log"),
    "keys": ("demo.json", "demo.env", "environ.json", "ready", "smtp_port", "stack.json"),
    "files of the tour": ("tour",),
}


def stop_stack(home: Path) -> None:
    """Stop the stack of a folder, and wait until everything is written. Does nothing if none runs.

    Raises SystemExit if the stack belongs to another user.
    """
    pid = lock.find_holder(home)
    if pid is None and not lock.is_held(home):
        print(f"No stack runs with the data in {home}.")
        return
    if pid is not None:
        print("Stopping …", flush=True)
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            pass  # it has just ended
        except PermissionError:
            sys.exit(f"The stack is process {pid} of another user: only that user can stop it.")
    begun, told = time.monotonic(), False
    while lock.is_held(home):
        time.sleep(_LOOK_EVERY_SECONDS)
        if not told and time.monotonic() - begun > _PATIENCE_SECONDS:
            print("The stack is still writing its data. Please wait.", flush=True)
            told = True
    print("Stopped. The data is kept.")


def reset_data(home: Path, *, force: bool) -> None:
    """Delete the data of a folder. Asks a person at a terminal first, unless `force` is set.

    Raises SystemExit while a stack runs, if the person says no, and without a terminal, where nobody can be asked.
    """
    try:
        held = lock.lock_home(home)
    except BlockingIOError:
        sys.exit(f"The engine of a killed stack is still writing its data in {home}: try again in a few seconds.")
    with held:
        found = {name: [home / one for one in files if (home / one).exists()] for name, files in _DELETED.items()}
        sizes = {name: sum(map(measure_bytes, paths)) for name, paths in found.items() if paths}
        if not sizes:
            print(f"There is no data in {home}.")
            return
        listed = ", ".join(f"{name} ({format_bytes(size)})" for name, size in sizes.items())
        if not force and "data" in sizes:
            if not sys.stdin.isatty():
                sys.exit("Nothing was deleted: there is no terminal to ask. To delete without a question: FORCE=yes.")
            if not _agrees(f"Delete {listed} in {home}? [y/N] "):
                sys.exit("Nothing was deleted.")
        for path in (path for paths in found.values() for path in paths):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
    print(f"Deleted in {home}: {listed}. All packages stay. `make run` creates a new demo organization.")


def _agrees(question: str) -> bool:
    with suppress(EOFError):
        return input(question).strip().lower() in ("y", "yes")
    return False
