"""The text of a key: `ak_` + 32 random characters + 6 of checksum, all base 62."""

from __future__ import annotations

import secrets
import zlib
from typing import NamedTuple

from switchboard.accounts.models import KeyKind
from switchboard.aws import secret

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BODY, _CHECKSUM = 32, 6
_SHOWN = 6


class Minted(NamedTuple):
    """A new key: its text, to be shown once, and what is kept of it."""

    text: str
    hash: str
    prefix: str


def mint(kind: KeyKind, seed: bytes | None = None) -> Minted:
    """A new key of a kind. With a seed (32 bytes) the same key comes out again, for a request that is run again."""
    body = _base62(int.from_bytes(seed or secrets.token_bytes(32), "big"), _BODY)
    text = f"{kind}{body}{_checksum(kind + body)}"
    return Minted(text, secret.digest(text), text[: len(kind) + _SHOWN])


def kind_of(text: str) -> KeyKind | None:
    """The kind of a well-formed key, `None` for anything else: a typing error costs no look-up."""
    for kind in KeyKind:
        rest = text.removeprefix(kind)
        if rest != text and len(rest) == _BODY + _CHECKSUM and rest.isascii() and rest.isalnum():
            return kind if rest[_BODY:] == _checksum(kind + rest[:_BODY]) else None
    return None


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), _CHECKSUM)


def _base62(value: int, length: int) -> str:
    text = ""
    for _ in range(length):
        value, digit = divmod(value, 62)
        text = _ALPHABET[digit] + text
    return text
