"""Applies SES reports of sent mail: accepted, delivered, bounced, complained."""

from __future__ import annotations

from switchboard import consumer
from switchboard.email import notifications

handler = consumer.messages(notifications.apply)
