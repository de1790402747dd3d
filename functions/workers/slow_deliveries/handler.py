"""Sends webhooks to slow endpoints in a separate worker, so that they do not delay other endpoints."""

from __future__ import annotations

from functools import partial

from switchboard import workers
from switchboard.webhooks import delivery_worker
from switchboard.webhooks.jobs import DeliverWebhook, WakeReceiver

handler = workers.batch_handler((DeliverWebhook, WakeReceiver), partial(delivery_worker.deliver_batch, slow=True))
