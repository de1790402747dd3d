"""Seals events into the audit chain of their organization. Each organization has one writer at a time."""

from __future__ import annotations

from typing import Any

from switchboard import consumer
from switchboard.audit import service as audit
from switchboard.events.models import Event


def seal(org_id: str, bodies: list[dict[str, Any]]) -> None:
    """Seal an organization's events in the order of the queue."""
    audit.seal(org_id, [Event.model_validate(event) for body in bodies for event in body["events"]])


handler = consumer.groups(seal)
