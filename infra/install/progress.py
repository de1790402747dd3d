"""Shows which steps run: a line for each finished step, and meanwhile the names of the others."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

#: A terminal shows the seconds. A log gets a line from time to time, so that its reader knows that work goes on.
_TICK_SECONDS, _LOG_EVERY_SECONDS = 0.5, 10.0


class Progress:
    """The steps of an installation, which may run at the same time."""

    def __init__(self) -> None:
        self._running: dict[str, float] = {}
        self._printing = threading.Lock()
        self._ended = threading.Event()
        self._live = sys.stdout.isatty()

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the running steps until the block ends."""
        ticker = threading.Thread(target=self._tick, daemon=True)
        ticker.start()
        try:
            yield
        finally:
            self._ended.set()
            ticker.join()
            self._clear()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show a step while its block runs, and its time if the block succeeds."""
        begun = self._running[name] = time.monotonic()
        try:
            yield
        except BaseException:
            self._running.pop(name, None)
            raise
        self._running.pop(name, None)
        with self._printing:
            self._clear()
            print(f"  {name:<44}{time.monotonic() - begun:6.1f} s", flush=True)

    def _tick(self) -> None:
        while not self._ended.wait(_TICK_SECONDS if self._live else _LOG_EVERY_SECONDS):
            if not (running := dict(self._running)):
                continue
            line = f"  {', '.join(running)} … {time.monotonic() - min(running.values()):.0f} s"
            with self._printing:
                self._clear()
                print(line[:100], end="" if self._live else "\n", flush=True)

    def _clear(self) -> None:
        if self._live:
            # Back to the start of the line, and delete it.
            print("\r\x1b[K", end="", flush=True)
