"""One item of each kind of analytics."""

from __future__ import annotations

from switchboard.kit import clock
from tests.actors import Tenant
from tests.unit.analytics.ledger import count_call, store_call, talk


def live(acme: Tenant) -> None:
    """Write one item of each kind."""
    flow_id = "0d0c5e5e-0000-4000-8000-000000000001"
    count_call(store_call(acme.org_id, clock.now(), flow_id=flow_id, **talk(75, outcome="success")))
