"""Mail that comes in: SES has stored it, and says so."""

from __future__ import annotations

from typing import Any

from switchboard import consumer
from switchboard.email import inbound


def receive(notice: dict[str, Any]) -> None:
    """Land one mail in the inboxes that it is for."""
    inbound.receive(notice)


handler = consumer.messages(receive)
