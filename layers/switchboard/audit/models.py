"""The links of the chain, its head, and its entries."""

from __future__ import annotations

from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

#: The previous hash of the first link.
GENESIS = "sha256:" + "0" * 64


class ChainHead(NamedTuple):
    """The number and the hash of the last link of an organization's chain."""

    seq: int
    hash: str


class Link(NamedTuple):
    """An event in the chain. `document` is the hashed document, as Anima's API shows it; `size` is in bytes of JSON."""

    seq: int
    hash: str
    document: dict[str, Any]
    size: int


class AuditEntry(BaseModel):
    """An event as the audit shows it. Its `seq` and hashes are null until it is sealed into the chain."""

    model_config = ConfigDict(frozen=True)

    document: dict[str, Any]

    @property
    def sealed(self) -> bool:
        """Whether the event is in the chain."""
        return self.document["seq"] is not None
