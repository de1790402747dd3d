"""Request and response models of HUM's contacts (docs/contracts/hum.md#contacts)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from switchboard.contacts import models
from switchboard.contacts.models import BackfillStatus, ContactWithHistory
from switchboard.dialects.hum.shapes import Ok
from switchboard.edge.fields import Flag, OneLine
from switchboard.edge.schema import omit_default
from switchboard.email.address import EmailAddress


class ContactInput(BaseModel):
    """A contact. A missing field stays unchanged; `null` clears it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "e164": "+14155550142",
                    "display_name": "Ada Lovelace",
                    "role": "Patient",
                    "email": "ada@example.com",
                    "notes": "Call after noon.",
                }
            ]
        }
    )

    e164: str = Field(
        default="",
        min_length=2,
        max_length=32,
        description="The contact's number, with its country code. It identifies the contact and cannot change.",
        json_schema_extra=omit_default,
    )
    display_name: Annotated[str, OneLine(200)] | None = Field(default=None, description="The name that lists show.")
    role: Annotated[str, OneLine(120)] | None = Field(
        default=None, description="The contact's part, such as `Patient`."
    )
    email: EmailAddress | None = None
    notes: str | None = Field(default=None, max_length=2000, description="Your notes. A search finds their words.")
    # The next three fields are not in the contract.
    time_zone: Annotated[str, OneLine(64)] | None = Field(
        default=None, description="The contact's IANA time zone. It decides the allowed hours of calls and texts."
    )
    state: Annotated[str, OneLine(2)] | None = Field(
        default=None, description="The US state where the contact lives. Its law applies to calls to the contact."
    )
    zone_confirmed: Flag | None = Field(
        default=None,
        description="Whether you confirm `time_zone` and `state`. Confirmed values replace the locations of the"
        " number's area code, for calls and texts of every API. Unconfirmed values only narrow these locations. A"
        " change of `time_zone` or `state` resets this to false.",
    )

    def sent_fields(self) -> dict[str, Any]:
        """Returns the fields that the request sent."""
        return self.model_dump(exclude_unset=True)


class ContactView(BaseModel):
    """A person with a phone number."""

    id: str
    e164: str
    display_name: str | None
    role: str | None
    email: str | None
    notes: str | None
    time_zone: str | None
    state: str | None
    zone_confirmed: bool
    carrier: str | None
    line_type: str | None
    caller_name: str | None
    last_call_at: str | None
    call_count: int
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, known: ContactWithHistory) -> ContactView:
        """Returns HUM's view of a contact with the call history of its number."""
        calls = {"last_call_at": known.history.last_call_at, "call_count": known.history.calls}
        return cls.model_validate(known.contact.model_dump() | calls)


class ContactList(BaseModel):
    """A page of contacts."""

    contacts: list[ContactView]
    next_cursor: str | None


class BackfillView(Ok):
    """The creation of contacts from the call history."""

    status: BackfillStatus
    scanned: int = Field(description="The count of numbers checked.")
    created: int = Field(description="The count of new contacts.")
    updated: int = Field(description="The count of contacts without a name that got a name.")
    started_at: str
    completed_at: str | None

    @classmethod
    def of(cls, backfill: models.Backfill) -> BackfillView:
        """Returns HUM's view of a backfill."""
        return cls.model_validate({"ok": True, **backfill.model_dump()})
