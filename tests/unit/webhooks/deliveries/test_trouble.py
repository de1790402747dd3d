"""An endpoint in trouble: dead, slow, or at the limit of its slots."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.events import service as events
from switchboard.kit import clock
from switchboard.outbound.client import ConnectionFailedError, TimedOutError
from switchboard.webhooks import breaker, deliveries, delivery_worker, service, settings, store
from switchboard.webhooks.jobs import DeliverWebhook
from switchboard.webhooks.models import DeliveryStatus, Endpoint
from switchboard.webhooks.receivers import receiver_of
from tests.actors import Tenant
from tests.fakes.receiver import Behavior, Receiver, make_answer
from tests.integration.sabotage import drain_queue, run_worker
from tests.unit.webhooks.conftest import Register, World, only_delivery, send_mail


def send_and_queue(acme: Tenant, world: World, number: int) -> None:
    for _ in range(number):
        send_mail(acme)
    world.stream.hand_on()
    run_worker("workers/webhooks")


def test_a_dead_endpoint_is_paused_and_then_tried_by_one_delivery(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    made = register(events=["message.sent"])
    receiver.by_url["https://example.com/hook"] = ConnectionFailedError("refused")
    send_and_queue(acme, world, breaker.OPENS_AFTER_FAILURES + 3)
    run_worker("workers/deliveries", at_most=breaker.OPENS_AFTER_FAILURES + 3)
    assert len(receiver.got) == breaker.OPENS_AFTER_FAILURES
    health = service.get_endpoint(acme.org_id, made.endpoint.id).health
    assert health.open_until == clock.format_iso(clock.now() + breaker._FIRST_OPEN)
    receiver.by_url.clear()
    frozen.advance(seconds=31)
    world.go_on()
    found, _ = deliveries.list_deliveries(acme.org_id, made.endpoint.id, DeliveryStatus.SUCCEEDED, 20, None)
    assert len(found) == breaker.OPENS_AFTER_FAILURES + 3
    assert service.get_endpoint(acme.org_id, made.endpoint.id).health.down == 0


def test_an_endpoint_that_refuses_one_delivery_is_not_dead(
    acme: Tenant, register: Register, world: World, receiver: Receiver
) -> None:
    made = register(events=["message.sent"])
    receiver.by_url["https://example.com/hook"] = make_answer(400)
    send_and_queue(acme, world, 8)
    run_worker("workers/deliveries", at_most=8)
    assert len(receiver.got) == 8
    assert service.get_endpoint(acme.org_id, made.endpoint.id).health.open_until is None


def test_a_slow_endpoint_moves_to_the_workers_for_slow_ones_and_back(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    register(events=["message.sent"])
    receiver.answers = [make_answer(milliseconds=breaker.SLOW_MS + 1)]
    send_and_queue(acme, world, 1)
    run_worker("workers/deliveries")
    send_and_queue(acme, world, 1)
    run_worker("workers/deliveries")
    assert len(receiver.got) == 1
    assert run_worker("workers/slow_deliveries") == 1
    assert len(receiver.got) == 2
    frozen.advance(minutes=11)
    send_and_queue(acme, world, 1)
    run_worker("workers/deliveries")
    assert len(receiver.got) == 3


def test_a_new_endpoint_is_served_by_the_slow_workers_until_it_has_answered_quickly(
    acme: Tenant, register: Register, world: World, receiver: Receiver
) -> None:
    register(new=True, events=["message.sent"])
    receiver.answers = [make_answer(500)]  # any response is quick
    send_and_queue(acme, world, 1)
    run_worker("workers/deliveries")
    assert receiver.got == []
    run_worker("workers/slow_deliveries")
    assert len(receiver.got) == 1
    send_and_queue(acme, world, 1)
    run_worker("workers/deliveries")
    assert len(receiver.got) == 2


@pytest.mark.parametrize(
    "first", [make_answer(milliseconds=breaker.SLOW_MS + 1), TimedOutError("no complete response")]
)
def test_a_new_endpoint_that_does_not_answer_quickly_stays_with_the_slow_workers(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock, first: Behavior
) -> None:
    register(new=True, events=["message.sent"])
    receiver.answers = [first]
    send_and_queue(acme, world, 1)
    run_worker("workers/deliveries")
    run_worker("workers/slow_deliveries")
    assert len(receiver.got) == 1
    frozen.advance(minutes=11)
    send_and_queue(acme, world, 1)
    run_worker("workers/deliveries")
    assert len(receiver.got) == 1


def test_a_quick_endpoint_that_hangs_holds_a_fast_worker_for_seconds_only(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    made = register(events=["message.sent"], timeout_ms=60_000, max_attempts=1)
    receiver.answers = [TimedOutError("no complete response within 5 s"), make_answer(milliseconds=40_000)]
    send_and_queue(acme, world, 1)
    run_worker("workers/deliveries")
    assert receiver.seconds == [breaker.FAST_SECONDS]
    waiting = only_delivery(acme, made.endpoint.id)
    assert (waiting.status, waiting.attempts) == (DeliveryStatus.PENDING, 0)  # it kept the rest of its time
    assert breaker.is_slow(service.get_endpoint(acme.org_id, made.endpoint.id).health)
    assert run_worker("workers/slow_deliveries") == 0
    frozen.advance(seconds=54)
    world.later.bring()
    assert run_worker("workers/slow_deliveries") == 0
    frozen.advance(seconds=1)
    world.later.bring()
    assert run_worker("workers/slow_deliveries") == 1
    assert receiver.seconds == [breaker.FAST_SECONDS, 60.0]
    assert len(set(receiver.ids)) == 1
    done = only_delivery(acme, made.endpoint.id)
    assert (done.status, done.attempts) == (DeliveryStatus.SUCCEEDED, 1)


def test_a_timeout_shorter_than_the_fast_limit_is_a_failure(
    acme: Tenant, register: Register, world: World, receiver: Receiver
) -> None:
    made = register(events=["message.sent"], timeout_ms=4_000, max_attempts=1)
    receiver.answers = [TimedOutError("no complete response within 4 s")]
    send_and_queue(acme, world, 1)
    run_worker("workers/deliveries")
    assert receiver.seconds == [4.0]
    assert only_delivery(acme, made.endpoint.id).status is DeliveryStatus.FAILED


@pytest.mark.parametrize("changes", [[{"active": False}, {"active": True}], [{"url": "https://example.com/moved"}]])
def test_a_slow_endpoint_stays_slow_after_reactivation_and_url_change(
    acme: Tenant, register: Register, world: World, receiver: Receiver, changes: list[dict[str, Any]]
) -> None:
    made = register(events=["message.sent"])
    receiver.answers = [make_answer(500, milliseconds=breaker.SLOW_MS + 1)]
    send_and_queue(acme, world, 1)
    run_worker("workers/deliveries")
    slow_until = service.get_endpoint(acme.org_id, made.endpoint.id).health.slow_until
    receiver_of_it = receiver_of(acme.org_id, made.endpoint.id)
    slot = breaker.take_slots(
        receiver_of_it, made.endpoint.timeout_ms, service.get_endpoint(acme.org_id, made.endpoint.id).health
    )
    for one in changes:
        changed = service.update_endpoint(acme.caller(master=True), made.endpoint.id, one)
    health = service.get_endpoint(acme.org_id, made.endpoint.id).health
    assert changed.health == health
    assert (health.slow_until, health.quick_at, health.failures, health.failing_since) == (slow_until, None, 0, None)
    assert health.slots == {0: slot.lease.until}  # a change does not give it a second worker


def test_a_new_url_of_a_quick_endpoint_begins_with_the_slow_workers(acme: Tenant, register: Register) -> None:
    made = register()
    caller = acme.caller(master=True)
    assert not breaker.is_slow(service.update_endpoint(caller, made.endpoint.id, {"label": "l"}).health)
    assert breaker.is_slow(
        service.update_endpoint(caller, made.endpoint.id, {"url": "https://example.com/moved"}).health
    )


def test_a_slot_belongs_to_one_worker_until_release_or_expiry(
    acme: Tenant, register: Register, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    endpoint = register(events=["message.sent"]).endpoint
    it, new = receiver_of(acme.org_id, endpoint.id), service.get_endpoint(acme.org_id, endpoint.id).health
    slot = breaker.take_slots(it, endpoint.timeout_ms, new)
    with pytest.raises(breaker.DeferredError):
        breaker.take_slots(it, endpoint.timeout_ms, new)  # a new endpoint has one slot
    tally = breaker.BatchResults()
    tally.count_attempt(succeeded=True, down=False, milliseconds=5)
    well = slot.release_slots(tally)
    slots = [breaker.take_slots(it, endpoint.timeout_ms, well) for _ in range(2)]
    assert {slot.lease.numbers for slot in slots} == {(0,), (1,)}
    frozen.advance(milliseconds=endpoint.timeout_ms, seconds=11)
    again = breaker.take_slots(it, endpoint.timeout_ms, service.get_endpoint(acme.org_id, endpoint.id).health)
    assert again.lease.numbers == (0,)
    slots[0].release_slots(tally)  # too late: another delivery has the slot
    assert 0 in service.get_endpoint(acme.org_id, endpoint.id).health.slots


def test_endpoints_do_not_affect_each_other(
    acme: Tenant, register: Register, world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = register("https://example.com/bad", events=["message.sent"])
    good = register("https://example.com/good", events=["message.sent"])
    headers = settings.custom_headers

    def broken(endpoint: Endpoint) -> dict[str, str]:
        if endpoint.id == bad.endpoint.id:
            raise RuntimeError("a fault of ours")
        return headers(endpoint)

    monkeypatch.setattr(settings, "custom_headers", broken)
    send_and_queue(acme, world, 1)
    jobs = sorted(
        (DeliverWebhook.parse_body(body) for body in drain_queue("deliveries")), key=lambda job: job.endpoint_id
    )
    assert [job.endpoint_id for job in jobs] == [bad.endpoint.id, good.endpoint.id]
    assert delivery_worker.deliver_batch(jobs) == {0}
    assert only_delivery(acme, good.endpoint.id).status is DeliveryStatus.SUCCEEDED
    assert only_delivery(acme, bad.endpoint.id).attempts == 0  # the delivery is stored, but not yet attempted
    assert service.get_endpoint(acme.org_id, bad.endpoint.id).health.failing_since is None  # the endpoint did not fail


def found_events(acme: Tenant, name: str) -> list[Any]:
    return [
        event
        for event in events.events_between("2026-01-15T17:00:00.000Z", "2026-01-15T18:00:00.000Z", acme.org_id)
        if event.type == name
    ]


def test_changes_of_an_endpoint_are_audited(acme: Tenant, register: Register) -> None:
    made = register()
    caller = acme.caller(master=True)
    service.rotate_endpoint_secret(caller, made.endpoint.id)
    service.update_endpoint(caller, made.endpoint.id, {"active": False})
    service.delete_endpoint(caller, made.endpoint.id)
    for name in ("webhook.created", "webhook.secret_rotated", "webhook.updated", "webhook.deleted"):
        (event,) = found_events(acme, name)
        assert event.subject.id == made.endpoint.id
    assert store.list_subscriptions(acme.org_id) == []
