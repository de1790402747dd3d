"""What SES reports of mail: accepted, delivered, bounced, complained of."""

from __future__ import annotations

from switchboard import consumer
from switchboard.email import notifications

handler = consumer.messages(notifications.apply)
