"""The token of a trigger: `hit_` + 32 random characters + 6 of checksum, all base 62. Only its hash is stored."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from switchboard.accounts import credentials
from switchboard.kit import texts

PREFIX = "hit_"
#: How long a rotated token still works, so that the sender can be changed without a lost event.
OVERLAP = timedelta(hours=1)


class TriggerToken(NamedTuple):
    """A new token: its text, which is shown once, and its hash."""

    text: str
    hash: str


def mint_token(seed: bytes | None = None) -> TriggerToken:
    """Creates a token. The same seed (32 bytes) gives the same token, so that a repeated request returns it."""
    text = credentials.mint_text(PREFIX, seed)
    return TriggerToken(text, hash_token(text))


def is_well_formed(text: str) -> bool:
    """Whether a text has the form and the checksum of a token."""
    return credentials.is_well_formed(PREFIX, text)


def hash_token(text: str) -> str:
    """Returns the stored form of a token."""
    return texts.digest(text)
