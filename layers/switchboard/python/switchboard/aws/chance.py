"""Chance, as something a test can hold still: the process's only source of random choices and jitter.

The standard library's `random` seeds itself at import. In a function with SnapStart the import is part of the snapshot,
so all environments that are restored from it would draw the same numbers: the same slice, the same slot, the same wait.
The operating system's generator has no state of ours to freeze. Secrets and ids come from `secrets` and `aws.ids`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random, SystemRandom

_source: Random = SystemRandom()


def below(number: int) -> int:
    """A whole number from 0 to one less than `number`."""
    return _source.randrange(number)


def between(low: float, high: float) -> float:
    """A number from `low` to `high`."""
    return _source.uniform(low, high)


def fraction() -> float:
    """A number from 0 to less than 1."""
    return _source.random()


@contextmanager
def using(source: Random) -> Iterator[None]:
    """Take chance from `source` inside the block, for tests that need to know what comes."""
    global _source  # noqa: PLW0603 the process has one source of chance
    before, _source = _source, source
    try:
        yield
    finally:
        _source = before
