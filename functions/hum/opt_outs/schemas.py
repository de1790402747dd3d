"""Request and response models of HUM's opt-outs (docs/contracts/hum.md#opt-outs)."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from switchboard.compliance import models
from switchboard.compliance.models import OptOutSource
from switchboard.dialects.hum.shapes import ContactNumber, Ok
from switchboard.edge.fields import OneLine


class SmsOptOutCreateInput(BaseModel):
    """A contact who asked to get no more texts and calls."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"e164": "+14155550142", "reason": "asked by letter"}]})

    e164: ContactNumber = Field(description="The contact's number.")
    reason: Annotated[str, OneLine(200)] | None = Field(default=None, description="A note for later readers.")


class SmsOptOutView(BaseModel):
    """A contact who gets no texts and no calls of the organization, through any API."""

    e164: str
    source: OptOutSource = Field(
        description="`keyword`: the contact sent it in a text. `spoken` and `key_press`: during a call."
    )
    keyword: str | None = Field(description="The keyword of the text. It is null if the text was a sentence.")
    reason: str | None
    created_at: str
    created_by: str = Field(description="The id of the person, key or worker that added the contact.")

    @classmethod
    def of(cls, entry: models.OptOut) -> SmsOptOutView:
        """Returns HUM's view of an opt-out."""
        return cls.model_validate(entry.model_dump())


class AddedSmsOptOutView(SmsOptOutView, Ok):
    """The opt-out of the contact."""

    @classmethod
    def of(cls, entry: models.OptOut) -> AddedSmsOptOutView:
        """Returns HUM's view of an opt-out that was asked for."""
        return cls.model_validate({"ok": True, **entry.model_dump()})


class SmsOptOutList(BaseModel):
    """A page of opt-outs, sorted by number."""

    opt_outs: list[SmsOptOutView]
    next_cursor: str | None
