"""Webhooks going out: many at once, each attempt recorded."""

from __future__ import annotations

from switchboard import consumer
from switchboard.webhooks import delivery

handler = consumer.together(delivery.deliver)
