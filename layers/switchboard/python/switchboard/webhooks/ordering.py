"""Deliveries of an ordered kind: one that follows another waits until that is over, or has failed often enough.

The one that waits writes itself into the one before it, which sends it off. It is in no queue until then.
"""

from __future__ import annotations

from switchboard.aws.table import ConditionFailedError
from switchboard.webhooks import delivery_store
from switchboard.webhooks.models import Delivery, Status
from switchboard.webhooks.recording import HELD_FOR_TRIES


def waits(delivery: Delivery) -> bool:
    """Whether a delivery has to wait for the one before it; if so that one sends it off when it is done."""
    while delivery.follows:
        first = delivery_store.get(delivery.org_id, delivery.follows)
        if first is None or first.status is not Status.PENDING or first.tries >= HELD_FOR_TRIES:
            return False
        try:
            delivery_store.wait_for(first, delivery)
        except ConditionFailedError:
            continue  # it was tried meanwhile: look again
        return True
    return False
