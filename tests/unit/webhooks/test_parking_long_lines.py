"""Long lines of waiting deliveries: a worker's run ends, a watch loses nothing, and no other endpoint waits."""

from __future__ import annotations

from collections import Counter
from itertools import count
from threading import Event

import pytest

from switchboard.aws import writes
from switchboard.kit import clock
from switchboard.webhooks import (
    breaker,
    delivery_store,
    delivery_worker,
    health_store,
    parked_sender,
    parking,
    parking_store,
    service,
    store,
)
from switchboard.webhooks.jobs import WakeReceiver, WatchReceiver
from switchboard.webhooks.kinds import WEBHOOK_KINDS, is_ordered
from switchboard.webhooks.models import Delivery, DeliveryStatus, Endpoint, EndpointSettings, ReceiverHealth
from switchboard.webhooks.parking_store import ParkedAttempt
from switchboard.webhooks.receivers import WebhookReceiver, receiver_of
from tests.actors import Tenant, tenant
from tests.fakes.receiver import Receiver
from tests.integration.sabotage import Sabotage, drain_queue, run_worker
from tests.load.waiting import delivery_at, line_up
from tests.unit.webhooks.conftest import Register, World, answered_quickly


@pytest.fixture
def endpoint(acme: Tenant, register: Register, world: World) -> Endpoint:
    """A webhook with one slot, since nothing has succeeded there."""
    return register(events=["message.sent"]).endpoint


def receiver_at(endpoint: Endpoint) -> WebhookReceiver:
    return receiver_of(endpoint.org_id, endpoint.id)


def load_health(endpoint: Endpoint) -> ReceiverHealth:
    return health_store.get_health(receiver_at(endpoint))


def make_wake_up(endpoint: Endpoint) -> WakeReceiver:
    return WakeReceiver(org_id=endpoint.org_id, endpoint_id=endpoint.id)


def count_statuses(endpoint: Endpoint, made: list[Delivery]) -> Counter[DeliveryStatus]:
    found: Counter[DeliveryStatus] = Counter()
    for start in range(0, len(made), 100):
        places = [(one.org_id, one.id) for one in made[start : start + 100]]
        found.update(one.status for one in delivery_store.get_deliveries(places) if one)
    return found


@pytest.mark.parametrize("slow", [False, True])
def test_rounds_without_a_send_end_in_time_and_hand_over(
    endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch,
    slow: bool,
) -> None:  # fmt: skip
    made = line_up(endpoint, 420)
    service.disable_endpoint(endpoint, "failing", "all deliveries failed for five days")
    rounds: list[int] = []
    ready_of = parked_sender.sendable_attempts

    def taking_two_seconds(parked: list[ParkedAttempt]) -> object:
        rounds.append(len(parked))
        frozen.advance(seconds=2)
        return ready_of(parked)

    monkeypatch.setattr(parked_sender, "sendable_attempts", taking_two_seconds)
    began = clock.epoch()
    assert delivery_worker.deliver_batch([make_wake_up(endpoint)], slow=slow, sender=receiver) == set()
    if slow:
        assert rounds == [10, 100, 100, 100, 100, 10]
        assert count_statuses(endpoint, made) == {DeliveryStatus.CANCELED: 420}
        return
    assert (rounds, clock.epoch() - began) == ([10, 100, 100], 6)
    assert not breaker.leased_until(load_health(endpoint)), "the slot and the turn are released"
    assert count_statuses(endpoint, made) == {DeliveryStatus.CANCELED: 210, DeliveryStatus.PENDING: 210}
    assert run_worker("workers/deliveries", at_most=1) == 1, "it was handed over"
    world.go_on()
    assert count_statuses(endpoint, made) == {DeliveryStatus.CANCELED: 420}
    assert (load_health(endpoint).waiting, receiver.got) == (None, [])


def test_a_round_that_sends_nothing_keeps_its_lease(
    endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    line_up(endpoint, 200)
    service.disable_endpoint(endpoint, "failing", "all deliveries failed for five days")
    ready_of, held = parked_sender.sendable_attempts, []

    def taking_a_second(parked: list[ParkedAttempt]) -> object:
        held.append(load_health(endpoint).turn_until)
        frozen.advance(seconds=1)
        return ready_of(parked)

    monkeypatch.setattr(parked_sender, "sendable_attempts", taking_a_second)
    delivery_worker.deliver_batch([make_wake_up(endpoint)], sender=receiver)
    assert len(held) == len(set(held)) == 3
    assert load_health(endpoint).last_delivery_at is None, "nothing was sent"


@pytest.mark.parametrize("removed", [False, True])
def test_a_canceled_line_costs_a_tenth_of_a_request_each(
    endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock, removed: bool
) -> None:
    made = line_up(endpoint, 310)
    if removed:
        writes.write_item(store.ENDPOINTS.delete_write(endpoint))
    else:
        service.disable_endpoint(endpoint, "failing", "all deliveries failed for five days")
    with Sabotage().counting() as requests:
        delivery_worker.deliver_batch([make_wake_up(endpoint)], sender=receiver)
    assert count_statuses(endpoint, made) == {DeliveryStatus.CANCELED: 310}
    assert requests.count("GetItem") == 0
    assert len(requests) < 50


def test_canceling_at_an_open_breaker_respects_the_time_limit(
    endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = line_up(endpoint, 200)
    service.disable_endpoint(endpoint, "failing", "all deliveries failed for five days")
    health_store.open_breaker(receiver_at(endpoint), "2027-01-01T00:00:00.000Z")
    ready_of = parked_sender.sendable_attempts

    def taking_two_seconds(parked: list[ParkedAttempt]) -> object:
        frozen.advance(seconds=2)
        return ready_of(parked)

    monkeypatch.setattr(parked_sender, "sendable_attempts", taking_two_seconds)
    delivery_worker.deliver_batch([make_wake_up(endpoint)], sender=receiver)
    assert count_statuses(endpoint, made) == {DeliveryStatus.CANCELED: 75, DeliveryStatus.PENDING: 125}
    assert load_health(endpoint).wake_at, "one wake-up continues"


def test_a_wide_read_sends_in_order_and_within_the_slots(
    endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = line_up(endpoint, 10)
    for one in gone:
        writes.write_item(
            delivery_store.save_delivery_writes(
                one, one.with_status(DeliveryStatus.CANCELED, completed_at=clock.now_iso())
            )
        )
    made = line_up(endpoint, 40, first=10)
    at_once: list[int] = []
    attempt_all = parked_sender.attempts.attempt_all

    async def counted(sending: object, held: list[object]) -> object:
        at_once.append(len(held))
        return await attempt_all(sending, held)  # type: ignore[arg-type]

    monkeypatch.setattr(parked_sender.attempts, "attempt_all", counted)
    delivery_worker.deliver_batch([make_wake_up(endpoint)], sender=receiver)
    assert at_once[0] == parked_sender.ATTEMPTS_PER_SLOT, "one slot's attempts, until one has succeeded"
    assert receiver.ids == [one.id for one in made]


def test_only_ids_of_an_ordered_kind_say_so() -> None:
    assert {kind.name for kind in WEBHOOK_KINDS.values() if is_ordered(f"{kind.prefix}_1")} == {
        kind.name for kind in WEBHOOK_KINDS.values() if kind.ordered
    }


def arranged_watch(endpoint: Endpoint, frozen: clock.FrozenClock) -> WatchReceiver:
    parking.arrange_watch(receiver_at(endpoint), endpoint.id, load_health(endpoint))
    at = load_health(endpoint).watch_at
    assert at
    frozen.advance(seconds=parking.WATCH_EVERY.total_seconds() + 60)
    return WatchReceiver(org_id=endpoint.org_id, endpoint_id=endpoint.id, at=at)


@pytest.mark.parametrize("parked", [True, False])
@pytest.mark.parametrize("done", range(4, 10))
def test_an_unfinished_watch_leaves_the_next_one_and_a_wake_up(
    endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock, done: int, parked: bool
) -> None:
    line_up(endpoint, 350, parked=parked)
    job = arranged_watch(endpoint, frozen)
    saboteur = Sabotage()
    for _ in range(3):
        with saboteur.killing(after=done):
            parking.watch_receiver(job)
    now = load_health(endpoint)
    assert (now.watch_at or "") > clock.now_iso()
    assert (now.wake_at or "") > clock.now_iso()


def test_a_watch_reads_some_pages_and_a_job_continues(
    endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parking, "_AT_ONCE", 10)
    monkeypatch.setattr(parking, "_PAGES", 3)
    made = line_up(endpoint, 100, parked=False)
    job = arranged_watch(endpoint, frozen)
    with Sabotage().counting() as requests:
        parking.watch_receiver(job)
    assert len(requests) < 25
    assert len(parking_store.oldest_attempts(receiver_at(endpoint), 200)) == 30
    watches = []
    while jobs := _handed_on(world):
        (rest,) = jobs
        watches.append(rest)
        parking.watch_receiver(rest)
    assert [one.at for one in watches] == [job.at] * 3
    assert all(one.start for one in watches)
    for _ in range(30):
        frozen.advance(seconds=1)
        world.go_on()
    assert count_statuses(endpoint, made) == {DeliveryStatus.SUCCEEDED: 100}
    assert len(receiver.ids) == len(set(receiver.ids)) == 100


def _handed_on(world: World) -> list[WatchReceiver]:
    world.stream.hand_on()
    return [WatchReceiver.parse_body(body) for body in drain_queue("webhooks")]


@pytest.mark.parametrize("line", ["sent", "canceled"])
def test_another_tenants_delivery_is_sent_at_once_beside_a_line_of_hundreds(
    endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch,
    line: str,
) -> None:  # fmt: skip
    line_up(endpoint, 600)
    ready_of, rounds, a_send = parked_sender.sendable_attempts, count(1), Event()

    def taking_its_time(parked: list[ParkedAttempt]) -> object:
        # Tables in memory answer at once, so the line's second round lets the other batch have its turn.
        assert next(rounds) == 1 or a_send.wait(20), "the other delivery waits for the end of the line"
        frozen.advance(milliseconds=500)
        return ready_of(parked)

    monkeypatch.setattr(parked_sender, "sendable_attempts", taking_its_time)
    if line == "canceled":
        service.disable_endpoint(endpoint, "failing", "all deliveries failed for five days")
    other = tenant("other")
    theirs = service.create_endpoint(
        other.caller(master=True), "anima", EndpointSettings(url="https://example.org/hook")
    ).endpoint
    answered_quickly(theirs)
    job = delivery_at(theirs, 0)
    began, at = clock.epoch(), dict[str, float]()

    def posted() -> None:
        frozen.advance(milliseconds=20)
        at.setdefault(str(len(receiver.got)), clock.epoch() - began)
        a_send.set()

    receiver.before = posted
    assert delivery_worker.deliver_batch([make_wake_up(endpoint), job], sender=receiver) == set()
    place = receiver.ids.index(job.delivery_id)
    assert place <= parked_sender.ATTEMPTS_PER_SLOT, "the first round's attempts at most"
    assert at[str(place)] < 1
    assert clock.epoch() - began < 10, "the worker takes other batches soon"
