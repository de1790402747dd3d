"""Request and response models of HUM's blocked numbers (docs/contracts/hum.md#blocklist)."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from switchboard.compliance import models
from switchboard.dialects.hum.shapes import Ok
from switchboard.edge.fields import OneLine


class BlockNumber(BaseModel):
    """A phone number to block, in E.164 format. Spaces and punctuation are ignored."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"e164": "+14155550143", "reason": "asked us to stop"}]})

    e164: str = Field(min_length=2, max_length=32, description="The number, with its country code.")
    reason: Annotated[str, OneLine(500)] | None = Field(default=None, description="Why the number is blocked.")


class BlockedNumberView(BaseModel):
    """A number that the organization never calls or texts, through any API."""

    id: str
    e164: str
    reason: str | None
    created_by: str = Field(description="The id of the person or key that blocked the number.")
    created_at: str

    @classmethod
    def of(cls, entry: models.BlockedNumber) -> BlockedNumberView:
        """Returns HUM's view of a blocked number."""
        return cls(id=entry.id, e164=entry.e164, reason=entry.reason, created_by=entry.created_by, created_at=entry.at)


class Blocklist(BaseModel):
    """A page of blocked numbers, sorted by number."""

    blocked_numbers: list[BlockedNumberView]
    next_cursor: str | None


class BlockNumberResponse(Ok):
    """The blocked number."""

    blocked_number: BlockedNumberView
