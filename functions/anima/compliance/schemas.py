"""The ledgers of the compliance gate, as Anima's clients see them."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from switchboard.compliance import models
from switchboard.compliance.models import ConsentSource, OptOutSource
from switchboard.edge.fields import Line
from switchboard.edge.paging import Pagination

#: Read as people write it; the domain says whether it is one.
Number = Annotated[str, Line(64, least=1), Field(examples=["+14155550142"])]


class _Shown(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)


class EnterRequest(_Shown):
    """A number to enter."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"e164": "+14155550142", "reason": "asked by letter"}]})

    e164: Number
    reason: Annotated[str, Line(500)] | None = Field(default=None, description="For those who look at it later.")


class OptOut(_Shown):
    """A number whose holder wants nothing more of the organization, on any channel."""

    e164: str
    source: OptOutSource = Field(description="`spoken` and `key_press` came in during a call.")
    keyword: str | None
    reason: str | None
    created_by: str
    created_at: str

    @classmethod
    def of(cls, entry: models.OptOut) -> Self:
        """An entry of the ledger, as Anima shows it."""
        return cls(**entry.model_dump())


class Block(_Shown):
    """A number on the organization's do-not-call list."""

    id: str
    e164: str
    reason: str | None
    created_by: str
    created_at: str

    @classmethod
    def of(cls, entry: models.BlockedNumber) -> Self:
        """An entry of the list, as Anima shows it."""
        return cls(created_at=entry.at, **entry.model_dump(exclude={"at"}))


class ConsentRequest(_Shown):
    """A consent to enter, in place of an older one of the number."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"e164": "+14155550142", "source": "opt-in:web-form", "date": "2026-01-15"}],
        }
    )

    e164: Number
    source: ConsentSource
    date: Annotated[str, Line(40)] | None = Field(
        default=None, description="When it was given: a day, or a moment with its zone. Today if it is left out."
    )


class Consent(_Shown):
    """The consent that the organization holds of a number."""

    e164: str
    source: ConsentSource
    date: str
    created_by: str
    created_at: str

    @classmethod
    def of(cls, entry: models.ConsentRecord) -> Self:
        """An entry of the ledger, as Anima shows it."""
        return cls(created_at=entry.at, **entry.model_dump(exclude={"at"}))


class RemovedNumber(_Shown):
    """What was taken out of a ledger."""

    e164: str
    removed: bool = True


class Hours(_Shown):
    """The organization's own calling hours, by the called person's clock. Both are null where it has none."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"start": "09:00", "end": "18:00"}]})

    start: Annotated[str, Line(5)] | None = Field(description="`09:00`; null with `end` to take the hours away.")
    end: Annotated[str, Line(5)] | None = Field(description="`18:00`; `24:00` ends the day.")

    @classmethod
    def of(cls, window: models.Window | None) -> Self:
        """The hours of the domain, as Anima shows them."""
        return cls(start=window.start, end=window.end) if window else cls(start=None, end=None)


class OptOutList(BaseModel):
    """A page of opt-outs, by number."""

    items: list[OptOut]
    pagination: Pagination


class BlockList(BaseModel):
    """A page of the do-not-call list, by number."""

    items: list[Block]
    pagination: Pagination


class ConsentList(BaseModel):
    """A page of consents, by number."""

    items: list[Consent]
    pagination: Pagination
