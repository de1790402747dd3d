"""Deliveries of ordered kinds, which are stored before their first attempt because one waits for another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from switchboard.webhooks import delivery_store, health_store, parking
from switchboard.webhooks.models import Delivery
from switchboard.webhooks.receivers import receiver_of

#: Deliveries of older events may have expired. A replay would send them a second time.
MAX_EVENT_AGE = delivery_store.DELIVERY_RETENTION - timedelta(days=1)
_PER_REQUEST = 100


def store_ordered(deliveries: Sequence[Delivery]) -> None:
    """Stores deliveries that are not stored yet, and arranges a watch for each endpoint in case their jobs are lost."""
    endpoints = {receiver_of(one.org_id, one.endpoint_id): one.endpoint_id for one in deliveries}
    for start in range(0, len(endpoints), _PER_REQUEST):
        receivers = list(endpoints)[start : start + _PER_REQUEST]
        for receiver, health in zip(receivers, health_store.get_many_healths(receivers), strict=True):
            parking.arrange_watch(receiver, endpoints[receiver], health)
    by_id = {(one.org_id, one.id): one for one in deliveries}
    for start in range(0, len(by_id), _PER_REQUEST):
        part = list(by_id)[start : start + _PER_REQUEST]
        stored = delivery_store.get_deliveries(part)
        missing = [by_id[key] for key, found in zip(part, stored, strict=True) if found is None]
        delivery_store.put_missing_deliveries(missing)
