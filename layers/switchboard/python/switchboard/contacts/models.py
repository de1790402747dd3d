"""A contact, what is known of its number besides, and the job that makes contacts of the call history."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import BaseModel, Field

from switchboard.calls.history import History
from switchboard.events.models import Work
from switchboard.search import tokens

#: A contact's tokens that are indexed in its own transaction; the others follow.
MOST_TERMS = 30
#: What a request may change.
FIELDS = ("display_name", "role", "email", "notes")
#: What a request may say of where a contact is: the gate goes by it.
PLACE = ("time_zone", "state", "zone_confirmed")


class Contact(BaseModel):
    """Somebody with a telephone number. One number is one contact of an organisation."""

    id: str
    org_id: str
    e164: str
    display_name: str | None = None
    role: str | None = None
    email: str | None = None
    notes: str | None = None
    #: Where they are: an IANA zone, a state of the United States, and whether a person vouched for it.
    time_zone: str | None = None
    state: str | None = None
    zone_confirmed: bool = False
    #: What a look-up of the number says of it.
    carrier: str | None = None
    line_type: str | None = None
    caller_name: str | None = None
    #: The tokens of number, name and role that it is indexed by: the head of its entries.
    terms: list[str] = Field(default_factory=list)
    #: Another one at each change; never a number, or a contact that was made anew could look like the one before.
    revision: str
    created_at: str
    updated_at: str

    def changed(self, changes: dict[str, Any], revision: str, now: str) -> Contact:
        """The contact with other fields, in its next revision."""
        after = self.model_copy(update={**changes, "revision": revision, "updated_at": now})
        words = [*tokens.of_text(after.display_name), *tokens.of_text(after.role)]
        after.terms = list(dict.fromkeys([*tokens.of_number(after.e164), *words]))[:MOST_TERMS]
        return after

    @property
    def located(self) -> bool:
        """Whether anything is known of where they are."""
        return bool(self.time_zone or self.state)

    def tail(self) -> set[str]:
        """The tokens of its notes, and those of a very long name or role that the head has no room for."""
        words = {*tokens.of_text(self.display_name), *tokens.of_text(self.role)}
        return words.difference(self.terms) | set(tokens.of_text(self.notes))

    def sort_key(self) -> str:
        """Its place in the list: by name as an address book has it, and behind all names by number."""
        name = " ".join(tokens.fold(self.display_name or "").split())[:200]
        return f"1#{name}#{self.id}" if name else f"2#{self.e164}#{self.id}"


class Known(NamedTuple):
    """A contact, and what calls say of its number."""

    contact: Contact
    history: History


class Status(StrEnum):
    """How a backfill stands."""

    RUNNING = "running"
    COMPLETED = "completed"


class Backfill(BaseModel):
    """A run through the numbers of the call history, by their ids: `after` is the last one that is done.

    `step` counts its transactions.
    """

    id: str
    org_id: str
    status: Status = Status.RUNNING
    step: int = 0
    after: str | None = None
    scanned: int = 0
    created: int = 0
    updated: int = 0
    started_at: str
    moved_at: str
    completed_at: str | None = None
    #: In whose name it goes on.
    work: Work
