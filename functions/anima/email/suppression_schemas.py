"""Request and response models of Anima's email suppressions (docs/contracts/anima.md#mail)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
)
from pydantic.alias_generators import to_camel

from switchboard.dialects.anima.shapes import Pagination
from switchboard.edge.fields import OneLine
from switchboard.email import models
from switchboard.email.address import EmailAddress

#: Most characters of a suppression's note.
_MAX_NOTE_CHARACTERS = 200


class AddSuppression(BaseModel):
    """An address to suppress."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        json_schema_extra={"examples": [{"address": "you@example.com"}]},
    )

    address: EmailAddress
    note: Annotated[str, OneLine(_MAX_NOTE_CHARACTERS)] | None = Field(
        default=None, description="Your own note, such as a ticket number."
    )


class SuppressionView(BaseModel):
    """A suppressed address: the organization sends no mail to it."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        json_schema_extra={
            "examples": [
                {
                    "address": "you@example.com",
                    "reason": "unsubscribe",
                    "note": None,
                    "createdBy": "unsubscribe",
                    "createdAt": "2026-01-15T17:00:00.000Z",
                }
            ]
        },
    )

    address: str
    reason: Literal["bounce", "complaint", "unsubscribe", "reply", "manual"] = Field(
        description="A permanent bounce, a complaint, a click on List-Unsubscribe, a reply that asks to stop, or your "
        "own request (`manual`)."
    )
    note: str | None
    created_by: str | None = Field(description="The key or the part of the platform that added the entry.")
    created_at: str

    @classmethod
    def of(cls, entry: models.Suppression) -> SuppressionView:
        """Returns Anima's view of a suppression."""
        return cls.model_validate(entry.model_dump())


class SuppressionList(BaseModel):
    """A page of suppressions, in a stable order."""

    items: list[SuppressionView]
    pagination: Pagination

    @classmethod
    def of(cls, entries: list[models.Suppression], cursor: str | None) -> SuppressionList:
        """Returns Anima's view of a page."""
        return cls(items=[SuppressionView.of(entry) for entry in entries], pagination=Pagination.of(cursor))


class LiftSuppressionResponse(BaseModel):
    """The address that can get mail again."""

    address: str
    lifted: Literal[True] = True
