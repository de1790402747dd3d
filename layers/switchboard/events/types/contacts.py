"""Contacts, and the backfill that creates contacts from the history of calls."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Count, Digest, EventType, Id

#: The queue of the worker that updates the search index of contacts.
_SEARCH = ("contacts",)


class ContactDeleted(TypedDict):
    number: Annotated[Digest, "The digest of the contact's number."]


class ContactChanged(ContactDeleted):
    fields: Annotated[list[Code], "The fields that changed, without their values."]


class Backfilled(TypedDict):
    created: Annotated[list[Id], "The contacts that this step created."]
    updated: Annotated[list[Id], "The contacts that this step changed."]


class BackfillCompleted(TypedDict):
    scanned: Annotated[Count, "The number of phone numbers that were checked."]
    created: Annotated[Count, "The number of contacts that were created."]
    updated: Annotated[Count, "The number of contacts that were changed."]


TYPES = (
    EventType("contact.created", "A contact was created.", "contact", ContactChanged, starts=_SEARCH),
    EventType("contact.updated", "A contact changed.", "contact", ContactChanged, starts=_SEARCH),
    EventType("contact.deleted", "A contact was deleted.", "contact", ContactDeleted, starts=_SEARCH),
    EventType("contacts.backfill_started", "A backfill began.", "backfill", starts=_SEARCH),
    EventType("contacts.backfilled", "A backfill finished a step.", "backfill", Backfilled, starts=_SEARCH),
    EventType("contacts.backfill_completed", "A backfill finished.", "backfill", BackfillCompleted),
)
