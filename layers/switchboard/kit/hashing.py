"""SHA-256 of a text, as keys and tokens are stored."""

from __future__ import annotations

import hashlib


def digest(text: str) -> str:
    """SHA-256 in hex: the stored form of credentials, and of addresses in the audit chain."""
    return hashlib.sha256(text.encode()).hexdigest()
