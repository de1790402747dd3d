"""Prints messages to the terminal, which may be closed already."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


def print_line(text: str) -> None:
    """Print a line. Does nothing if the terminal is closed."""
    with suppress(OSError, ValueError):
        print(text, flush=True)


@contextmanager
def until_reader_stops() -> Iterator[None]:
    """Ends what is inside without an error if the reader of the output stops reading, as `head` does."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # Otherwise Python tries to write the rest at its end, and reports the same error again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
