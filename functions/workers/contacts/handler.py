"""Contacts behind the scenes: what their notes can be found by, and contacts from the call history."""

from __future__ import annotations

from typing import Any

from switchboard import consumer
from switchboard.contacts import backfill, indexing
from switchboard.events.models import Event


def work(body: dict[str, Any]) -> None:
    """Do one job: an event of contacts, or a timer that lets a backfill go on."""
    if body.get("job") == "backfill":
        backfill.go_on(body["org_id"], body["backfill_id"])
        return
    event = Event.model_validate(body["event"])
    match event.type:
        case "contacts.backfill_started":
            backfill.go_on(event.org_id, event.subject.id)
        case "contacts.backfilled":
            indexing.catch_up(event.org_id, [*event.data["created"], *event.data["updated"]])
        case _:
            indexing.catch_up(event.org_id, [event.subject.id])


handler = consumer.jobs(work)
