"""What the stack tells the person at the terminal, who may have closed it."""

from __future__ import annotations

from contextlib import suppress


def say(text: str) -> None:
    """Print a line. A terminal that is gone stops nothing."""
    with suppress(OSError, ValueError):
        print(text, flush=True)
