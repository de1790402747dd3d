"""A link of the chain, and the head that the next one is bound to."""

from __future__ import annotations

from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

#: The hash that the first link is bound to.
GENESIS = "sha256:" + "0" * 64


class Head(NamedTuple):
    """The last link of an organisation's chain."""

    seq: int
    hash: str


class Link(NamedTuple):
    """An event in its place. `document` is what the hash covers, as Anima shows it; `size` is its JSON's, in bytes."""

    seq: int
    hash: str
    document: dict[str, Any]
    size: int


class Entry(BaseModel):
    """An event as the audit shows it: sealed into the chain, or waiting for its place, which is null until then."""

    model_config = ConfigDict(frozen=True)

    document: dict[str, Any]

    @property
    def sealed(self) -> bool:
        """Whether the event has its place in the chain."""
        return self.document["seq"] is not None
