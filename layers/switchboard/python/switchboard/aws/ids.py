"""Ids: a prefix that tells the kind, and 26 characters that sort by time."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from switchboard.aws import clock

# Crockford's base 32 without I, L, O and U, in lower case: safe in URLs, in hosts and read aloud.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_TIME_CHARS, _RANDOM_CHARS = 10, 16

_randbits: Callable[[int], int] = secrets.randbits


def new(prefix: str) -> str:
    """A new id: `msg_` and 48 bits of milliseconds followed by 80 random bits."""
    return f"{prefix}_{_encode(int(clock.epoch() * 1000), _TIME_CHARS)}{_encode(_randbits(80), _RANDOM_CHARS)}"


def floor(prefix: str, epoch_ms: int) -> str:
    """The smallest id of that kind and millisecond, to begin a range with."""
    return f"{prefix}_{_encode(epoch_ms, _TIME_CHARS)}{'0' * _RANDOM_CHARS}"


def _encode(value: int, length: int) -> str:
    text = ""
    for _ in range(length):
        value, digit = divmod(value, 32)
        text = _ALPHABET[digit] + text
    return text


@contextmanager
def using(randbits: Callable[[int], int]) -> Iterator[None]:
    """Take randomness from `randbits` inside the block, for tests that need known ids."""
    global _randbits  # noqa: PLW0603 the process has one source of randomness
    before, _randbits = _randbits, randbits
    try:
        yield
    finally:
        _randbits = before
