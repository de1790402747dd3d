"""Which jobs an event starts.

The registry says which queues a type starts (`switchboard.events.registry`); here stands the job that each of them
gets. It depends on the event alone, so that a replay asks for what the first run asked for. Every worker recognizes a
job that was done: by its own state machine, or by an id that is derived from the event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from switchboard.calls.jobs import DialCall, WakeWaiting
from switchboard.contacts.jobs import ContinueBackfill, IndexContacts
from switchboard.email.jobs import SendMail
from switchboard.events import registry
from switchboard.events.models import Event
from switchboard.kit.jobs import Job
from switchboard.projections.jobs import ProjectEvent
from switchboard.roleplay.jobs import BeginRoleplay, ScoreRoleplay
from switchboard.webhooks import catalogue
from switchboard.webhooks.jobs import DispatchEvent


def _of_contacts(event: Event) -> Job:
    if event.type == "contacts.backfill_started":
        return ContinueBackfill(org_id=event.org_id, backfill_id=event.subject.id)
    if event.type == "contacts.backfilled":
        return IndexContacts(org_id=event.org_id, contact_ids=[*event.data["created"], *event.data["updated"]])
    return IndexContacts(org_id=event.org_id, contact_ids=[event.subject.id])


def _of_calls(event: Event) -> Job:
    if event.type == "voice.call.created":
        return DialCall(org_id=event.org_id, call_id=event.subject.id)
    if event.type == "organization.plan_changed":
        return WakeWaiting(org_id=event.org_id)
    # The event's commit gave back the call's lane.
    return WakeWaiting(org_id=event.org_id, call_id=event.subject.id)


#: The job that an event starts on each queue that its row names.
STARTS: dict[str, Callable[[Event], Job]] = {
    "email": lambda event: SendMail(org_id=event.org_id, message_id=event.subject.id),
    "dialer": _of_calls,
    "roleplay": lambda event: BeginRoleplay(org_id=event.org_id, call_id=event.subject.id),
    "scoring": lambda event: ScoreRoleplay(org_id=event.org_id, call_id=event.subject.id),
    "contacts": _of_contacts,
}


def jobs(event: Event) -> Iterable[Job]:
    """The jobs that an event starts. The audit chain takes every event besides (`fanout.service`)."""
    row = registry.TYPES.get(event.type)
    for name in row.starts if row else ():
        yield STARTS[name](event)
    if row and row.projections:
        yield ProjectEvent(org_id=event.org_id, event=event)
    if event.type in catalogue.TYPES:
        yield DispatchEvent(org_id=event.org_id, event=event)
