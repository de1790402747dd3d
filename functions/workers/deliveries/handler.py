"""Sends webhooks, many at the same time. Each attempt is recorded."""

from __future__ import annotations

from switchboard import consumer
from switchboard.webhooks import delivery
from switchboard.webhooks.jobs import DeliverWebhook, WakeReceiver

handler = consumer.together((DeliverWebhook, WakeReceiver), delivery.deliver)
