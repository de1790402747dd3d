"""Webhooks to endpoints that take their time: the same work, where it holds nobody else up."""

from __future__ import annotations

from functools import partial

from switchboard import consumer
from switchboard.webhooks import delivery
from switchboard.webhooks.jobs import DeliverWebhook

handler = consumer.together(DeliverWebhook, partial(delivery.deliver, slow=True))
