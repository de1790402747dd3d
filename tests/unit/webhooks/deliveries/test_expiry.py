"""Deliveries are visible for thirty days."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from switchboard.calls.models import Call
from switchboard.kit import clock
from switchboard.webhooks import deliveries, delivery_store, service, store
from switchboard.webhooks.models import Delivery, DeliveryStatus
from tests.actors import Tenant
from tests.fakes.receiver import Receiver, make_answer
from tests.integration.sabotage import scan_items
from tests.unit.webhooks.conftest import Register, World, only_delivery, send_mail


def load_item(found: Delivery) -> dict[str, Any]:
    key = delivery_store.delivery_key(found.org_id, found.id)
    return next(item for item in scan_items("activity") if item["pk"]["S"] == key["pk"])


def test_ended_deliveries_expire_after_thirty_days_and_pending_ones_do_not(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    made = register(events=["message.sent"], max_attempts=2)
    receiver.answers = [make_answer(500), make_answer(500), make_answer(500)]
    send_mail(acme)
    world.go_on()
    assert "expires" not in load_item(only_delivery(acme, made.endpoint.id))
    frozen.advance(seconds=5)
    world.go_on()
    failed = only_delivery(acme, made.endpoint.id)
    thirty_days_on = str(int((clock.now() + timedelta(days=30)).timestamp()))
    assert failed.status is DeliveryStatus.FAILED
    assert load_item(failed)["expires"] == {"N": thirty_days_on}
    deliveries.redeliver_delivery(acme.caller(master=True), failed.id)
    assert "expires" not in load_item(failed)
    world.go_on()
    frozen.advance(seconds=5)
    world.go_on()
    assert only_delivery(acme, made.endpoint.id).status is DeliveryStatus.SUCCEEDED
    assert int(load_item(failed)["expires"]["N"]) == int(thirty_days_on) + 5


def test_health_and_callback_endpoints_expire(
    acme: Tenant, register: Register, world: World, receiver: Receiver, ended_call: Call
) -> None:
    made = register(events=["message.sent"])
    send_mail(acme)
    world.go_on()
    expiring = {item["pk"]["S"]: item.get("expires") for item in scan_items("core")}
    assert expiring[f"{acme.org_id}#webhook#{made.endpoint.id}"] == {
        "N": str(int((clock.now() + timedelta(days=30)).timestamp()))
    }
    assert ended_call.callback_id
    assert expiring[f"{acme.org_id}#callback#{ended_call.callback_id}"] == {
        "N": str(int((clock.now() + timedelta(days=90)).timestamp()))
    }
    assert expiring[f"{acme.org_id}#webhooks"] is None
    endpoint = store.get_endpoint(acme.org_id, ended_call.callback_id)
    assert endpoint is not None
    service.disable_endpoint(endpoint, "gone", "for a test")
    assert store.get_endpoint(acme.org_id, ended_call.callback_id).expires == endpoint.expires  # type: ignore[union-attr]
