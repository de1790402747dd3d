"""`make run DETACH=yes`: starts the stack in the background, and returns when it is ready."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

_LOOK_EVERY_SECONDS = 0.05


def start_in_background(home: Path, command: Sequence[str]) -> int:
    """Start the stack, and print its messages until it is ready. Returns the exit status of this command."""
    home.mkdir(parents=True, exist_ok=True)
    log = home / "stack.log"
    # The guide in it shows keys.
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as output, log.open() as messages:
        messages.seek(0, os.SEEK_END)
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
        try:
            while not _is_ready(home, process.pid) and process.poll() is None:
                _print_new(messages)
                time.sleep(_LOOK_EVERY_SECONDS)
            _print_new(messages)
        except KeyboardInterrupt:
            process.send_signal(signal.SIGTERM)
            process.wait()
            _print_new(messages)
            return 128 + signal.SIGINT
    return process.returncode or 0


def _is_ready(home: Path, pid: int) -> bool:
    try:
        return (home / "ready").read_text() == f"{pid}\n"
    except OSError:
        return False


def _print_new(messages: IO[str]) -> None:
    sys.stdout.write(messages.read())
    sys.stdout.flush()
