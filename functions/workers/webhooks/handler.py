"""Webhooks: an event becomes a delivery for every endpoint that wants to hear of it."""

from __future__ import annotations

from typing import Any

from switchboard import consumer
from switchboard.aws import queue
from switchboard.aws.queue import Job
from switchboard.events.models import Event
from switchboard.webhooks import dispatch, service


def work(body: dict[str, Any]) -> None:
    """Do one job: an event, or a part of a recovery, which goes on in a job of its own."""
    if body.get("job") != "recover":
        dispatch.dispatch(Event.model_validate(body["event"]))
        return
    rest = service.go_on_recovering(body)
    if rest:
        queue.send([Job(queue="webhooks", body=rest, group=rest["org_id"])])


handler = consumer.jobs(work)
