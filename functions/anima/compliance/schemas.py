"""Request and response models of the compliance gate's ledgers, for Anima."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from switchboard.compliance import models
from switchboard.compliance.models import ConsentSource, OptOutSource
from switchboard.dialects.anima.shapes import Pagination
from switchboard.edge.fields import OneLine
from switchboard.edge.schema import View

#: A phone number in any usual format. The domain parses and checks it.
Number = Annotated[str, OneLine(64, least=1), Field(examples=["+14155550142"])]


class AddNumber(View):
    """A number to add."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"e164": "+14155550142", "reason": "asked by letter"}]})

    e164: Number
    reason: Annotated[str, OneLine(500)] | None = Field(default=None, description="A note for later readers.")


class OptOutView(View):
    """An opt-out: the person at this number wants no calls or messages of the organization, on any channel."""

    e164: str
    source: OptOutSource = Field(description="The source. `spoken` and `key_press` mean: during a call.")
    keyword: str | None
    reason: str | None
    created_by: str
    created_at: str

    @classmethod
    def of(cls, entry: models.OptOut) -> Self:
        """Returns Anima's view of an entry."""
        return cls(**entry.model_dump())


class BlockView(View):
    """A number on the organization's do-not-call list."""

    id: str
    e164: str
    reason: str | None
    created_by: str
    created_at: str

    @classmethod
    def of(cls, entry: models.BlockedNumber) -> Self:
        """Returns Anima's view of an entry."""
        return cls(created_at=entry.at, **entry.model_dump(exclude={"at"}))


class AddConsent(View):
    """A consent to add. It replaces an older consent of the number."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"e164": "+14155550142", "source": "opt-in:web-form", "date": "2026-01-15"}],
        }
    )

    e164: Number
    source: ConsentSource
    date: Annotated[str, OneLine(40)] | None = Field(
        default=None,
        description="The date of the consent: a day, or a timestamp with a time zone. The default is today.",
    )


class ConsentView(View):
    """The recorded consent of a number."""

    e164: str
    source: ConsentSource
    date: str
    created_by: str
    created_at: str

    @classmethod
    def of(cls, entry: models.ConsentRecord) -> Self:
        """Returns Anima's view of an entry."""
        return cls(created_at=entry.at, **entry.model_dump(exclude={"at"}))


class RemovedNumber(View):
    """The number that was removed from the ledger."""

    e164: str
    removed: bool = True


class CallingHoursView(View):
    """The organization's own calling hours, in the called person's local time. Both are null if none are set."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"start": "09:00", "end": "18:00"}]})

    start: Annotated[str, OneLine(5)] | None = Field(
        description="For example `09:00`. Send null for both times to remove the hours."
    )
    end: Annotated[str, OneLine(5)] | None = Field(description="For example `18:00`. `24:00` is the end of the day.")

    @classmethod
    def of(cls, window: models.CallingHours | None) -> Self:
        """Returns Anima's view of the hours."""
        return cls(start=window.start, end=window.end) if window else cls(start=None, end=None)


class OptOutList(BaseModel):
    """A page of opt-outs, sorted by number."""

    items: list[OptOutView]
    pagination: Pagination


class BlockList(BaseModel):
    """A page of the do-not-call list, sorted by number."""

    items: list[BlockView]
    pagination: Pagination


class ConsentList(BaseModel):
    """A page of consents, sorted by number."""

    items: list[ConsentView]
    pagination: Pagination
