"""Receives notices of SES about incoming mail that it has stored."""

from __future__ import annotations

from typing import Any

from switchboard import consumer
from switchboard.email import inbound


def receive(notice: dict[str, Any]) -> None:
    """Deliver one mail to the inboxes of its recipients."""
    inbound.receive(notice)


handler = consumer.messages(receive)
