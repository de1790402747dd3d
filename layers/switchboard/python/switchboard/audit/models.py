"""A link of the chain, and the head that the next one is bound to."""

from __future__ import annotations

from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

#: What the first link is bound to.
GENESIS = "sha256:" + "0" * 64


class Head(NamedTuple):
    """The last link of an organisation's chain."""

    seq: int
    hash: str


class Link(BaseModel):
    """An event in its place. `document` is what the hash covers, as Anima shows it."""

    model_config = ConfigDict(frozen=True)

    seq: int
    prev_hash: str
    hash: str
    event_id: str
    document: dict[str, Any]


class Entry(BaseModel):
    """An event as the audit shows it: sealed into the chain, or on its way there."""

    model_config = ConfigDict(frozen=True)

    document: dict[str, Any]
    sealed: bool
