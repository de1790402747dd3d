"""Webhooks: an event becomes a delivery for every endpoint that wants to hear of it."""

from __future__ import annotations

from switchboard import consumer
from switchboard.webhooks import dispatch, service
from switchboard.webhooks.jobs import DispatchEvent, RecoverDeliveries

handler = consumer.jobs(
    {
        DispatchEvent: lambda job: dispatch.dispatch(job.event),
        RecoverDeliveries: service.go_on_recovering,
    }
)
