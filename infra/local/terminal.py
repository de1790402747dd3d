"""Prints messages to the terminal, which may be closed already."""

from __future__ import annotations

from contextlib import suppress


def print_line(text: str) -> None:
    """Print a line. Does nothing if the terminal is closed."""
    with suppress(OSError, ValueError):
        print(text, flush=True)
