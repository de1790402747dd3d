"""The process's only source of random choices and jitter. Tests can fix it.

The standard library's `random` seeds itself at import. In a function with SnapStart the import is part of the snapshot,
so all environments that are restored from it would draw the same numbers: the same slice, the same slot, the same wait.
The operating system's generator keeps no state in the process. Secrets and ids come from `secrets` and `kit.ids`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random, SystemRandom

_source: Random = SystemRandom()


def below(number: int) -> int:
    """Returns a random integer from 0 up to, and not including, `number`."""
    return _source.randrange(number)


def between(low: float, high: float) -> float:
    """Returns a random number from `low` to `high`."""
    return _source.uniform(low, high)


def fraction() -> float:
    """Returns a random number from 0 up to, and not including, 1."""
    return _source.random()


@contextmanager
def using(source: Random) -> Iterator[None]:
    """Draws random numbers from `source` inside the block, for tests that need known numbers."""
    global _source  # noqa: PLW0603 the process has one source of random numbers
    before, _source = _source, source
    try:
        yield
    finally:
        _source = before
