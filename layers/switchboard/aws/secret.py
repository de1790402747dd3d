"""The deployment's root secret, the secrets derived from it, and the secrets of providers."""

from __future__ import annotations

import base64
import hmac
import os
from functools import cache

from switchboard.aws import clients
from switchboard.kit import clock, settings

#: How long a process caches the active secrets of a provider. At a rotation, add the new secret at least this long
#: before the provider uses it, and remove the old secret at least this long after the provider stops using it.
ACTIVE_CACHE_SECONDS = 300
_active: dict[str, tuple[float, tuple[str, ...]]] = {}


@cache
def _root() -> bytes:
    # Fetched at the first use and never at import: a SnapStart snapshot must not contain the secret.
    answer = clients.get_client("secretsmanager").get_secret_value(SecretId=settings.text("ROOT_SECRET"))
    return str(answer["SecretString"]).encode()


@cache
def read_credential(name: str) -> str:
    """Returns a provider's credential: the text of the secret with this name or ARN in Secrets Manager."""
    return str(clients.get_client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])


def active_secrets(name: str) -> tuple[str, ...]:
    """Returns the active secrets of a provider: the lines of the secret with this name or ARN, newest first.

    A secret has one line normally, and two lines during a rotation. A change takes effect within ACTIVE_CACHE_SECONDS.
    """
    now = clock.epoch()
    until, found = _active.get(name, (0.0, ()))
    if until <= now:
        text = str(clients.get_client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])
        found = tuple(line.strip() for line in text.splitlines() if line.strip())
        _active[name] = (now + ACTIVE_CACHE_SECONDS, found)
    return found


def derive(purpose: str, *parts: str, length: int = 32) -> bytes:
    """Derives bytes from the root secret, always the same for a purpose and its parts (HKDF, RFC 5869)."""
    key = hmac.digest(b"switchboard", _root(), "sha256")
    info = "\x1f".join((purpose, *parts)).encode()
    out, block, counter = b"", b"", 1
    while len(out) < length:
        block = hmac.digest(key, block + info + bytes([counter]), "sha256")
        out, counter = out + block, counter + 1
    return out[:length]


def seal(purpose: str, text: str) -> str:
    """Encrypts a text for one purpose (AES-GCM). Only this deployment can decrypt it, for the same purpose only."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # for cold start: few functions seal texts

    nonce = os.urandom(12)
    sealed = AESGCM(derive("seal", purpose)).encrypt(nonce, text.encode(), None)
    return base64.b64encode(nonce + sealed).decode()


def unseal(purpose: str, sealed: str) -> str:
    """Decrypts a sealed text. Raises cryptography's InvalidTag for any other text."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # for cold start: as above

    data = base64.b64decode(sealed)
    return AESGCM(derive("seal", purpose)).decrypt(data[:12], data[12:], None).decode()


def clear_cache() -> None:
    """Clears the cached secrets, for tests that change them."""
    _root.cache_clear()
    read_credential.cache_clear()
    _active.clear()
