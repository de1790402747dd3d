"""The job of the worker that projects events."""

from __future__ import annotations

from switchboard.events.models import Event
from switchboard.kit.jobs import Job


class ProjectEvent(Job, queue="projections"):
    """Apply an event to the projections of its type."""

    org_id: str
    event: Event
