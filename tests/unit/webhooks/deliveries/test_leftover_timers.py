"""An ended delivery leaves no timer."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.kit import clock
from switchboard.webhooks import deliveries, delivery_worker, new_delivery, service
from switchboard.webhooks.models import Delivery, DeliveryStatus
from tests.actors import Tenant
from tests.fakes.receiver import Receiver, make_answer
from tests.integration.sabotage import scan_items
from tests.unit.webhooks.conftest import Register, World, only_delivery, send_mail
from tests.unit.webhooks.deliveries.conftest import URL


def list_timers(*, watches: bool = False) -> list[dict[str, Any]]:
    """The timers of next attempts, or of watches. A receiver has one watch."""
    found = [item for item in scan_items("activity") if item["pk"]["S"].startswith("timer#")]
    return [item for item in found if (item["body"]["M"]["job"]["S"] == "WatchReceiver") is watches]


def failing_until_a_timer(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> Delivery:
    """A delivery that has failed until its next attempt is hours away."""
    made = register(events=["message.sent"])
    receiver.by_url[URL] = make_answer(500)
    send_mail(acme)
    for seconds in (0, 5, 300):
        frozen.advance(seconds=seconds)
        world.go_on()
    found = only_delivery(acme, made.endpoint.id)
    assert (found.status, found.attempts) == (DeliveryStatus.PENDING, 3)
    assert found.timer
    assert len(list_timers()) == 1
    return found


def test_an_early_attempt_leaves_no_timer(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    found = failing_until_a_timer(acme, register, world, receiver, frozen)
    receiver.by_url = {}
    assert delivery_worker.deliver_batch([new_delivery.attempt_job(found)]) == set()
    done = only_delivery(acme, found.endpoint_id)
    assert (done.status, done.timer) == (DeliveryStatus.SUCCEEDED, None)
    assert list_timers() == []


def test_an_early_failed_attempt_leaves_one_timer(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    found = failing_until_a_timer(acme, register, world, receiver, frozen)
    assert delivery_worker.deliver_batch([new_delivery.attempt_job(found)]) == set()
    assert only_delivery(acme, found.endpoint_id).attempts == 4
    assert len(list_timers()) == 1


def test_disabling_cancels_at_the_next_attempt_and_leaves_no_timer(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    found = failing_until_a_timer(acme, register, world, receiver, frozen)
    service.update_endpoint(acme.caller(master=True), found.endpoint_id, {"active": False})
    assert delivery_worker.deliver_batch([new_delivery.attempt_job(found)]) == set()
    assert only_delivery(acme, found.endpoint_id).status is DeliveryStatus.CANCELED
    assert list_timers() == []


def test_a_removed_webhook_leaves_no_timer(
    acme: Tenant,
    register: Register,
    world: World,
    receiver: Receiver,
    frozen: clock.FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("switchboard.webhooks.recovery.DELIVERIES_PER_JOB", 2)
    made = register(events=["message.sent"])
    receiver.by_url[URL] = make_answer(500)
    for _ in range(5):
        send_mail(acme)
    for seconds in (0, 5, 300):
        frozen.advance(seconds=seconds)
        world.go_on()
    found, _ = deliveries.list_deliveries(acme.org_id, made.endpoint.id, DeliveryStatus.PENDING, 10, None)
    assert (len(found), len(list_timers()), len(list_timers(watches=True))) == (5, 5, 1)
    service.delete_endpoint(acme.caller(master=True), made.endpoint.id)
    world.go_on()
    assert list_timers() == list_timers(watches=True) == []
    over = [deliveries.get_delivery(acme.org_id, one.id) for one in found]
    assert {one.status for one in over} == {DeliveryStatus.CANCELED}
    assert not [item for item in scan_items("core") if made.endpoint.id in item["pk"]["S"]]
