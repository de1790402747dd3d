"""Waiting deliveries: in the table and not in a queue, and in order."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta

import pytest

from switchboard.kit import clock
from switchboard.webhooks import (
    breaker,
    deliveries,
    delivery_store,
    delivery_worker,
    health_store,
    new_delivery,
    parked_sender,
    parking_store,
    service,
    signing,
)
from switchboard.webhooks.jobs import DeliverWebhook, WakeReceiver
from switchboard.webhooks.models import DeliveryStatus, Endpoint, ReceiverHealth
from switchboard.webhooks.parking_store import ParkedAttempt
from switchboard.webhooks.receivers import receiver_of
from tests.actors import Tenant
from tests.fakes.receiver import Receiver, make_answer
from tests.integration.sabotage import Sabotage, drain_queue, run_worker
from tests.unit.webhooks.conftest import World, answered_quickly
from tests.unit.webhooks.parking.conftest import dispatch_mails, hold_slot, list_parked, load_health

URL = "https://example.com/hook"


def list_statuses(endpoint: Endpoint) -> Counter[DeliveryStatus]:
    return Counter(one.status for one in deliveries.list_deliveries(endpoint.org_id, endpoint.id, None, 100, None)[0])


def test_deliveries_that_wait_for_a_slot_cost_a_message_each_and_one_wake_up(
    acme: Tenant,
    endpoint: Endpoint,
    world: World,
    receiver: Receiver,
    frozen: clock.FrozenClock,
    messages: Counter[str],
) -> None:
    hold_slot(endpoint)
    dispatch_mails(acme, world, frozen, 40)
    for _ in range(24):
        world.go_on()
        frozen.advance(seconds=1)
    assert (len(list_parked(endpoint)), receiver.got) == (40, [])
    frozen.advance(seconds=3)
    world.go_on()
    assert list_statuses(endpoint) == {DeliveryStatus.SUCCEEDED: 40}
    assert messages == {"DeliverWebhook": 40, "WakeReceiver": 1}
    assert (load_health(endpoint).waiting, load_health(endpoint).wake_at, list_parked(endpoint)) == (None, None, [])


def test_waiting_deliveries_are_sent_in_order(
    acme: Tenant, endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    slots = hold_slot(endpoint)
    dispatch_mails(acme, world, frozen, 25)
    world.go_on()
    slots.release_slots(breaker.BatchResults())
    assert not breaker.leased_until(load_health(endpoint))
    dispatch_mails(acme, world, frozen, 1)
    world.go_on()
    made = {one.id: one.created_at for one in deliveries.list_deliveries(acme.org_id, endpoint.id, None, 50, None)[0]}
    assert [made[id_] for id_ in receiver.ids] == sorted(made.values())
    assert len(receiver.got) == 26


def test_the_worker_that_releases_a_slot_sends_newly_parked_deliveries(
    acme: Tenant,
    endpoint: Endpoint,
    world: World,
    receiver: Receiver,
    frozen: clock.FrozenClock,
    messages: Counter[str],
) -> None:
    dispatch_mails(acme, world, frozen, 31)
    first, *rest = [DeliverWebhook.parse_body(body) for body in drain_queue("deliveries")]

    def others_come() -> None:
        receiver.before = lambda: None
        thread = threading.Thread(target=lambda: _asyncio_run(rest, receiver))
        thread.start()
        thread.join()
        assert len(list_parked(endpoint)) == 30

    receiver.before = others_come
    messages.clear()
    assert delivery_worker.deliver_batch([first]) == set()
    assert list_statuses(endpoint) == {DeliveryStatus.SUCCEEDED: 31}
    assert (sum(messages.values()), len(set(receiver.ids)), len(receiver.ids)) == (0, 31, 31)
    assert load_health(endpoint).waiting is None


def _asyncio_run(jobs: list[DeliverWebhook], receiver: Receiver) -> None:
    import asyncio

    assert asyncio.run(delivery_worker._batch(jobs, False, receiver)) == set()


def test_a_delivery_parked_during_the_release_of_the_last_slot_is_sent(
    acme: Tenant, endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    dispatch_mails(acme, world, frozen, 2)
    first, second = [DeliverWebhook.parse_body(body) for body in drain_queue("deliveries")]
    give_back = breaker.HeldSlots.release_slots

    def late(slots: breaker.HeldSlots, tally: breaker.BatchResults) -> ReceiverHealth:
        """Another worker has seen the slot taken, and parks just before it is released."""
        monkeypatch.setattr(breaker.HeldSlots, "release_slots", give_back)
        assert second.made
        parking_store.put_attempts([ParkedAttempt.of(second.made)])
        delivery_store.put_missing_deliveries([second.made])
        health_store.mark_waiting(receiver_of(acme.org_id, endpoint.id))
        return give_back(slots, tally)

    monkeypatch.setattr(breaker.HeldSlots, "release_slots", late)
    assert delivery_worker.deliver_batch([first]) == set()
    assert sorted(receiver.ids) == sorted([first.delivery_id, second.delivery_id])


@pytest.mark.parametrize("status", [200, 500])
def test_a_worker_that_is_killed_with_the_turn_loses_nothing_and_records_each_attempt_once(
    acme: Tenant, endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock, status: int
) -> None:
    saboteur = Sabotage()
    for done in range(14):
        answered_quickly(endpoint)  # as if it were new
        slots = hold_slot(endpoint)
        dispatch_mails(acme, world, frozen, 3)
        world.go_on()
        slots.release_slots(breaker.BatchResults())
        receiver.got, receiver.answers = [], [make_answer(status)]
        wake = WakeReceiver(org_id=acme.org_id, endpoint_id=endpoint.id)
        with saboteur.killing(after=done):
            delivery_worker.deliver_batch([wake])
        # Its job is lost, too: the scheduled wake-up finds the rest.
        for seconds in (26, 71, 30, 30):
            frozen.advance(seconds=seconds)
            world.go_on()
        assert list_statuses(endpoint) == {DeliveryStatus.SUCCEEDED: 3 * (done + 1)}, f"killed after {done} calls"
        assert max(Counter(receiver.ids).values()) <= (2 if status == 200 else 3)
        assert list_parked(endpoint) == []


def test_an_open_breaker_has_one_wake_up_and_one_batch_tries_first(
    acme: Tenant,
    endpoint: Endpoint,
    world: World,
    receiver: Receiver,
    frozen: clock.FrozenClock,
    messages: Counter[str],
) -> None:
    health_store.open_breaker(
        receiver_of(acme.org_id, endpoint.id), clock.format_iso(clock.now() + timedelta(minutes=2))
    )
    dispatch_mails(acme, world, frozen, 30)
    for _ in range(110):
        frozen.advance(seconds=1)
        world.go_on()
    assert messages == {"DeliverWebhook": 30, "WakeReceiver": 1}
    assert receiver.got == []
    receiver.by_url[URL] = make_answer(503)
    frozen.advance(seconds=15)
    world.go_on()
    assert len(receiver.got) == parked_sender.ATTEMPTS_PER_SLOT, "one slot's attempts, and the breaker is open again"
    assert messages["WakeReceiver"] == 2, "the breaker is open again"
    assert breaker.is_open(load_health(endpoint))


def test_a_disabled_webhooks_parked_deliveries_are_canceled_and_can_be_recovered(
    acme: Tenant, endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    since, caller = clock.now_iso(), acme.caller(master=True)
    hold_slot(endpoint)
    dispatch_mails(acme, world, frozen, 12)
    world.go_on()
    service.update_endpoint(caller, endpoint.id, {"active": False})
    frozen.advance(seconds=30)
    world.go_on()
    assert (list_statuses(endpoint), list_parked(endpoint), receiver.got) == ({DeliveryStatus.CANCELED: 12}, [], [])
    service.update_endpoint(caller, endpoint.id, {"active": True})
    deliveries.start_recovery(caller, endpoint.id, since)
    world.go_on()
    assert list_statuses(endpoint) == {DeliveryStatus.SUCCEEDED: 12}


def test_a_removed_webhooks_parked_deliveries_are_canceled(
    acme: Tenant, endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    hold_slot(endpoint)
    dispatch_mails(acme, world, frozen, 3)
    world.go_on()
    ids = [one.delivery_id for one in list_parked(endpoint)]
    service.delete_endpoint(acme.caller(master=True), endpoint.id)
    world.go_on()
    assert {deliveries.get_delivery(acme.org_id, id_).status for id_ in ids} == {DeliveryStatus.CANCELED}
    assert (list_parked(endpoint), receiver.got) == ([], [])


def test_a_late_duplicate_job_parks_no_resent_delivery(
    acme: Tenant, endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    slots = hold_slot(endpoint)
    dispatch_mails(acme, world, frozen, 2)
    jobs = [DeliverWebhook.parse_body(body) for body in drain_queue("deliveries")]
    assert delivery_worker.deliver_batch(jobs) == delivery_worker.deliver_batch(jobs) == set()
    assert len(list_parked(endpoint)) == 2
    slots.release_slots(breaker.BatchResults())
    receiver.answers = [make_answer(500)]
    assert delivery_worker.deliver_batch([WakeReceiver(org_id=acme.org_id, endpoint_id=endpoint.id)]) == set()
    assert len(receiver.got) == 2
    stored = [job.model_copy(update={"made": None}) for job in jobs]
    health_store.mark_waiting(receiver_of(acme.org_id, endpoint.id))
    assert delivery_worker.deliver_batch(stored) == set()
    assert (list_parked(endpoint), len(receiver.got)) == ([], 2)
    frozen.advance(seconds=60)
    world.go_on()
    assert (list_statuses(endpoint), list_parked(endpoint)) == ({DeliveryStatus.SUCCEEDED: 2}, [])
    assert len(receiver.got) == 3, "the failed one was retried by its timer"


def test_a_delivery_parked_at_two_positions_is_sent_once(
    acme: Tenant, endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    slots = hold_slot(endpoint)
    dispatch_mails(acme, world, frozen, 1)
    (job,) = [DeliverWebhook.parse_body(body) for body in drain_queue("deliveries")]
    assert delivery_worker.deliver_batch([job]) == set()
    # The second dispatch found it stored, with another time.
    frozen.advance(seconds=1)
    assert delivery_worker.deliver_batch([job.model_copy(update={"made": None, "made_at": clock.now_iso()})]) == set()
    assert len(list_parked(endpoint)) == 2
    slots.release_slots(breaker.BatchResults())
    assert delivery_worker.deliver_batch([WakeReceiver(org_id=acme.org_id, endpoint_id=endpoint.id)]) == set()
    assert (list_statuses(endpoint), list_parked(endpoint), len(receiver.got)) == ({DeliveryStatus.SUCCEEDED: 1}, [], 1)


def test_waiting_jobs_read_no_body(
    acme: Tenant, endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    receiver.answers = [make_answer(500) for _ in range(3)]
    dispatch_mails(acme, world, frozen, 3)
    run_worker("workers/deliveries")
    health_store.open_breaker(
        receiver_of(acme.org_id, endpoint.id), clock.format_iso(clock.now() + timedelta(minutes=1))
    )
    found = deliveries.list_deliveries(acme.org_id, endpoint.id, None, 10, None)[0]
    retries = [new_delivery.attempt_job(one) for one in found]
    monkeypatch.setattr(delivery_worker, "read_stored", lambda _: pytest.fail("a body was read"))
    with Sabotage().counting() as made:
        assert delivery_worker.deliver_batch(retries) == set()
    # Endpoint and health; the line; the mark; the wake-up.
    assert made == ["BatchGetItem", "BatchWriteItem", "UpdateItem", "TransactWriteItems"]


def test_a_delivery_that_cannot_be_attempted_does_not_block_the_line(
    acme: Tenant, endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    hold_slot(endpoint)
    dispatch_mails(acme, world, frozen, 15)
    world.go_on()
    broken, headers = list_parked(endpoint)[0].delivery_id, signing.signature_headers

    def signed(to: Endpoint, one: delivery_worker.Delivery) -> dict[str, str]:
        if one.id == broken:
            raise RuntimeError("a fault of ours")
        return headers(to, one)

    monkeypatch.setattr(signing, "signature_headers", signed)
    frozen.advance(seconds=30)
    world.go_on()
    assert list_statuses(endpoint) == {DeliveryStatus.SUCCEEDED: 14, DeliveryStatus.PENDING: 1}
    monkeypatch.setattr(signing, "signature_headers", headers)
    frozen.advance(seconds=61)
    world.go_on()
    assert list_statuses(endpoint) == {DeliveryStatus.SUCCEEDED: 15}


def test_a_busy_worker_leaves_the_rest_of_a_long_line_to_a_wake_up(
    acme: Tenant,
    endpoint: Endpoint,
    world: World,
    receiver: Receiver,
    frozen: clock.FrozenClock,
    messages: Counter[str],
) -> None:
    hold_slot(endpoint)
    dispatch_mails(acme, world, frozen, 40)
    world.go_on()
    receiver.before = lambda: frozen.advance(milliseconds=300)
    frozen.advance(seconds=30)
    world.later.bring()
    messages.clear()
    run_worker("workers/deliveries", at_most=1)
    assert 20 <= len(receiver.got) < 40
    assert messages["WakeReceiver"] == 1
    world.go_on()
    assert list_statuses(endpoint) == {DeliveryStatus.SUCCEEDED: 40}
