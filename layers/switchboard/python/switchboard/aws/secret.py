"""The deployment's root secret, and what is derived from it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from functools import cache

from switchboard.aws import clock, session, settings

#: For how long a process takes the active secrets of a provider for what they were. A new one is added this long
#: before the provider begins to use it, and an old one is removed this long after it stopped.
ACTIVE_SECONDS = 300
_active: dict[str, tuple[float, tuple[str, ...]]] = {}


@cache
def _root() -> bytes:
    # Fetched when first needed and never at import: a SnapStart snapshot must not hold it.
    answer = session.client("secretsmanager").get_secret_value(SecretId=settings.text("ROOT_SECRET"))
    return str(answer["SecretString"]).encode()


@cache
def provided(name: str) -> str:
    """A provider's credential: the text of the secret of that name, or ARN, in Secrets Manager."""
    return str(session.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])


def active(name: str) -> tuple[str, ...]:
    """The secrets of a provider that are active now: the lines of the secret of that name, or ARN, newest first.

    One line is the rule, two are a rotation. Changes are felt within ACTIVE_SECONDS.
    """
    now = clock.epoch()
    until, found = _active.get(name, (0.0, ()))
    if until <= now:
        text = str(session.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])
        found = tuple(line.strip() for line in text.splitlines() if line.strip())
        _active[name] = (now + ACTIVE_SECONDS, found)
    return found


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


def seal(purpose: str, text: str) -> str:
    """A text that only this deployment can read again, and for that purpose only (AES-GCM)."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(12)
    sealed = AESGCM(derive("seal", purpose)).encrypt(nonce, text.encode(), None)
    return base64.b64encode(nonce + sealed).decode()


def unseal(purpose: str, sealed: str) -> str:
    """The text that was sealed. Raises cryptography's InvalidTag for anything else."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    data = base64.b64decode(sealed)
    return AESGCM(derive("seal", purpose)).decrypt(data[:12], data[12:], None).decode()


def forget() -> None:
    """Drop what was fetched, for tests that change it."""
    _root.cache_clear()
    provided.cache_clear()
    _active.clear()
