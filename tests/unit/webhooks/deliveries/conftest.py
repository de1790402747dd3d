"""Deliveries: an ended call whose callbacks wait to be sent."""

from __future__ import annotations

import pytest

from switchboard.aws.writes import commit
from switchboard.calls import reports
from switchboard.calls import service as calls
from switchboard.calls import store as call_store
from switchboard.calls.models import Call, Order, Tier
from switchboard.carriers.voice.ports.reports import EndReason, Report
from switchboard.webhooks import callbacks, store
from tests.actors import Tenant
from tests.integration.sabotage import run_worker
from tests.unit.webhooks.conftest import World, answered_quickly

URL = "https://example.com/hook"


@pytest.fixture
def ended_call(acme: Tenant, world: World) -> Call:
    """An ended call with a callback: both of its callbacks wait to be sent."""
    callback = callbacks.ensure_callback_endpoint(acme.org_id, "key_1", URL)
    order = Order(to="+14155550142", tier=Tier.BASIC, consent_source="business-relationship")
    placed = calls.place_call(acme.caller(), order)
    named = placed.model_copy(update={"callback_id": callback.id, "version": placed.version + 1})
    commit(call_store.CALLS.save_write(named), callback.writes)
    endpoint = store.get_endpoint(acme.org_id, callback.id)
    assert endpoint is not None
    answered_quickly(endpoint)
    reports.apply_report(
        Report(org_id=acme.org_id, call_id=named.id, kind="ended", end_reason=EndReason.COMPLETED, duration_seconds=5)
    )
    world.stream.hand_on()
    run_worker("workers/webhooks")
    return named
