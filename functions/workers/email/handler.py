"""Mail going out: a queued message is sent, and a claim without an outcome surfaced."""

from __future__ import annotations

from typing import Any

from switchboard import consumer
from switchboard.email import delivery
from switchboard.events.models import Event


def work(body: dict[str, Any]) -> None:
    """Do one job: an `email.queued` event, or the timer that looks after a claim."""
    if body.get("job") == "confirm":
        delivery.confirm(body["org_id"], body["message_id"], body.get("claim"))
        return
    event = Event.model_validate(body["event"])
    delivery.deliver(event.org_id, event.subject.id)


handler = consumer.jobs(work)
