"""Applies SES reports of sent mail: accepted, delivered, bounced, complained."""

from __future__ import annotations

from switchboard import workers
from switchboard.email import notifications

handler = workers.message_handler(notifications.apply_notification)
