"""Contacts, and the backfill that makes them of the calls' history."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Count, Digest, EventType, Id

#: The queue that keeps the search over contacts.
_SEARCH = ("contacts",)


class ContactDeleted(TypedDict):
    number: Annotated[Digest, "The digest of the contact's number."]


class ContactChanged(ContactDeleted):
    fields: Annotated[list[Code], "Which fields changed, without their values."]


class Backfilled(TypedDict):
    created: Annotated[list[Id], "The contacts that this step made."]
    updated: Annotated[list[Id], "The contacts that this step changed."]


class BackfillCompleted(TypedDict):
    scanned: Annotated[Count, "How many numbers were looked at."]
    created: Annotated[Count, "How many contacts were made."]
    updated: Annotated[Count, "How many contacts were changed."]


TYPES = (
    EventType("contact.created", "A contact was made.", "contact", ContactChanged, starts=_SEARCH),
    EventType("contact.updated", "A contact changed.", "contact", ContactChanged, starts=_SEARCH),
    EventType("contact.deleted", "A contact was deleted.", "contact", ContactDeleted, starts=_SEARCH),
    EventType("contacts.backfill_started", "A backfill began.", "backfill", starts=_SEARCH),
    EventType("contacts.backfilled", "A backfill did a step.", "backfill", Backfilled, starts=_SEARCH),
    EventType("contacts.backfill_completed", "A backfill is done.", "backfill", BackfillCompleted),
)
