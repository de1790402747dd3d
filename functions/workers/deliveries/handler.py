"""Sends webhooks, many at the same time. Each attempt is recorded."""

from __future__ import annotations

from switchboard import workers
from switchboard.webhooks import delivery_worker
from switchboard.webhooks.jobs import DeliverWebhook, WakeReceiver

handler = workers.batch_handler((DeliverWebhook, WakeReceiver), delivery_worker.deliver_batch)
