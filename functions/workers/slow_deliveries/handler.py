"""Webhooks to endpoints that take their time: the same work, where it holds nobody else up."""

from __future__ import annotations

from functools import partial

from switchboard import consumer
from switchboard.webhooks import delivery
from switchboard.webhooks.jobs import DeliverWebhook, WakeReceiver

handler = consumer.together((DeliverWebhook, WakeReceiver), partial(delivery.deliver, slow=True))
