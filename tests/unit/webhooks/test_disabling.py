"""Disabling by failure: five days without a success, and without a long silence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from switchboard.aws.writes import commit
from switchboard.events import service as events
from switchboard.events.models import Subject
from switchboard.kit import clock
from switchboard.timers import service as timers
from switchboard.webhooks import (
    attempts,
    callbacks,
    deliveries,
    delivery_store,
    delivery_worker,
    health_store,
    new_delivery,
    receivers,
    schedule,
    service,
    settings,
)
from switchboard.webhooks.health_store import SlotLease
from switchboard.webhooks.jobs import DeliverWebhook
from switchboard.webhooks.kinds import JITTER, WEBHOOK_KINDS
from switchboard.webhooks.models import Endpoint, ReceiverHealth, RenderedEvent
from switchboard.webhooks.receivers import receiver_of
from tests.actors import Tenant
from tests.fakes.receiver import Receiver, make_answer
from tests.integration.sabotage import drain_queue, run_worker
from tests.unit.webhooks.conftest import Register, World, send_mail

URL = "https://example.com/hook"


@pytest.fixture
def single_attempt_endpoint(acme: Tenant, register: Register) -> Endpoint:
    """An endpoint with one attempt per delivery."""
    return register(events=["message.sent"], max_attempts=1).endpoint


def fail_delivery(acme: Tenant, world: World, receiver: Receiver, status: int = 500) -> None:
    """Send a delivery that fails."""
    receiver.by_url[URL] = make_answer(status)
    send_mail(acme)
    world.go_on()


def load_health(endpoint: Endpoint) -> tuple[bool, ReceiverHealth]:
    found = service.get_endpoint(endpoint.org_id, endpoint.id)
    return found.endpoint.active, found.health


def test_two_failures_with_days_of_silence_between_do_not_disable(
    acme: Tenant, single_attempt_endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    fail_delivery(acme, world, receiver, 400)
    frozen.advance(days=6)
    fail_delivery(acme, world, receiver, 503)
    active, health = load_health(single_attempt_endpoint)
    assert active
    assert (health.failing_since, health.failed_at, health.failures) == (clock.now_iso(), clock.now_iso(), 2)


def test_a_rarely_used_endpoint_is_not_disabled_by_single_failures(
    acme: Tenant, single_attempt_endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    for _ in range(4):
        fail_delivery(acme, world, receiver)
        frozen.advance(seconds=schedule.MAX_PAUSE.total_seconds() + 60)
    assert load_health(single_attempt_endpoint)[0]


def test_a_silence_restarts_the_five_days(
    acme: Tenant, single_attempt_endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    fail_delivery(acme, world, receiver)
    frozen.advance(days=4)
    began = clock.now()
    while clock.now() - began < service.DISABLED_AFTER:
        fail_delivery(acme, world, receiver)
        assert load_health(single_attempt_endpoint)[0]
        frozen.advance(days=1)
    fail_delivery(acme, world, receiver)
    assert not load_health(single_attempt_endpoint)[0]


def test_one_delivery_alone_never_disables_an_endpoint(
    acme: Tenant, single_attempt_endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    fail_delivery(acme, world, receiver)
    (alone,), _ = deliveries.list_deliveries(acme.org_id, single_attempt_endpoint.id, None, 10, None)
    for _ in range(12):
        frozen.advance(hours=20)
        deliveries.redeliver_delivery(acme.caller(master=True), alone.id)
        world.go_on()
    active, health = load_health(single_attempt_endpoint)
    assert (active, health.failures, health.failing_for()) == (True, 13, timedelta(0))
    fail_delivery(acme, world, receiver)
    assert load_health(single_attempt_endpoint)[0], "another delivery that fails finally is a short outage"
    frozen.advance(hours=11)
    fail_delivery(acme, world, receiver)
    assert load_health(single_attempt_endpoint)[0]
    frozen.advance(hours=1)
    fail_delivery(acme, world, receiver)
    assert not load_health(single_attempt_endpoint)[0]


def test_several_deliveries_of_one_batch_count_as_several(
    acme: Tenant, single_attempt_endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    receiver.by_url[URL] = make_answer(500)
    for hours in range(0, 121, 20):
        assert load_health(single_attempt_endpoint)[0], f"after {hours} hours"
        if hours == 0:
            send_mail(acme)
            send_mail(acme)
            world.stream.hand_on()
            run_worker("workers/webhooks")
            run_worker("workers/deliveries", together=10)
            (one, _), _ = deliveries.list_deliveries(acme.org_id, single_attempt_endpoint.id, None, 10, None)
        else:
            deliveries.redeliver_delivery(acme.caller(master=True), one.id)
            world.go_on()
        frozen.advance(hours=20)
    assert not load_health(single_attempt_endpoint)[0]


def test_a_success_ends_a_failing_period_of_several_deliveries(
    acme: Tenant, single_attempt_endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    for day in range(9):
        receiver.by_url[URL] = make_answer(200 if day == 4 else 500)
        send_mail(acme)
        world.go_on()
        frozen.advance(days=1)
    active, health = load_health(single_attempt_endpoint)
    assert (active, health.failing_for()) == (True, timedelta(days=3))


def test_a_success_ends_the_failing(
    acme: Tenant, single_attempt_endpoint: Endpoint, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    fail_delivery(acme, world, receiver)
    receiver.by_url = {}
    frozen.advance(minutes=20)
    send_mail(acme)
    world.go_on()
    _, health = load_health(single_attempt_endpoint)
    assert (health.failing_since, health.failed_at, health.failing_for()) == (None, None, timedelta(0))


def test_the_pauses_of_the_schedule_are_no_silence(
    acme: Tenant,
    register: Register,
    world: World,
    receiver: Receiver,
    frozen: clock.FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(schedule, "jitter_fraction", lambda: 1.0)
    endpoint = register(events=["message.sent"]).endpoint
    receiver.by_url[URL] = make_answer(500)
    began, pauses = clock.now(), [pause * (1 + JITTER) for pause in WEBHOOK_KINDS["anima"].schedule]
    for pause in (*pauses, *pauses):
        if pause == timedelta(0):
            send_mail(acme)
        frozen.advance(seconds=pause.total_seconds() + 1)
        world.go_on()
        assert load_health(endpoint)[0] is (clock.now() - began < service.DISABLED_AFTER)
    assert not load_health(endpoint)[0]


def test_an_internal_error_long_after_a_failure_does_not_disable(
    acme: Tenant,
    single_attempt_endpoint: Endpoint,
    world: World,
    receiver: Receiver,
    frozen: clock.FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(_: Endpoint) -> dict[str, str]:
        raise RuntimeError("a fault of ours")

    fail_delivery(acme, world, receiver, 503)
    frozen.advance(days=6)
    monkeypatch.setattr(settings, "custom_headers", broken)
    send_mail(acme)
    world.stream.hand_on()
    run_worker("workers/webhooks")
    (job,) = [DeliverWebhook.parse_body(body) for body in drain_queue("deliveries")]
    assert delivery_worker.deliver_batch([job]) == {0}
    assert load_health(single_attempt_endpoint)[0]


def test_no_pause_of_a_schedule_is_as_long_as_a_silence() -> None:
    longest = max(pause for kind in WEBHOOK_KINDS.values() for pause in kind.schedule)
    assert longest * (1 + JITTER) < schedule.MAX_PAUSE
    assert schedule.MAX_PAUSE > schedule.MAX_RETRY_AFTER
    assert health_store.parse_health({"failing_since": clock.now_iso()}).failing_for() == timedelta(0)


def call_back(acme: Tenant, number: int, url: str = URL) -> str:
    """Register a callback as a call does, and send to it. Returns its endpoint's id."""
    callback = callbacks.ensure_callback_endpoint(acme.org_id, "key_1", url)
    event = events.new_event(
        acme.caller(), "webhook.test", Subject(type="webhook", id=callback.id, version=1), kind="opticomm"
    )
    commit(callback.writes)
    endpoint = service.get_endpoint(acme.org_id, callback.id).endpoint
    told = RenderedEvent(event="call.ended", body={}, sequence=1, key=f"call_{number}")
    one = new_delivery.new_delivery(endpoint, told, event)
    commit(delivery_store.put_delivery_writes(one), timers.job_write(new_delivery.attempt_job(one)))
    return endpoint.id


def test_a_disabled_callback_endpoint_gets_five_new_days_when_registered_again(
    acme: Tenant, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    receiver.by_url[URL] = make_answer(500)

    def calls_until_disabled() -> int:
        number = 0
        while True:
            endpoint_id, number = call_back(acme, int(clock.epoch())), number + 1
            world.go_on()
            if not service.get_endpoint(acme.org_id, endpoint_id).endpoint.active:
                return number
            frozen.advance(hours=20)

    assert calls_until_disabled() == 7
    frozen.advance(minutes=1)
    assert calls_until_disabled() == 7, "not one failure, but five days of it"


def test_callbacks_of_one_key_to_one_host_share_their_health(
    acme: Tenant, world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed: list[str] = []
    slots: list[int] = []
    hand_over, take = delivery_worker._hand_over, health_store.take_lease

    def noted(wanted: Sequence[Any]) -> None:
        handed.append(attempts.SLOW_QUEUE)
        hand_over(wanted)

    def taken(receiver: receivers.WebhookReceiver, lease: SlotLease, now: str) -> ReceiverHealth:
        slots.extend(lease.numbers)
        return take(receiver, lease, now)

    monkeypatch.setattr(delivery_worker, "_hand_over", noted)
    monkeypatch.setattr(health_store, "take_lease", taken)
    made: set[str] = set()
    for number in range(5):
        made.add(call_back(acme, number, f"https://example.com:8443/cb?call={number}"))
        world.go_on()
        if number == 0:
            assert handed
            assert slots
            handed.clear()
            slots.clear()
    assert (len(made), len(receiver.got), handed, slots) == (5, 5, [], []), "the host is known since the first call"
    call_back(acme, 9, "https://example.com/cb")
    world.go_on()
    assert handed, "another port is another host"
    keys = {receiver_of(acme.org_id, one).id for one in made}
    assert len(keys) == 1
    another = callbacks.ensure_callback_endpoint(acme.org_id, "key_2", "https://example.com:8443/cb").id
    assert receiver_of(acme.org_id, another).id not in keys


def test_a_new_callback_to_a_failing_host_has_its_own_five_days(
    acme: Tenant, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    for number in range(9):
        url = f"https://example.com/cb?call={number}"
        receiver.by_url[url] = make_answer(500)
        endpoint_id = call_back(acme, number, url)
        world.go_on()
        assert service.get_endpoint(acme.org_id, endpoint_id).endpoint.active
        frozen.advance(hours=20)
