"""Practice calls under way: begun, reported on, ended where that is forgotten; and sessions that expire."""

from __future__ import annotations

from typing import Any

from switchboard import consumer
from switchboard.events.models import Event
from switchboard.roleplay import lifecycle, sessions
from switchboard.roleplay.models import Progress


def work(body: dict[str, Any]) -> None:
    """Do one job: a `roleplay.call.created` event, a transport's report, or a timer."""
    match body.get("job"):
        case "expire":
            sessions.expire(body["org_id"], body["session_id"])
        case "close":
            lifecycle.close(body["org_id"], body["call_id"], body["state"])
        case "watch":
            lifecycle.watch(body["org_id"], body["call_id"], body["until"])
        case _ if "event" in body:
            event = Event.model_validate(body["event"])
            lifecycle.begin(event.org_id, event.subject.id)
        case _:
            lifecycle.apply(Progress.model_validate(body))


handler = consumer.jobs(work)
