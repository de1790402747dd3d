"""The models of a contact, a contact with its call history, and a backfill."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from pydantic import BaseModel, Field

from switchboard.calls.history import CallHistory
from switchboard.events.models import SystemActor
from switchboard.search import tokens

#: The maximum number of tokens that are indexed in a contact's own transaction. A job indexes the other tokens later.
MAX_HEAD_TOKENS = 30
#: The text fields that a request may change.
TEXT_FIELDS = ("display_name", "role", "email", "notes")
#: The fields of a contact's place that a request may change. The compliance gate uses them.
PLACE_FIELDS = ("time_zone", "state", "zone_confirmed")


class Contact(BaseModel):
    """A person with a telephone number. An organization has one contact for each number."""

    id: str
    org_id: str
    e164: str
    display_name: str | None = None
    role: str | None = None
    email: str | None = None
    notes: str | None = None
    #: The contact's place: an IANA time zone, a state of the United States, and whether a person confirmed it.
    time_zone: str | None = None
    state: str | None = None
    zone_confirmed: bool = False
    #: The results of a lookup of the number.
    carrier: str | None = None
    line_type: str | None = None
    caller_name: str | None = None
    #: The indexed tokens of number, name and role: the head of the contact's index entries.
    terms: list[str] = Field(default_factory=list)
    #: A new random id for each change. A counter would not do: a contact that is deleted and created again could then
    #: have the revision of the old one.
    revision: str
    created_at: str
    updated_at: str

    @property
    def has_location(self) -> bool:
        """Whether the contact has a time zone or a state."""
        return bool(self.time_zone or self.state)

    def tail_tokens(self) -> set[str]:
        """Returns the tokens of the notes, and those of a very long name or role that the head cannot hold."""
        words = {*tokens.tokens_of_text(self.display_name), *tokens.tokens_of_text(self.role)}
        return words.difference(self.terms) | set(tokens.tokens_of_text(self.notes))


class ContactWithHistory(NamedTuple):
    """A contact, and the call history of its number."""

    contact: Contact
    history: CallHistory


class BackfillStatus(StrEnum):
    """The status of a backfill."""

    RUNNING = "running"
    COMPLETED = "completed"


class Backfill(BaseModel):
    """A job that creates contacts from the call history. It goes through the numbers in the order of their ids.

    `after` is the id of the last finished number. `step` counts the transactions of the job.
    """

    id: str
    org_id: str
    status: BackfillStatus = BackfillStatus.RUNNING
    step: int = 0
    after: str | None = None
    scanned: int = 0
    created: int = 0
    updated: int = 0
    started_at: str
    moved_at: str
    completed_at: str | None = None
    #: The origin of the job's changes.
    work: SystemActor
