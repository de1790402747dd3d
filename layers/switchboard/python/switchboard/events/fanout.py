"""From one event to the queues of those who act on it.

What a queue gets depends on the event's type alone, so that a replay sends what the first run sent. Every consumer
deduplicates by the event's id or by the state it moves.
"""

from __future__ import annotations

from collections.abc import Iterable

from switchboard.aws.queue import Job
from switchboard.events.models import Event
from switchboard.webhooks import catalogue

#: Which worker queues an event type starts. The audit's gets every event.
ROUTES: dict[str, tuple[str, ...]] = {
    "email.queued": ("email",),
    "voice.call.created": ("dialer",),
    "roleplay.call.created": ("roleplay",),
    "roleplay.call.ended": ("scoring",),
    "contact.created": ("contacts",),
    "contact.updated": ("contacts",),
    "contact.deleted": ("contacts",),
    "contacts.backfill_started": ("contacts",),
    "contacts.backfilled": ("contacts",),
}


def jobs(event: Event) -> Iterable[Job]:
    """The jobs that an event starts."""
    body = {"event": event.model_dump()}
    yield Job(queue="audit", body=body, group=event.org_id, dedupe=event.id)
    for name in ROUTES.get(event.type, ()):
        yield Job(queue=name, body=body, group=event.org_id)
    if event.type in catalogue.TYPES:
        yield Job(queue="webhooks", body=body, group=event.org_id)
