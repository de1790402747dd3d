"""Ids: a prefix for the kind, and 26 characters that sort by time."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from uuid import UUID

from switchboard.kit import clock

# Crockford's base 32 without I, L, O and U, in lower case: safe in URLs and host names, and clear when read aloud.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_TIME_CHARS, _RANDOM_CHARS = 10, 16
_NANO_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_NANO_CHARS = 21

_randbits: Callable[[int], int] = secrets.randbits
_last = (0, 0)
_ascending = Lock()


def new_id(prefix: str) -> str:
    """Returns a new id: the prefix, for example `msg_`, then 48 bits of milliseconds and 80 random bits.

    Ids of one process ascend within a millisecond too: objects sort in the order of their creation.
    """
    global _last  # noqa: PLW0603 the process has one order of ids
    with _ascending:
        now = int(clock.epoch() * 1000)
        millisecond, number = _last
        _last = (now, _randbits(79)) if now != millisecond else (millisecond, number + 1)
        return f"{prefix}_{_encode(_last[0], _TIME_CHARS)}{_encode(_last[1], _RANDOM_CHARS)}"


def derive_id(prefix: str, epoch_ms: int, *parts: str) -> str:
    """Returns an id in the form of `new` that is always the same for this time and these parts.

    A retry that uses it writes the same object again, and not a second one.
    """
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return f"{prefix}_{_encode(epoch_ms, _TIME_CHARS)}{_encode(int.from_bytes(digest[:10]), _RANDOM_CHARS)}"


def smallest_id(prefix: str, epoch_ms: int) -> str:
    """Returns the smallest id of a kind and a millisecond: the lower end of a range."""
    return f"{prefix}_{_encode(epoch_ms, _TIME_CHARS)}{'0' * _RANDOM_CHARS}"


def new_nanoid(prefix: str) -> str:
    """Returns a new id in the form of a nanoid: the prefix and 21 random characters that are safe in URLs."""
    number = _randbits(6 * _NANO_CHARS)
    return prefix + "".join(_NANO_ALPHABET[number >> 6 * place & 63] for place in range(_NANO_CHARS))


def new_uuid() -> str:
    """Returns a new UUID of version 7 (RFC 9562): 48 bits of milliseconds, and 74 random bits."""
    number = int(clock.epoch() * 1000) << 80 | 7 << 76 | _randbits(12) << 64 | 2 << 62 | _randbits(62)
    return str(UUID(int=number))


def _encode(value: int, length: int) -> str:
    text = ""
    for _ in range(length):
        value, digit = divmod(value, 32)
        text = _ALPHABET[digit] + text
    return text


@contextmanager
def using(randbits: Callable[[int], int]) -> Iterator[None]:
    """Draws random bits from `randbits` inside the block, for tests that need known ids."""
    global _randbits  # noqa: PLW0603 the process has one source of randomness
    before, _randbits = _randbits, randbits
    try:
        yield
    finally:
        _randbits = before
