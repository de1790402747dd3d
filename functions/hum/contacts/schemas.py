"""Contacts, as HUM's clients see them (docs/contracts/hum.md#contacts)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from switchboard.contacts import models
from switchboard.contacts.models import Known, Status
from switchboard.edge.fields import Line
from switchboard.edge.ok import Ok
from switchboard.edge.schema import no_default
from switchboard.email.address import Address


class ContactInput(BaseModel):
    """A contact. A field that is left out stays as it is; `null` empties it."""

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

    e164: str = Field(default="", min_length=2, max_length=32, json_schema_extra=no_default)
    display_name: Annotated[str, Line(200)] | None = None
    role: Annotated[str, Line(120)] | None = None
    email: Address | None = None
    notes: str | None = Field(default=None, max_length=2000)
    # Beside the contract's fields.
    time_zone: Annotated[str, Line(64)] | None = Field(
        default=None, description="The IANA time zone where they are. The hours of calls and texts go by it."
    )
    state: Annotated[str, Line(2)] | None = Field(
        default=None, description="The state of the United States where they live: its law holds for calls to them."
    )
    zone_confirmed: bool | None = Field(
        default=None,
        description="Whether you vouch for `time_zone` and `state`. Then they stand in the place of what the number's"
        " area code says, for calls and texts of every API; else they only narrow it. Another zone or state ends it.",
    )

    def given(self) -> dict[str, Any]:
        """What the request says, and nothing that it leaves out."""
        return self.model_dump(exclude_unset=True)


class Contact(BaseModel):
    """Somebody with a telephone number."""

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
    def of(cls, known: Known) -> Contact:
        """A contact with the calls of its number, as HUM shows one."""
        calls = {"last_call_at": known.history.last_call_at, "call_count": known.history.calls}
        return cls.model_validate(known.contact.model_dump() | calls)


class ContactList(BaseModel):
    """A page of contacts."""

    contacts: list[Contact]
    next_cursor: str | None


class Backfill(Ok):
    """A run through the numbers of the call history."""

    status: Status
    scanned: int = Field(description="Numbers that were looked at.")
    created: int = Field(description="Contacts that were made.")
    updated: int = Field(description="Contacts that had no name and got one.")
    started_at: str
    completed_at: str | None

    @classmethod
    def of(cls, backfill: models.Backfill) -> Backfill:
        """A backfill, as HUM shows one."""
        return cls.model_validate({"ok": True, **backfill.model_dump()})
