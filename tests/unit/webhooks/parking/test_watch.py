"""Watches: no pending delivery waits for ever."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from switchboard.kit import clock
from switchboard.timers import store as timer_store
from switchboard.webhooks import deliveries, health_store, parking, schedule
from switchboard.webhooks.models import DeliveryStatus, Endpoint
from switchboard.webhooks.receivers import receiver_of
from tests.actors import Tenant
from tests.fakes.receiver import Receiver, make_answer
from tests.integration.sabotage import drain_queue, run_worker
from tests.unit.webhooks.conftest import World, only_delivery
from tests.unit.webhooks.parking.conftest import dispatch_mails, hold_slot, list_parked, load_health


def pass_minutes(world: World, frozen: clock.FrozenClock, minutes: int) -> None:
    """Advance the time minute by minute, so that the tick misses none."""
    for _ in range(minutes):
        frozen.advance(minutes=1)
        timer_store.advance_watermark(clock.format_iso(clock.now() - timedelta(minutes=1))[:16])
        world.go_on()


@pytest.fixture(params=["a test", "a retry", "a redelivery", "a parked one's wake-up"])
def lost_delivery(
    request: pytest.FixtureRequest,
    acme: Tenant,
    endpoint: Endpoint,
    world: World,
    receiver: Receiver,
    frozen: clock.FrozenClock,
) -> Endpoint:
    """A pending delivery whose message is gone from its queue."""
    caller = acme.caller(master=True)
    if request.param == "a test":
        deliveries.send_test_delivery(caller, endpoint.id)
    elif request.param == "a parked one's wake-up":
        hold_slot(endpoint)
        dispatch_mails(acme, world, frozen, 1)
        world.go_on()
        frozen.advance(seconds=30)
    else:
        receiver.answers = [make_answer(500)]
        dispatch_mails(acme, world, frozen, 1)
        run_worker("workers/deliveries")
        frozen.advance(seconds=10)
        if request.param == "a redelivery":
            world.go_on()
            deliveries.redeliver_delivery(caller, only_delivery(acme, endpoint.id).id)
    world.stream.hand_on()
    world.later.bring()
    assert drain_queue("deliveries")
    receiver.got = []
    return endpoint


def test_a_delivery_with_a_lost_message_is_found_and_sent(
    acme: Tenant, lost_delivery: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    pass_minutes(world, frozen, 59)
    assert (receiver.got, only_delivery(acme, lost_delivery.id).status) == ([], DeliveryStatus.PENDING)
    pass_minutes(world, frozen, 65)
    assert (len(receiver.got), only_delivery(acme, lost_delivery.id).status) == (1, DeliveryStatus.SUCCEEDED)
    pass_minutes(world, frozen, 61)
    assert (
        load_health(lost_delivery).watch_at,
        load_health(lost_delivery).wake_at,
        load_health(lost_delivery).waiting,
    ) == (None, None, None)


def test_a_watch_does_not_touch_parked_deliveries(
    acme: Tenant,
    endpoint: Endpoint,
    world: World,
    receiver: Receiver,
    frozen: clock.FrozenClock,
    messages: Counter[str],
) -> None:
    dispatch_mails(acme, world, frozen, 5)
    world.later.bring()
    away = receiver_of(acme.org_id, endpoint.id)
    health_store.open_breaker(away, clock.format_iso(clock.now() + timedelta(hours=3)))
    world.go_on()
    before = list_parked(endpoint)
    pass_minutes(world, frozen, 62)
    assert list_parked(endpoint) == before
    assert messages["DeliverWebhook"] == 5
    assert messages["WakeReceiver"] <= 6, "one each quarter of an hour"


def test_a_working_webhook_has_no_watch(
    acme: Tenant, endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    dispatch_mails(acme, world, frozen, 3)
    world.go_on()
    assert load_health(endpoint).watch_at is None


def test_a_late_watch_schedules_no_further_one(
    acme: Tenant, endpoint: Endpoint, world: World, frozen: clock.FrozenClock
) -> None:
    deliveries.send_test_delivery(acme.caller(master=True), endpoint.id)
    at = load_health(endpoint).watch_at
    assert at == clock.format_iso(clock.now() + parking.WATCH_EVERY)
    frozen.advance(seconds=schedule.MIN_PATIENCE.total_seconds() - 60)
    deliveries.send_test_delivery(acme.caller(master=True), endpoint.id)
    later = load_health(endpoint).watch_at
    assert later == clock.format_iso(clock.now() + parking.WATCH_EVERY), "the index may lack it at the first read"
    parking.watch_receiver(parking.WatchReceiver(org_id=acme.org_id, endpoint_id=endpoint.id, at=at))
    assert load_health(endpoint).watch_at == later
