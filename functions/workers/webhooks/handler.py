"""Creates a webhook delivery of an event for each endpoint that subscribes to it."""

from __future__ import annotations

from switchboard import workers
from switchboard.fanout import dispatch
from switchboard.webhooks import parking, recovery
from switchboard.webhooks.jobs import AbandonDeliveries, DispatchEvent, RecoverDeliveries, WatchReceiver

handler = workers.batch_handler(
    DispatchEvent,
    dispatch.dispatch_events,
    beside={
        RecoverDeliveries: recovery.recover_next_page,
        AbandonDeliveries: recovery.abandon_next_page,
        WatchReceiver: parking.watch_receiver,
    },
)
