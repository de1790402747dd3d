"""Creates a webhook delivery of an event for each endpoint that subscribes to it."""

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
