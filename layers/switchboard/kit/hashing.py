"""The digest of keys, tokens and addresses in storage."""

from __future__ import annotations

import hashlib


def digest(text: str) -> str:
    """Returns SHA-256 in hex: the stored form of credentials, and of addresses in the audit chain."""
    return hashlib.sha256(text.encode()).hexdigest()
