"""Deliveries that wait: in the table and not in a queue, in order, and never for ever."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest

from switchboard.aws import queues
from switchboard.kit import clock
from switchboard.kit.jobs import QueueMessage
from switchboard.timers import store as timer_store
from switchboard.webhooks import (
    batches,
    breaker,
    deliveries,
    delivery_store,
    delivery_worker,
    health_store,
    new_delivery,
    parked_sender,
    parking,
    parking_store,
    schedule,
    service,
    signing,
)
from switchboard.webhooks.jobs import DeliverWebhook, WakeReceiver
from switchboard.webhooks.models import DeliveryStatus, Endpoint, ReceiverHealth
from switchboard.webhooks.parking_store import ParkedAttempt
from switchboard.webhooks.receivers import receiver_of
from tests.actors import Tenant
from tests.fakes.receiver import Receiver, answer
from tests.integration.sabotage import Sabotage, drain, work
from tests.unit.webhooks.conftest import Register, World, answered_quickly, only, send

URL = "https://example.com/hook"
QUEUES = ("deliveries", "slow-deliveries")


@pytest.fixture
def endpoint(acme: Tenant, register: Register, world: World) -> Endpoint:
    """A webhook with one slot, since nothing has succeeded there."""
    return register(events=["message.sent"]).endpoint


@pytest.fixture
def messages(world: World, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many messages were sent, by their job."""
    found: Counter[str] = Counter()
    send_all = queues.try_send_messages

    def counted(sent: Sequence[QueueMessage]) -> set[int]:
        found.update(str(message.body["job"]) for message in sent if message.queue in QUEUES)
        return send_all(sent)

    monkeypatch.setattr(queues, "try_send_messages", counted)
    return found


def health(endpoint: Endpoint) -> ReceiverHealth:
    return service.get_endpoint(endpoint.org_id, endpoint.id).health


def parked(endpoint: Endpoint) -> list[ParkedAttempt]:
    return parking_store.oldest_attempts(receiver_of(endpoint.org_id, endpoint.id), 100)


def statuses(endpoint: Endpoint) -> Counter[DeliveryStatus]:
    return Counter(one.status for one in deliveries.list_deliveries(endpoint.org_id, endpoint.id, None, 100, None)[0])


def hold(endpoint: Endpoint) -> breaker.HeldSlots:
    """A worker takes the only slot, and is not heard of again."""
    return breaker.take_slots(receiver_of(endpoint.org_id, endpoint.id), endpoint.timeout_ms, health(endpoint))


def told(acme: Tenant, world: World, frozen: clock.FrozenClock, number: int) -> None:
    """Mails are sent, one after the other, and their webhooks dispatched."""
    for _ in range(number):
        send(acme)
        world.stream.hand_on()
        work("workers/webhooks")
        frozen.advance(milliseconds=1)


def watched(world: World, frozen: clock.FrozenClock, minutes: int) -> None:
    """Let time pass, minute by minute, so that the tick misses none."""
    for _ in range(minutes):
        frozen.advance(minutes=1)
        timer_store.advance_watermark(clock.format_iso(clock.now() - timedelta(minutes=1))[:16])
        world.go_on()


def test_deliveries_that_wait_for_a_slot_cost_a_message_each_and_one_wake_up(
    acme: Tenant,
    endpoint: Endpoint,
    world: World,
    receiver: Receiver,
    frozen: clock.FrozenClock,
    messages: Counter[str],
) -> None:
    hold(endpoint)
    told(acme, world, frozen, 40)
    for _ in range(24):
        world.go_on()
        frozen.advance(seconds=1)
    assert (len(parked(endpoint)), receiver.got) == (40, [])
    frozen.advance(seconds=3)
    world.go_on()
    assert statuses(endpoint) == {DeliveryStatus.SUCCEEDED: 40}
    assert messages == {"DeliverWebhook": 40, "WakeReceiver": 1}
    assert (health(endpoint).waiting, health(endpoint).wake_at, parked(endpoint)) == (None, None, [])


def test_what_waits_is_sent_in_its_order_and_nothing_overtakes_it(
    acme: Tenant, endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    slots = hold(endpoint)
    told(acme, world, frozen, 25)
    world.go_on()
    slots.give_back(breaker.BatchResults())
    assert not breaker.leased_until(health(endpoint))
    told(acme, world, frozen, 1)
    world.go_on()
    made = {one.id: one.created_at for one in deliveries.list_deliveries(acme.org_id, endpoint.id, None, 50, None)[0]}
    assert [made[id_] for id_ in receiver.ids] == sorted(made.values())
    assert len(receiver.got) == 26


def test_who_gives_a_slot_back_sends_what_was_parked_meanwhile(
    acme: Tenant,
    endpoint: Endpoint,
    world: World,
    receiver: Receiver,
    frozen: clock.FrozenClock,
    messages: Counter[str],
) -> None:
    told(acme, world, frozen, 31)
    first, *rest = [DeliverWebhook.read(body) for body in drain("deliveries")]

    def others_come() -> None:
        receiver.before = lambda: None
        thread = threading.Thread(target=lambda: _asyncio_run(rest, receiver))
        thread.start()
        thread.join()
        assert len(parked(endpoint)) == 30

    receiver.before = others_come
    messages.clear()
    assert delivery_worker.deliver_batch([first]) == set()
    assert statuses(endpoint) == {DeliveryStatus.SUCCEEDED: 31}
    assert (sum(messages.values()), len(set(receiver.ids)), len(receiver.ids)) == (0, 31, 31)
    assert health(endpoint).waiting is None


def _asyncio_run(jobs: list[DeliverWebhook], receiver: Receiver) -> None:
    import asyncio

    assert asyncio.run(delivery_worker._batch(jobs, False, receiver)) == set()


def test_an_attempt_that_is_parked_while_the_last_slot_is_given_back_is_sent(
    acme: Tenant, endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    told(acme, world, frozen, 2)
    first, second = [DeliverWebhook.read(body) for body in drain("deliveries")]
    give_back = breaker.HeldSlots.give_back

    def late(slots: breaker.HeldSlots, tally: breaker.BatchResults) -> ReceiverHealth:
        """Another worker has seen the slot taken, and parks just before it is given back."""
        monkeypatch.setattr(breaker.HeldSlots, "give_back", give_back)
        assert second.made
        parking_store.put_attempts([ParkedAttempt.of(second.made)])
        delivery_store.put_missing_deliveries([second.made])
        health_store.mark_waiting(receiver_of(acme.org_id, endpoint.id))
        return give_back(slots, tally)

    monkeypatch.setattr(breaker.HeldSlots, "give_back", late)
    assert delivery_worker.deliver_batch([first]) == set()
    assert sorted(receiver.ids) == sorted([first.delivery_id, second.delivery_id])


@pytest.mark.parametrize("status", [200, 500])
def test_a_worker_that_is_killed_with_the_turn_loses_nothing_and_records_each_attempt_once(
    acme: Tenant, endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock, status: int
) -> None:
    saboteur = Sabotage()
    for done in range(14):
        answered_quickly(endpoint)  # as if it were new
        slots = hold(endpoint)
        told(acme, world, frozen, 3)
        world.go_on()
        slots.give_back(breaker.BatchResults())
        receiver.got, receiver.answers = [], [answer(status)]
        wake = WakeReceiver(org_id=acme.org_id, endpoint_id=endpoint.id)
        with saboteur.killing(after=done):
            delivery_worker.deliver_batch([wake])
        # Its job is lost as well: the wake-up that was arranged finds the rest.
        for seconds in (26, 71, 30, 30):
            frozen.advance(seconds=seconds)
            world.go_on()
        assert statuses(endpoint) == {DeliveryStatus.SUCCEEDED: 3 * (done + 1)}, f"killed after {done} calls"
        assert max(Counter(receiver.ids).values()) <= (2 if status == 200 else 3)
        assert parked(endpoint) == []


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
    told(acme, world, frozen, 30)
    for _ in range(110):
        frozen.advance(seconds=1)
        world.go_on()
    assert messages == {"DeliverWebhook": 30, "WakeReceiver": 1}
    assert receiver.got == []
    receiver.by_url[URL] = answer(503)
    frozen.advance(seconds=15)
    world.go_on()
    assert len(receiver.got) == parked_sender.ATTEMPTS_PER_SLOT, "one slot's attempts, and the breaker is open again"
    assert messages["WakeReceiver"] == 2, "it is open again"
    assert breaker.is_open(health(endpoint))


def test_a_disabled_webhooks_parked_deliveries_are_canceled_and_can_be_recovered(
    acme: Tenant, endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    since, caller = clock.now_iso(), acme.caller(master=True)
    hold(endpoint)
    told(acme, world, frozen, 12)
    world.go_on()
    service.update_endpoint(caller, endpoint.id, {"active": False})
    frozen.advance(seconds=30)
    world.go_on()
    assert (statuses(endpoint), parked(endpoint), receiver.got) == ({DeliveryStatus.CANCELED: 12}, [], [])
    service.update_endpoint(caller, endpoint.id, {"active": True})
    deliveries.start_recovery(caller, endpoint.id, since)
    world.go_on()
    assert statuses(endpoint) == {DeliveryStatus.SUCCEEDED: 12}


def test_a_removed_webhooks_parked_deliveries_are_canceled(
    acme: Tenant, endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    hold(endpoint)
    told(acme, world, frozen, 3)
    world.go_on()
    ids = [one.delivery_id for one in parked(endpoint)]
    service.delete_endpoint(acme.caller(master=True), endpoint.id)
    world.go_on()
    assert {deliveries.get_delivery(acme.org_id, id_).status for id_ in ids} == {DeliveryStatus.CANCELED}
    assert (parked(endpoint), receiver.got) == ([], [])


def test_a_copy_of_a_job_that_comes_late_parks_nothing_that_is_sent_again(
    acme: Tenant, endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    slots = hold(endpoint)
    told(acme, world, frozen, 2)
    jobs = [DeliverWebhook.read(body) for body in drain("deliveries")]
    assert delivery_worker.deliver_batch(jobs) == delivery_worker.deliver_batch(jobs) == set()
    assert len(parked(endpoint)) == 2
    slots.give_back(breaker.BatchResults())
    receiver.answers = [answer(500)]
    assert delivery_worker.deliver_batch([WakeReceiver(org_id=acme.org_id, endpoint_id=endpoint.id)]) == set()
    assert len(receiver.got) == 2
    stored = [job.model_copy(update={"made": None}) for job in jobs]
    health_store.mark_waiting(receiver_of(acme.org_id, endpoint.id))
    assert delivery_worker.deliver_batch(stored) == set()
    assert (parked(endpoint), len(receiver.got)) == ([], 2)
    frozen.advance(seconds=60)
    world.go_on()
    assert (statuses(endpoint), parked(endpoint)) == ({DeliveryStatus.SUCCEEDED: 2}, [])
    assert len(receiver.got) == 3, "the one that failed was sent again by its timer"


def test_a_delivery_that_was_dispatched_twice_is_sent_once_though_it_waits_at_two_places(
    acme: Tenant, endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    slots = hold(endpoint)
    told(acme, world, frozen, 1)
    (job,) = [DeliverWebhook.read(body) for body in drain("deliveries")]
    assert delivery_worker.deliver_batch([job]) == set()
    # The second dispatch found it stored, and told another moment.
    frozen.advance(seconds=1)
    assert delivery_worker.deliver_batch([job.model_copy(update={"made": None, "made_at": clock.now_iso()})]) == set()
    assert len(parked(endpoint)) == 2
    slots.give_back(breaker.BatchResults())
    assert delivery_worker.deliver_batch([WakeReceiver(org_id=acme.org_id, endpoint_id=endpoint.id)]) == set()
    assert (statuses(endpoint), parked(endpoint), len(receiver.got)) == ({DeliveryStatus.SUCCEEDED: 1}, [], 1)


def test_jobs_that_have_to_wait_read_no_body(
    acme: Tenant, endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    receiver.answers = [answer(500) for _ in range(3)]
    told(acme, world, frozen, 3)
    work("workers/deliveries")
    health_store.open_breaker(
        receiver_of(acme.org_id, endpoint.id), clock.format_iso(clock.now() + timedelta(minutes=1))
    )
    found = deliveries.list_deliveries(acme.org_id, endpoint.id, None, 10, None)[0]
    retries = [new_delivery.attempt_job(one) for one in found]
    monkeypatch.setattr(batches, "read_stored", lambda _: pytest.fail("a body was read"))
    with Sabotage().counting() as made:
        assert delivery_worker.deliver_batch(retries) == set()
    # Endpoint and health; the places; the mark; the wake-up.
    assert made == ["BatchGetItem", "BatchWriteItem", "UpdateItem", "TransactWriteItems"]


def test_an_attempt_that_cannot_be_made_holds_up_nothing_behind_it(
    acme: Tenant, endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    hold(endpoint)
    told(acme, world, frozen, 15)
    world.go_on()
    broken, headers = parked(endpoint)[0].delivery_id, signing.signature_headers

    def signed(to: Endpoint, one: delivery_worker.Delivery) -> dict[str, str]:
        if one.id == broken:
            raise RuntimeError("a fault of ours")
        return headers(to, one)

    monkeypatch.setattr(signing, "signature_headers", signed)
    frozen.advance(seconds=30)
    world.go_on()
    assert statuses(endpoint) == {DeliveryStatus.SUCCEEDED: 14, DeliveryStatus.PENDING: 1}
    monkeypatch.setattr(signing, "signature_headers", headers)
    frozen.advance(seconds=61)
    world.go_on()
    assert statuses(endpoint) == {DeliveryStatus.SUCCEEDED: 15}


def test_a_worker_that_others_wait_for_leaves_the_rest_of_a_long_line_to_a_wake_up(
    acme: Tenant,
    endpoint: Endpoint,
    world: World,
    receiver: Receiver,
    frozen: clock.FrozenClock,
    messages: Counter[str],
) -> None:
    hold(endpoint)
    told(acme, world, frozen, 40)
    world.go_on()
    receiver.before = lambda: frozen.advance(milliseconds=300)
    frozen.advance(seconds=30)
    world.later.bring()
    messages.clear()
    work("workers/deliveries", at_most=1)
    assert 20 <= len(receiver.got) < 40
    assert messages["WakeReceiver"] == 1
    world.go_on()
    assert statuses(endpoint) == {DeliveryStatus.SUCCEEDED: 40}


# --- nothing that is pending waits for ever -----------------------------------------------------------------------


@pytest.fixture(params=["a test", "a retry", "a redelivery", "a parked one's wake-up"])
def lost(
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
        hold(endpoint)
        told(acme, world, frozen, 1)
        world.go_on()
        frozen.advance(seconds=30)
    else:
        receiver.answers = [answer(500)]
        told(acme, world, frozen, 1)
        work("workers/deliveries")
        frozen.advance(seconds=10)
        if request.param == "a redelivery":
            world.go_on()
            deliveries.redeliver_delivery(caller, only(acme, endpoint.id).id)
    world.stream.hand_on()
    world.later.bring()
    assert drain("deliveries")
    receiver.got = []
    return endpoint


def test_a_delivery_whose_message_is_gone_is_found_and_sent(
    acme: Tenant, lost: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    watched(world, frozen, 59)
    assert (receiver.got, only(acme, lost.id).status) == ([], DeliveryStatus.PENDING)
    watched(world, frozen, 65)
    assert (len(receiver.got), only(acme, lost.id).status) == (1, DeliveryStatus.SUCCEEDED)
    watched(world, frozen, 61)
    assert (health(lost).watch_at, health(lost).wake_at, health(lost).waiting) == (None, None, None)


def test_a_watch_leaves_what_is_parked_where_it_is(
    acme: Tenant,
    endpoint: Endpoint,
    world: World,
    receiver: Receiver,
    frozen: clock.FrozenClock,
    messages: Counter[str],
) -> None:
    told(acme, world, frozen, 5)
    world.later.bring()
    away = receiver_of(acme.org_id, endpoint.id)
    health_store.open_breaker(away, clock.format_iso(clock.now() + timedelta(hours=3)))
    world.go_on()
    before = parked(endpoint)
    watched(world, frozen, 62)
    assert parked(endpoint) == before
    assert messages["DeliverWebhook"] == 5
    assert messages["WakeReceiver"] <= 6, "one each quarter of an hour"


def test_a_webhook_that_is_well_has_no_watch(
    acme: Tenant, endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    told(acme, world, frozen, 3)
    world.go_on()
    assert health(endpoint).watch_at is None


def test_a_watch_that_comes_after_another_was_arranged_arranges_none(
    acme: Tenant, endpoint: Endpoint, world: World, frozen: clock.FrozenClock
) -> None:
    deliveries.send_test_delivery(acme.caller(master=True), endpoint.id)
    at = health(endpoint).watch_at
    assert at == clock.format_iso(clock.now() + parking.WATCH_EVERY)
    frozen.advance(seconds=schedule.MIN_PATIENCE.total_seconds() - 60)
    deliveries.send_test_delivery(acme.caller(master=True), endpoint.id)
    later = health(endpoint).watch_at
    assert later == clock.format_iso(clock.now() + parking.WATCH_EVERY), (
        "the index may not know it when the first looks"
    )
    parking.watch_receiver(parking.WatchReceiver(org_id=acme.org_id, endpoint_id=endpoint.id, at=at))
    assert health(endpoint).watch_at == later
