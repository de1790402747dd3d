"""Calls going out: an accepted call is dialled, and one that the provider forgot is ended."""

from __future__ import annotations

from typing import Any

from switchboard import consumer
from switchboard.calls import dialing
from switchboard.events.models import Event


def work(body: dict[str, Any]) -> None:
    """Do one job: a `voice.call.created` event, a second try, or a timer that looks after a call."""
    match body.get("job"):
        case "confirm":
            dialing.confirm(body["org_id"], body["call_id"], body["claim"])
        case "close":
            dialing.close(body["org_id"], body["call_id"], body["state"])
        case "dial":
            dialing.dial(body["org_id"], body["call_id"])
        case _:
            event = Event.model_validate(body["event"])
            dialing.dial(event.org_id, event.subject.id)


handler = consumer.jobs(work)
