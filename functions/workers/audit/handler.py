"""Seals events into the audit chain of their organization. Each organization has one writer at a time."""

from __future__ import annotations

from typing import Any

from switchboard import workers
from switchboard.audit import sealing
from switchboard.events.models import Event


def seal_events(org_id: str, bodies: list[dict[str, Any]]) -> None:
    """Seals an organization's events in the order of the queue."""
    sealing.seal_events(org_id, [Event.model_validate(event) for body in bodies for event in body["events"]])


handler = workers.group_handler(seal_events)
