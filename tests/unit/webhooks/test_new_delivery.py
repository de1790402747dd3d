"""From a batch of events to deliveries: none is duplicated or lost, and an error of one does not affect others."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest

from switchboard.aws import queues, writes
from switchboard.aws.writes import Put, commit
from switchboard.fanout import dispatch
from switchboard.kit import clock
from switchboard.webhooks import (
    bodies,
    deliveries,
    delivery_store,
    delivery_worker,
    health_store,
    new_delivery,
    service,
    store,
    template,
)
from switchboard.webhooks.jobs import DeliverWebhook, DispatchEvent
from switchboard.webhooks.models import DeliveryStatus, Endpoint
from switchboard.webhooks.receivers import receiver_of
from tests.actors import Tenant, tenant
from tests.fakes.receiver import Receiver, make_answer
from tests.integration.sabotage import drain_queue, run_worker
from tests.unit.webhooks.conftest import Register, World, only_delivery, send_mail


def dispatch_mails(acme: Tenant, world: World, number: int = 1) -> list[DispatchEvent]:
    for _ in range(number):
        send_mail(acme)
    world.stream.hand_on()
    return [DispatchEvent.parse_body(body) for body in drain_queue("webhooks")]


def list_jobs() -> list[DeliverWebhook]:
    return [DeliverWebhook.parse_body(body) for body in drain_queue("deliveries")]


def test_a_repeated_dispatch_changes_no_delivery_and_makes_no_second_one(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    made = register(events=["message.sent"])
    batch = dispatch_mails(acme, world)
    receiver.answers = [make_answer(500)]
    dispatch.dispatch_events(batch)
    assert delivery_worker.deliver_batch(list_jobs()) == set()
    failed_once = only_delivery(acme, made.endpoint.id)
    frozen.advance(seconds=2)
    dispatch.dispatch_events(batch)
    assert delivery_worker.deliver_batch(list_jobs()) == set()
    assert only_delivery(acme, made.endpoint.id) == failed_once
    assert (failed_once.attempts, len(receiver.got)) == (1, 1)


def test_a_duplicate_job_does_not_cancel_the_retry(
    acme: Tenant, register: Register, world: World, receiver: Receiver
) -> None:
    made = register(events=["message.sent"])
    dispatch.dispatch_events(dispatch_mails(acme, world))
    (first,) = list_jobs()
    receiver.answers = [make_answer(500)]
    delivery_worker.deliver_batch([first])
    retry = first.model_copy(update={"attempt": 2, "made": None})
    assert delivery_worker.deliver_batch([first, retry, retry, first]) == set()
    delivered = only_delivery(acme, made.endpoint.id)
    assert (delivered.status, delivered.attempts, len(receiver.got)) == (DeliveryStatus.SUCCEEDED, 2, 2)


def test_two_workers_with_one_job_record_one_attempt(
    acme: Tenant, register: Register, world: World, receiver: Receiver
) -> None:
    made = register(events=["message.sent"])
    dispatch.dispatch_events(dispatch_mails(acme, world, 3))
    batch = list_jobs()
    inner: list[set[int]] = []

    def once_more() -> None:
        receiver.before = lambda: None
        other = Receiver()
        other.answers = [make_answer(500), make_answer(500), make_answer(500)]
        thread = threading.Thread(target=lambda: inner.append(second(other)))
        thread.start()
        thread.join()

    def second(other: Receiver) -> set[int]:
        return asyncio.run(delivery_worker._batch(batch[:2], False, other))

    receiver.before = once_more
    assert delivery_worker.deliver_batch(batch, sender=receiver) == set()
    assert inner == [set()]
    found, _ = deliveries.list_deliveries(acme.org_id, made.endpoint.id, None, 10, None)
    assert sorted(one.attempts for one in found) == [1, 1, 1]
    assert sum(one.status is DeliveryStatus.SUCCEEDED for one in found) >= 1


def test_an_organizations_error_does_not_affect_others(
    acme: Tenant, register: Register, world: World, receiver: Receiver
) -> None:
    made = register(events=["message.sent"])
    other = tenant("other")
    writes.write_item(Put(table="core", item={"pk": f"{other.org_id}#webhooks", "sk": "wh_broken", "url": 7}))
    batch = [*dispatch_mails(other, world), *dispatch_mails(acme, world)]
    assert dispatch.dispatch_events(batch) == {place for place, job in enumerate(batch) if job.org_id == other.org_id}
    assert [job.endpoint_id for job in list_jobs()] == [made.endpoint.id]


def test_only_an_event_that_cannot_be_rendered_is_retried(
    acme: Tenant, register: Register, world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(events=["message.sent"])
    batch = dispatch_mails(acme, world, 3)
    text_of = bodies.body_text

    def broken(shape: str | None, body: dict[str, Any]) -> str:
        if body["messageId"] == batch[1].event.subject.id:
            raise ZeroDivisionError
        return text_of(shape, body)

    monkeypatch.setattr(bodies, "body_text", broken)
    assert dispatch.dispatch_events(batch) == {1}
    assert len(list_jobs()) == 2


def test_an_endpoint_that_cannot_get_an_event_does_not_block_others(
    acme: Tenant, register: Register, world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(events=["message.sent"], template='"broken"')
    well = register("https://example.com/well", events=["message.sent"])
    batch = dispatch_mails(acme, world)
    text_of = bodies.body_text

    def broken(shape: str | None, body: dict[str, Any]) -> str:
        if shape:
            raise ZeroDivisionError
        return text_of(shape, body)

    monkeypatch.setattr(bodies, "body_text", broken)
    assert dispatch.dispatch_events(batch) == {0}
    assert [job.endpoint_id for job in list_jobs()] == [well.endpoint.id]


@pytest.mark.parametrize("shape", ["[" * 900 + "]" * 900, "[" * 4_000 + "]" * 4_000, "{"])
def test_a_stored_template_that_can_never_be_filled_fails_no_event(
    acme: Tenant, register: Register, world: World, receiver: Receiver, shape: str
) -> None:
    endpoint = register(events=["message.sent"]).endpoint
    old = endpoint.model_copy(update={"template": shape, "version": 2})
    commit(store.ENDPOINTS.save_write(old))
    well = register("https://example.com/well", events=["message.sent"])
    assert dispatch.dispatch_events(dispatch_mails(acme, world)) == set()
    found = {job.endpoint_id: job.made for job in list_jobs()}
    assert {one.event for one in found.values() if one} == {"message.sent"}
    plain, shaped = found[well.endpoint.id], found[endpoint.id]
    assert plain
    assert shaped
    assert plain.body == shaped.body


def test_an_event_is_retried_if_the_queue_refuses_its_job(
    acme: Tenant, register: Register, world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(events=["message.sent"])
    register("https://example.com/other", events=["message.sent"])
    batch = dispatch_mails(acme, world, 2)
    monkeypatch.setattr(queues, "try_send_messages", lambda _: {3})
    assert dispatch.dispatch_events(batch) == {1}


def test_an_event_older_than_the_retention_is_not_delivered(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    register(events=["message.sent"])
    batch = dispatch_mails(acme, world)
    frozen.advance(days=30)
    assert dispatch.dispatch_events(batch) == set()
    assert list_jobs() == []


def test_a_waiting_delivery_is_visible_and_retried(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    made = register(events=["message.sent"])
    health_store.open_breaker(
        receiver_of(acme.org_id, made.endpoint.id), clock.format_iso(clock.now().replace(minute=59))
    )
    send_mail(acme)
    world.go_on()
    waiting = only_delivery(acme, made.endpoint.id)
    assert (waiting.status, waiting.attempts) == (DeliveryStatus.PENDING, 0)
    assert receiver.got == []
    frozen.advance(hours=1)
    world.go_on()
    assert only_delivery(acme, made.endpoint.id).status is DeliveryStatus.SUCCEEDED


def test_deliveries_for_a_slow_endpoint_are_forwarded_unstored(
    acme: Tenant, register: Register, world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(events=["message.sent"])
    receiver.answers = [make_answer(milliseconds=5_000)]
    send_mail(acme)
    world.go_on()
    send_mail(acme)
    world.stream.hand_on()
    run_worker("workers/webhooks")
    run_worker("workers/deliveries")
    (body,) = drain_queue("slow-deliveries")
    job = DeliverWebhook.parse_body(body)
    assert job.made is not None
    assert delivery_store.get_delivery(acme.org_id, job.delivery_id) is None
    assert delivery_worker.deliver_batch([job], slow=True) == set()
    found = delivery_store.get_delivery(acme.org_id, job.delivery_id)
    assert found is not None
    assert found.status is DeliveryStatus.SUCCEEDED


def test_a_deleted_webhooks_delivery_is_not_stored_and_a_disabled_ones_is(
    acme: Tenant, register: Register, world: World, receiver: Receiver
) -> None:
    gone, off = register(events=["message.sent"]), register("https://example.com/off", events=["message.sent"])
    dispatch.dispatch_events(dispatch_mails(acme, world))
    waiting = {job.endpoint_id: job for job in list_jobs()}
    caller = acme.caller(master=True)
    service.delete_endpoint(caller, gone.endpoint.id)
    service.update_endpoint(caller, off.endpoint.id, {"active": False})
    assert delivery_worker.deliver_batch(list(waiting.values())) == set()
    assert delivery_store.get_delivery(acme.org_id, waiting[gone.endpoint.id].delivery_id) is None
    assert only_delivery(acme, off.endpoint.id).status is DeliveryStatus.CANCELED
    assert receiver.got == []


@pytest.mark.parametrize(
    "shape",
    [
        "[" + ",".join(['"{{data}}"'] * 600) + "]",
        "{" + ",".join(f'"{n}":"{{{{text}}}}"' for n in range(500)) + "}",
        '{"a": "' + "{{text}}" * 900 + '"}',
    ],
)
def test_no_template_makes_a_body_that_is_too_large(shape: str) -> None:
    body = {"event": "message.sent", "text": "é" * 9_000, "data": {str(n): "x" * 400 for n in range(40)}}
    assert len(bodies.body_text(shape, body).encode()) <= bodies.MAX_BODY_BYTES


def test_values_that_are_too_long_are_cut_and_the_template_keeps_its_shape() -> None:
    body = {"event": "message.sent", "text": "x" * 25_000, "list": ["y" * 400] * 60}
    told = json.loads(bodies.body_text('{"is": "{{event}}", "more": ["{{text}}"], "nothing": "{{a}}"}', body))
    assert told == {"is": "message.sent", "more": ["x" * 500 + "…"], "nothing": None}
    assert bodies.body_text('"{{a}}"', body) == "null"


def test_a_template_that_repeats_a_value_excessively_has_a_bounded_cost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = {"event": "message.sent", "recipients": ["x" * 249] * 50}
    filled: list[int] = []
    fill = template.fill_template

    def counted(*arguments: Any) -> Any:
        filled.append(arguments[2])
        return fill(*arguments)

    monkeypatch.setattr(template, "fill_template", counted)
    assert json.loads(bodies.body_text(json.dumps({"a": "{{recipients}}" * 580}), body)) == body
    assert sum(filled) <= 6 * bodies.MAX_BODY_BYTES, "without a budget it would be 7,000,000 characters"


def test_endpoints_with_the_same_template_share_an_events_body(
    acme: Tenant, register: Register, world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes = ['{"a": "{{event}}"}'] * 3 + ['{"b": "{{messageId}}"}'] * 2 + [None] * 2
    for number, shape in enumerate(shapes):
        register(f"https://example.com/{number}", events=["message.sent"], template=shape)
    made: list[tuple[str | None, str]] = []
    text_of = bodies.body_text

    def counted(shape: str | None, body: dict[str, Any]) -> str:
        made.append((shape, body["messageId"]))
        return text_of(shape, body)

    monkeypatch.setattr(bodies, "body_text", counted)
    batch = dispatch_mails(acme, world, 2)
    assert dispatch.dispatch_events(batch) == set()
    assert len(made) == len(set(made)) == 2 * len(set(shapes))
    sent = {(one.subject_id, one.body) for one in (job.made for job in list_jobs()) if one}
    assert len(sent) == len(made)


def test_a_jobs_message_fits_into_the_queue_for_any_body(acme: Tenant, register: Register) -> None:
    endpoint: Endpoint = register().endpoint
    made = deliveries.send_test_delivery(acme.caller(master=True), endpoint.id)
    body = bodies.body_text(None, {"a": ["\x01é" * 3_000]})
    job = new_delivery.attempt_job(made.model_copy(update={"body": body * 2}), made=True)
    assert len(job.to_message().text) < 250_000
