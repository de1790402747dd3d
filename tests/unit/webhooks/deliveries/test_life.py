"""From an event to an endpoint: which events are sent, to which endpoints, how often, and for how long."""

from __future__ import annotations

import pytest

from switchboard.email import service as email
from switchboard.email.delivery import send_queued
from switchboard.email.models import MailDraft
from switchboard.kit import clock
from switchboard.outbound.client import ConnectionFailedError
from switchboard.webhooks import deliveries, recovery, service
from switchboard.webhooks.kinds import STANDARD_SCHEDULE
from switchboard.webhooks.models import DeliveryStatus
from tests.actors import Tenant, tenant
from tests.fakes.receiver import Receiver, make_answer
from tests.integration.sabotage import run_worker
from tests.unit.webhooks.conftest import Register, World, only_delivery, send_mail


def test_an_event_arrives_signed_with_the_contracts_names(
    acme: Tenant, register: Register, world: World, receiver: Receiver
) -> None:
    made = register(events=["message.sent"], custom_headers={"Authorization": "Bearer xyz"})
    message_id = send_mail(acme)
    world.go_on()
    (got,) = receiver.got
    assert got.url == "https://example.com/hook"
    told = got.told
    assert told == {
        "event": "message.sent",
        "occurredAt": clock.now_iso(),
        "correlationId": "corr_test",
        "sequence": 192,
        "messageId": message_id,
        "agentId": acme.agent_id,
        "channel": "EMAIL",
        "direction": "OUTBOUND",
        "fromAddress": acme.address,
        "toAddress": "you@example.com",
        "recipients": ["you@example.com"],
        "threadId": message_id,
        "subject": "Hello",
        "spam": False,
    }
    assert (got.headers["Authorization"], got.headers["content-type"]) == ("Bearer xyz", "application/json")
    assert got.headers["webhook-sequence"] == "192"
    done = only_delivery(acme, made.endpoint.id)
    assert (done.status, done.attempts, done.id) == (DeliveryStatus.SUCCEEDED, 1, got.id)
    assert done.last_attempt is not None
    assert (done.last_attempt.status, done.last_attempt.milliseconds) == (200, 5)


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        (["*"], True),
        (["message.sent"], True),
        (["message.*"], True),
        (["email.*"], True),
        (["email.sent"], True),
        (["call.ended", "message.sent"], True),
        (["message.failed"], False),
        (["call.*"], False),
    ],
)
def test_an_endpoint_gets_the_events_that_it_asked_for(
    acme: Tenant, register: Register, world: World, receiver: Receiver, filters: list[str], wanted: bool
) -> None:
    register(events=filters)
    send_mail(acme)
    world.go_on()
    assert [got.told["event"] for got in receiver.got if got.told["event"] == "message.sent"] == [
        "message.sent"
    ] * wanted


def test_an_endpoint_gets_no_foreign_and_no_earlier_events(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    send_mail(acme)
    frozen.advance(seconds=1)
    register()
    send_mail(tenant("other"))
    world.go_on()
    assert receiver.got == []


def test_a_repeated_event_is_delivered_once(acme: Tenant, register: Register, world: World, receiver: Receiver) -> None:
    register(events=["message.sent"])
    send_mail(acme)
    for _ in range(3):
        world.stream._done.clear()
        world.go_on()
    assert len(receiver.got) == 1


def test_a_failure_is_retried_on_schedule_with_the_same_id_and_body(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    made = register(events=["message.sent"])
    receiver.by_url["https://example.com/hook"] = make_answer(500, b"no" * 2_000)
    send_mail(acme)
    world.go_on()
    for wait in STANDARD_SCHEDULE[1:]:
        assert only_delivery(acme, made.endpoint.id).next_attempt_at == clock.format_iso(clock.now() + wait)
        seen = len(receiver.got)
        frozen.advance(seconds=wait.total_seconds() - 1)
        world.go_on()
        assert len(receiver.got) == seen
        frozen.advance(seconds=1)
        world.go_on()
        assert len(receiver.got) == seen + 1
    assert len(receiver.got) == len(STANDARD_SCHEDULE) == 10
    assert len(set(receiver.ids)) == 1
    assert len({got.body for got in receiver.got}) == 1
    failed = only_delivery(acme, made.endpoint.id)
    assert (failed.status, failed.attempts, failed.next_attempt_at) == (DeliveryStatus.FAILED, 10, None)
    assert failed.response_body == "no" * 1_024
    (dead,), _ = deliveries.list_dead_letters(acme.org_id, 10, None)
    assert dead.id == failed.id
    frozen.advance(days=3)
    world.go_on()
    assert len(receiver.got) == 10


@pytest.mark.parametrize("status", [199, 301, 302, 304, 400, 404, 500, 503])
def test_only_a_2xx_is_a_success(
    acme: Tenant, register: Register, world: World, receiver: Receiver, status: int
) -> None:
    made = register(events=["message.sent"], max_attempts=1)
    receiver.by_url["https://example.com/hook"] = make_answer(status)
    send_mail(acme)
    world.go_on()
    found = only_delivery(acme, made.endpoint.id)
    assert (found.status, found.error) == (DeliveryStatus.FAILED, f"answered {status}")


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_a_success(acme: Tenant, register: Register, world: World, receiver: Receiver, status: int) -> None:
    made = register(events=["message.sent"])
    receiver.answers = [make_answer(status)]
    send_mail(acme)
    world.go_on()
    assert only_delivery(acme, made.endpoint.id).status is DeliveryStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("120", 120),
        ("1", 5),
        ("soon", 5),
        ("-5", 5),
        ("999999999", 86_400),
        ("Thu, 15 Jan 2026 17:10:00 GMT", 600),
        ("Thu, 15 Jan 2020 17:10:00 GMT", 5),
    ],
)
def test_retry_after_is_honored(
    acme: Tenant,
    register: Register,
    world: World,
    receiver: Receiver,
    frozen: clock.FrozenClock,
    asked: str,
    seconds: int,
) -> None:
    made = register(events=["message.sent"])
    receiver.answers = [make_answer(429, retry_after=asked)]
    send_mail(acme)
    before = clock.now()
    world.stream.hand_on()
    run_worker("workers/webhooks")
    run_worker("workers/deliveries", at_most=1)
    due = only_delivery(acme, made.endpoint.id).next_attempt_at
    assert due is not None
    assert (clock.parse(due) - before).total_seconds() == seconds


def test_an_unreachable_endpoint_is_recorded_with_its_reason_and_retried(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    made = register(events=["message.sent"])
    receiver.answers = [ConnectionFailedError("the connection was refused")]
    send_mail(acme)
    world.stream.hand_on()
    run_worker("workers/webhooks")
    run_worker("workers/deliveries", at_most=1)
    found = only_delivery(acme, made.endpoint.id)
    assert (found.status, found.error) == (DeliveryStatus.PENDING, "the connection was refused")
    frozen.advance(seconds=6)
    world.go_on()
    assert only_delivery(acme, made.endpoint.id).status is DeliveryStatus.SUCCEEDED


def test_410_disables_the_endpoint_and_notifies_the_others(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    gone = register("https://example.com/gone", events=["message.*"])
    register("https://example.com/watch", events=["webhook.*"])
    receiver.by_url["https://example.com/gone"] = make_answer(410)
    send_mail(acme)
    world.go_on()
    endpoint = service.get_endpoint(acme.org_id, gone.endpoint.id).endpoint
    assert (endpoint.active, endpoint.disabled_reason) == (False, "the endpoint answered 410")
    told = [got.told for got in receiver.got if got.url.endswith("watch")]
    assert {one["event"] for one in told} == {"webhook.disabled", "webhook.exhausted"}
    assert {one["webhookId"] for one in told} == {gone.endpoint.id}
    receiver.got.clear()
    send_mail(acme)
    world.go_on()
    assert not [got for got in receiver.got if got.url.endswith("gone")]


def test_five_days_of_failure_only_disable_an_endpoint_and_one_success_saves_it(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    failing = register("https://example.com/failing", events=["message.sent"])
    recovering = register("https://example.com/recovering", events=["message.sent"])
    for day in range(6):
        receiver.by_url = {
            "https://example.com/failing": make_answer(500),
            "https://example.com/recovering": make_answer(200 if day == 4 else 500),
        }
        send_mail(acme)
        world.go_on()
        frozen.advance(days=1, hours=1)
    world.go_on()
    assert not service.get_endpoint(acme.org_id, failing.endpoint.id).endpoint.active
    assert service.get_endpoint(acme.org_id, recovering.endpoint.id).endpoint.active


def test_a_disabled_endpoints_deliveries_are_given_up_and_can_be_sent_again_once_it_is_active(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    made = register(events=["message.sent"])
    receiver.answers = [make_answer(500)]
    send_mail(acme)
    world.stream.hand_on()
    run_worker("workers/webhooks")
    run_worker("workers/deliveries", at_most=1)
    caller = acme.caller(master=True)
    service.update_endpoint(caller, made.endpoint.id, {"active": False})
    frozen.advance(seconds=6)
    world.go_on()
    given_up = only_delivery(acme, made.endpoint.id)
    assert (given_up.status, given_up.error) == (DeliveryStatus.CANCELED, "the webhook is disabled")
    service.update_endpoint(caller, made.endpoint.id, {"active": True})
    deliveries.redeliver_delivery(caller, given_up.id)
    world.go_on()
    assert only_delivery(acme, made.endpoint.id).status is DeliveryStatus.SUCCEEDED
    assert receiver.ids == [given_up.id] * 2


def test_failed_deliveries_since_a_time_are_sent_again(
    acme: Tenant,
    register: Register,
    world: World,
    receiver: Receiver,
    frozen: clock.FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recovery, "DELIVERIES_PER_JOB", 2)
    made = register(events=["message.sent"], max_attempts=1)
    other = register("https://example.com/other", events=["message.sent"], max_attempts=1)
    receiver.by_url = {"https://example.com/hook": make_answer(400), "https://example.com/other": make_answer(400)}
    send_mail(acme)
    world.go_on()
    frozen.advance(minutes=1)
    since = clock.now_iso()
    for _ in range(5):
        send_mail(acme)
    world.go_on()
    receiver.by_url, receiver.got = {}, []
    deliveries.start_recovery(acme.caller(master=True), made.endpoint.id, since)
    world.go_on()
    found, _ = deliveries.list_deliveries(acme.org_id, made.endpoint.id, None, 10, None)
    assert [one.status for one in found] == [DeliveryStatus.SUCCEEDED] * 5 + [DeliveryStatus.FAILED]
    assert {got.url for got in receiver.got} == {"https://example.com/hook"}
    assert len(receiver.got) == 5
    others, _ = deliveries.list_deliveries(acme.org_id, other.endpoint.id, DeliveryStatus.FAILED, 10, None)
    assert len(others) == 6


def test_a_test_delivery_arrives_and_is_not_audited(
    acme: Tenant, register: Register, world: World, receiver: Receiver
) -> None:
    made = register()
    test = deliveries.send_test_delivery(acme.caller(master=True), made.endpoint.id)
    world.go_on()
    (got,) = receiver.got
    assert (got.id, got.told["event"], got.told["webhookId"]) == (test.id, "webhook.test", made.endpoint.id)


def test_a_template_shapes_the_body(acme: Tenant, register: Register, world: World, receiver: Receiver) -> None:
    template = '{"text": "{{event}}: {{subject}} ({{nothing}})", "n": "{{sequence}}", "list": ["{{spam}}", 1]}'
    register(events=["message.sent"], template=template)
    send_mail(acme)
    world.go_on()
    (got,) = receiver.got
    assert got.told == {"text": "message.sent: Hello ()", "n": 192, "list": [False, 1]}


def test_a_body_that_is_too_large_is_shortened(
    acme: Tenant, register: Register, world: World, receiver: Receiver
) -> None:
    register(events=["message.sent"])
    message = email.send_message(acme.caller(), MailDraft(to=["you@example.com"], subject="é" * 15_000, body="b"))
    send_queued(message.org_id, message.id)
    world.go_on()
    (got,) = receiver.got
    assert len(got.body) < 20_000
    assert got.told["subject"] == "é" * 500 + "…"
