"""`make clean`: deletes everything that was installed or built, and says what and how much. The local data stays."""

from __future__ import annotations

import fcntl
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

from infra.install.environments import ROOT
from infra.install.sizes import format_bytes, measure_bytes

#: The packages and programs of `.local`. Everything else there is data.
_PROGRAMS = ("browser", "dynoxide", "engine", "identity", "typescript", "verifiers")
_BUILT = ("build", "cdk.out", ".cache", ".coverage", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache")


#: Each running stack holds a shared lock on this file.
_USERS = ROOT / ".local" / "users.lock"


def use_packages() -> IO[str]:
    """Keep `make clean` from deleting the packages until the returned file is closed."""
    _USERS.parent.mkdir(exist_ok=True)
    file = _USERS.open("w")
    fcntl.flock(file, fcntl.LOCK_SH)
    return file


def find_packages() -> list[Path]:
    """The folders with installed packages that exist."""
    folders = (ROOT / ".venv", *(ROOT / ".local" / name for name in _PROGRAMS))
    return [path for path in folders if path.exists()]


def main() -> None:
    """Delete installed and built files. Raises SystemExit while a stack uses them."""
    with suppress(FileNotFoundError), _USERS.open() as users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("A stack is running with these packages: stop it first with `make stop`.")
    found = [*find_packages(), *(path for name in _BUILT if (path := ROOT / name).exists())]
    found += ROOT.glob("layers/*.egg-info")
    for path in found:
        print(f"Deleting {path.relative_to(ROOT)} ({format_bytes(measure_bytes(path))}).", flush=True)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    if not found:
        print("There is nothing to delete.")
    if (ROOT / ".local" / "data").exists():
        print("The local data stays: `make reset` deletes it.")


if __name__ == "__main__":
    main()
