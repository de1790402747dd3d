"""The text of a key: `ak_` + 32 random characters + 6 of checksum, all base 62."""

from __future__ import annotations

import secrets
import zlib
from typing import NamedTuple

from switchboard.accounts.models import KeyKind
from switchboard.kit import texts

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BODY, _CHECKSUM = 32, 6
_SHOWN = 6


class KeySecret(NamedTuple):
    """A new key: its text, which is shown once, and the hash and prefix that are stored."""

    text: str
    hash: str
    prefix: str


def mint_key(kind: KeyKind, seed: bytes | None = None) -> KeySecret:
    """Creates a key of a kind. The same seed (32 bytes) gives the same key, so that a repeated request returns it."""
    text = mint_text(kind, seed)
    return KeySecret(text, texts.digest(text), text[: len(kind) + _SHOWN])


def mint_text(prefix: str, seed: bytes | None = None) -> str:
    """Creates the text of a credential with this prefix. The same seed (32 bytes) gives the same text."""
    body = _base62(int.from_bytes(seed or secrets.token_bytes(32), "big"), _BODY)
    return f"{prefix}{body}{_checksum(prefix + body)}"


def is_well_formed(prefix: str, text: str) -> bool:
    """Whether a text has the form and the checksum of a credential with this prefix."""
    rest = text.removeprefix(prefix)
    if rest == text or len(rest) != _BODY + _CHECKSUM or not (rest.isascii() and rest.isalnum()):
        return False
    return rest[_BODY:] == _checksum(prefix + rest[:_BODY])


def kind_of(text: str) -> KeyKind | None:
    """Returns the kind of a well-formed key, or `None`. The checksum finds typing errors without a look-up."""
    return next((kind for kind in KeyKind if is_well_formed(kind, text)), None)


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), _CHECKSUM)


def _base62(value: int, length: int) -> str:
    text = ""
    for _ in range(length):
        value, digit = divmod(value, 62)
        text = _ALPHABET[digit] + text
    return text
