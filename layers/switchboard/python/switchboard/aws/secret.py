"""The deployment's root secret, and what is derived from it."""

from __future__ import annotations

import hashlib
import hmac
from functools import cache

from switchboard.aws import session, settings


@cache
def _root() -> bytes:
    # Fetched when first needed and never at import: a SnapStart snapshot must not hold it.
    answer = session.client("secretsmanager").get_secret_value(SecretId=settings.text("ROOT_SECRET"))
    return str(answer["SecretString"]).encode()


def derive(purpose: str, *parts: str, length: int = 32) -> bytes:
    """Bytes that only this deployment can make, the same each time for one purpose and its parts (HKDF, RFC 5869)."""
    key = hmac.digest(b"switchboard", _root(), "sha256")
    info = "\x1f".join((purpose, *parts)).encode()
    out, block, counter = b"", b"", 1
    while len(out) < length:
        block = hmac.digest(key, block + info + bytes([counter]), "sha256")
        out, counter = out + block, counter + 1
    return out[:length]


def digest(text: str) -> str:
    """SHA-256 in hex: how a credential, and an address in the audit chain, is kept."""
    return hashlib.sha256(text.encode()).hexdigest()


def forget() -> None:
    """Drop the root secret, for tests that change it."""
    _root.cache_clear()
