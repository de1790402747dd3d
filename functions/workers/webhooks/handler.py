"""Webhooks: an event becomes a delivery for every endpoint that wants to hear of it."""

from __future__ import annotations

from switchboard import consumer
from switchboard.webhooks import dispatch, parking, recovery
from switchboard.webhooks.jobs import AbandonDeliveries, DispatchEvent, RecoverDeliveries, WatchReceiver

handler = consumer.together(
    DispatchEvent,
    dispatch.dispatch,
    beside={
        RecoverDeliveries: recovery.go_on_recovering,
        AbandonDeliveries: recovery.go_on_abandoning,
        WatchReceiver: parking.look,
    },
)
