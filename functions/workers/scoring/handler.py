"""Scoring: a practice call that has ended is judged, and one whose judging takes too long is given up."""

from __future__ import annotations

from typing import Any

from switchboard import consumer
from switchboard.events.models import Event
from switchboard.roleplay import scoring


def work(body: dict[str, Any]) -> None:
    """Do one job: a `roleplay.call.ended` event, or the timer behind it."""
    if body.get("job") == "give_up":
        scoring.give_up(body["org_id"], body["call_id"])
        return
    event = Event.model_validate(body["event"])
    scoring.score(event.org_id, event.subject.id)


handler = consumer.jobs(work)
