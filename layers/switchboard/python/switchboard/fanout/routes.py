"""Which jobs an event starts.

It depends on the event alone, so that a replay asks for what the first run asked for. Every worker recognizes a job
that was done: by its own state machine, or by an id that is derived from the event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from switchboard.calls.jobs import DialCall
from switchboard.contacts.jobs import ContinueBackfill, IndexContacts
from switchboard.email.jobs import SendMail
from switchboard.events.models import Event
from switchboard.kit.jobs import Job
from switchboard.roleplay.jobs import BeginRoleplay, ScoreRoleplay
from switchboard.webhooks import catalogue
from switchboard.webhooks.jobs import DispatchEvent


def _index_contact(event: Event) -> Job:
    return IndexContacts(org_id=event.org_id, contact_ids=[event.subject.id])


#: The job that an event of a type starts.
ROUTES: dict[str, Callable[[Event], Job]] = {
    "email.queued": lambda event: SendMail(org_id=event.org_id, message_id=event.subject.id),
    "voice.call.created": lambda event: DialCall(org_id=event.org_id, call_id=event.subject.id),
    "roleplay.call.created": lambda event: BeginRoleplay(org_id=event.org_id, call_id=event.subject.id),
    "roleplay.call.ended": lambda event: ScoreRoleplay(org_id=event.org_id, call_id=event.subject.id),
    "contact.created": _index_contact,
    "contact.updated": _index_contact,
    "contact.deleted": _index_contact,
    "contacts.backfill_started": lambda event: ContinueBackfill(org_id=event.org_id, backfill_id=event.subject.id),
    "contacts.backfilled": lambda event: IndexContacts(
        org_id=event.org_id, contact_ids=[*event.data["created"], *event.data["updated"]]
    ),
}


def jobs(event: Event) -> Iterable[Job]:
    """The jobs that an event starts. The audit chain takes every event besides (`fanout.service`)."""
    if route := ROUTES.get(event.type):
        yield route(event)
    if event.type in catalogue.TYPES:
        yield DispatchEvent(org_id=event.org_id, event=event)
