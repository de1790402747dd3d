"""Receives notices of SES about incoming mail that it has stored."""

from __future__ import annotations

from typing import Any

from switchboard import workers
from switchboard.email import inbound


def receive_mail(notice: dict[str, Any]) -> None:
    """Delivers one mail to the inboxes of its recipients."""
    inbound.receive_mail(notice)


handler = workers.message_handler(receive_mail)
