"""The job of the worker that projects events."""

from __future__ import annotations

from switchboard.events.models import Event
from switchboard.kit.jobs import Job


class ProjectEvent(Job, queue="projections"):
    """Let the projections of an event's type take it."""

    org_id: str
    event: Event
