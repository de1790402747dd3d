"""The order of deliveries: in an ordered kind, a delivery waits until its predecessor is over or has failed often.

A waiting delivery stores its id in its predecessor, which later sends it. Until then it is not in any queue.
"""

from __future__ import annotations

from switchboard import telemetry
from switchboard.aws.writes import ConditionFailedError
from switchboard.webhooks import delivery_store
from switchboard.webhooks.models import Delivery, DeliveryStatus
from switchboard.webhooks.moves import MAX_PREDECESSOR_TRIES


def must_wait(delivery: Delivery) -> bool:
    """Whether a delivery has to wait for its predecessor. If so, the predecessor sends it when it is done."""
    while delivery.follows:
        first = delivery_store.get_delivery(delivery.org_id, delivery.follows)
        if first is None or first.status is not DeliveryStatus.PENDING or first.tries >= MAX_PREDECESSOR_TRIES:
            return False
        try:
            delivery_store.wait_for(first, delivery)
        except ConditionFailedError:
            continue  # the predecessor was attempted since it was read: read it again
        telemetry.log_skip("the delivery waits for its predecessor", org_id=delivery.org_id, delivery_id=delivery.id)
        return True
    return False
