"""Sends webhooks to slow endpoints in a separate worker, so that they do not delay other endpoints."""

from __future__ import annotations

from functools import partial

from switchboard import consumer
from switchboard.webhooks import delivery
from switchboard.webhooks.jobs import DeliverWebhook, WakeReceiver

handler = consumer.together((DeliverWebhook, WakeReceiver), partial(delivery.deliver, slow=True))
