"""From an event to an endpoint: what is told, to whom, how often, and when it is given up."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.email import delivery as mail
from switchboard.email import service as email
from switchboard.email.models import MailDraft
from switchboard.events import service as events
from switchboard.kit import clock
from switchboard.outbound.client import ConnectionFailedError, TimedOutError
from switchboard.webhooks import breaker, deliveries, delivery_worker, recovery, service, settings, store
from switchboard.webhooks.jobs import DeliverWebhook
from switchboard.webhooks.kinds import STANDARD_SCHEDULE
from switchboard.webhooks.models import DeliveryStatus, Endpoint
from switchboard.webhooks.receivers import receiver_of
from tests.actors import Tenant, tenant
from tests.fakes.receiver import Behavior, Receiver, answer
from tests.integration.sabotage import drain, work
from tests.unit.webhooks.conftest import Register, World, only, send


def test_an_event_arrives_signed_in_the_contracts_words(
    acme: Tenant, register: Register, world: World, receiver: Receiver
) -> None:
    made = register(events=["message.sent"], custom_headers={"Authorization": "Bearer xyz"})
    message_id = send(acme)
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
    done = only(acme, made.endpoint.id)
    assert (done.status, done.attempts, done.id) == (DeliveryStatus.SUCCEEDED, 1, got.id)
    assert done.last is not None
    assert (done.last.status, done.last.milliseconds) == (200, 5)


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
def test_an_endpoint_hears_of_what_it_asked_for(
    acme: Tenant, register: Register, world: World, receiver: Receiver, filters: list[str], wanted: bool
) -> None:
    register(events=filters)
    send(acme)
    world.go_on()
    assert [got.told["event"] for got in receiver.got if got.told["event"] == "message.sent"] == [
        "message.sent"
    ] * wanted


def test_nobody_hears_of_another_organization_or_of_what_was_before(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    send(acme)
    frozen.advance(seconds=1)
    register()
    send(tenant("other"))
    world.go_on()
    assert receiver.got == []


def test_an_event_that_comes_by_many_times_is_told_once(
    acme: Tenant, register: Register, world: World, receiver: Receiver
) -> None:
    register(events=["message.sent"])
    send(acme)
    for _ in range(3):
        world.stream._done.clear()
        world.go_on()
    assert len(receiver.got) == 1


def test_a_failure_is_tried_again_by_the_schedule_with_the_same_id_and_body(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    made = register(events=["message.sent"])
    receiver.by_url["https://example.com/hook"] = answer(500, b"no" * 2_000)
    send(acme)
    world.go_on()
    for wait in STANDARD_SCHEDULE[1:]:
        assert only(acme, made.endpoint.id).next_attempt_at == clock.format_iso(clock.now() + wait)
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
    failed = only(acme, made.endpoint.id)
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
    receiver.by_url["https://example.com/hook"] = answer(status)
    send(acme)
    world.go_on()
    found = only(acme, made.endpoint.id)
    assert (found.status, found.error) == (DeliveryStatus.FAILED, f"answered {status}")


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_a_success(acme: Tenant, register: Register, world: World, receiver: Receiver, status: int) -> None:
    made = register(events=["message.sent"])
    receiver.answers = [answer(status)]
    send(acme)
    world.go_on()
    assert only(acme, made.endpoint.id).status is DeliveryStatus.SUCCEEDED


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
    receiver.answers = [answer(429, retry_after=asked)]
    send(acme)
    before = clock.now()
    world.stream.hand_on()
    work("workers/webhooks")
    work("workers/deliveries", at_most=1)
    due = only(acme, made.endpoint.id).next_attempt_at
    assert due is not None
    assert (clock.parse(due) - before).total_seconds() == seconds


def test_what_cannot_be_reached_says_why_and_is_tried_again(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    made = register(events=["message.sent"])
    receiver.answers = [ConnectionFailedError("the connection was refused")]
    send(acme)
    world.stream.hand_on()
    work("workers/webhooks")
    work("workers/deliveries", at_most=1)
    found = only(acme, made.endpoint.id)
    assert (found.status, found.error) == (DeliveryStatus.PENDING, "the connection was refused")
    frozen.advance(seconds=6)
    world.go_on()
    assert only(acme, made.endpoint.id).status is DeliveryStatus.SUCCEEDED


def test_410_disables_the_endpoint_and_tells_the_others(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    gone = register("https://example.com/gone", events=["message.*"])
    register("https://example.com/watch", events=["webhook.*"])
    receiver.by_url["https://example.com/gone"] = answer(410)
    send(acme)
    world.go_on()
    endpoint = service.get_endpoint(acme.org_id, gone.endpoint.id).endpoint
    assert (endpoint.active, endpoint.disabled_reason) == (False, "the endpoint answered 410")
    told = [got.told for got in receiver.got if got.url.endswith("watch")]
    assert {one["event"] for one in told} == {"webhook.disabled", "webhook.exhausted"}
    assert {one["webhookId"] for one in told} == {gone.endpoint.id}
    receiver.got.clear()
    send(acme)
    world.go_on()
    assert not [got for got in receiver.got if got.url.endswith("gone")]


def test_five_days_of_failure_only_disable_an_endpoint_and_one_success_saves_it(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    failing = register("https://example.com/failing", events=["message.sent"])
    recovering = register("https://example.com/recovering", events=["message.sent"])
    for day in range(6):
        receiver.by_url = {
            "https://example.com/failing": answer(500),
            "https://example.com/recovering": answer(200 if day == 4 else 500),
        }
        send(acme)
        world.go_on()
        frozen.advance(days=1, hours=1)
    world.go_on()
    assert not service.get_endpoint(acme.org_id, failing.endpoint.id).endpoint.active
    assert service.get_endpoint(acme.org_id, recovering.endpoint.id).endpoint.active


def test_a_disabled_endpoints_deliveries_are_given_up_and_can_be_sent_again_once_it_is_active(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    made = register(events=["message.sent"])
    receiver.answers = [answer(500)]
    send(acme)
    world.stream.hand_on()
    work("workers/webhooks")
    work("workers/deliveries", at_most=1)
    caller = acme.caller(master=True)
    service.update_endpoint(caller, made.endpoint.id, {"active": False})
    frozen.advance(seconds=6)
    world.go_on()
    given_up = only(acme, made.endpoint.id)
    assert (given_up.status, given_up.error) == (DeliveryStatus.CANCELED, "the webhook is disabled")
    service.update_endpoint(caller, made.endpoint.id, {"active": True})
    deliveries.redeliver_delivery(caller, given_up.id)
    world.go_on()
    assert only(acme, made.endpoint.id).status is DeliveryStatus.SUCCEEDED
    assert receiver.ids == [given_up.id] * 2


def test_all_that_failed_since_a_moment_is_sent_again(
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
    receiver.by_url = {"https://example.com/hook": answer(400), "https://example.com/other": answer(400)}
    send(acme)
    world.go_on()
    frozen.advance(minutes=1)
    since = clock.now_iso()
    for _ in range(5):
        send(acme)
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


def test_a_test_delivery_arrives_and_is_not_told_of(
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
    send(acme)
    world.go_on()
    (got,) = receiver.got
    assert got.told == {"text": "message.sent: Hello ()", "n": 192, "list": [False, 1]}


def test_a_body_that_is_too_large_is_shortened(
    acme: Tenant, register: Register, world: World, receiver: Receiver
) -> None:
    register(events=["message.sent"])
    message = email.send_message(acme.caller(), MailDraft(to=["you@example.com"], subject="é" * 15_000, body="b"))
    mail.send_queued(message.org_id, message.id)
    world.go_on()
    (got,) = receiver.got
    assert len(got.body) < 20_000
    assert got.told["subject"] == "é" * 500 + "…"


# --- an endpoint in trouble ---------------------------------------------------------------------------------------


def queued(acme: Tenant, world: World, number: int) -> None:
    for _ in range(number):
        send(acme)
    world.stream.hand_on()
    work("workers/webhooks")


def test_a_dead_endpoint_is_left_alone_for_a_while_and_then_tried_by_one(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    made = register(events=["message.sent"])
    receiver.by_url["https://example.com/hook"] = ConnectionFailedError("refused")
    queued(acme, world, breaker.OPENS_AFTER_FAILURES + 3)
    work("workers/deliveries", at_most=breaker.OPENS_AFTER_FAILURES + 3)
    assert len(receiver.got) == breaker.OPENS_AFTER_FAILURES
    health = service.get_endpoint(acme.org_id, made.endpoint.id).health
    assert health.open_until == clock.format_iso(clock.now() + breaker._FIRST_OPEN)
    receiver.by_url.clear()
    frozen.advance(seconds=31)
    world.go_on()
    found, _ = deliveries.list_deliveries(acme.org_id, made.endpoint.id, DeliveryStatus.SUCCEEDED, 20, None)
    assert len(found) == breaker.OPENS_AFTER_FAILURES + 3
    assert service.get_endpoint(acme.org_id, made.endpoint.id).health.down == 0


def test_an_endpoint_that_minds_one_delivery_is_not_taken_for_dead(
    acme: Tenant, register: Register, world: World, receiver: Receiver
) -> None:
    made = register(events=["message.sent"])
    receiver.by_url["https://example.com/hook"] = answer(400)
    queued(acme, world, 8)
    work("workers/deliveries", at_most=8)
    assert len(receiver.got) == 8
    assert service.get_endpoint(acme.org_id, made.endpoint.id).health.open_until is None


def test_a_slow_endpoint_moves_to_the_workers_for_slow_ones_and_back(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    register(events=["message.sent"])
    receiver.answers = [answer(milliseconds=breaker.SLOW_MS + 1)]
    queued(acme, world, 1)
    work("workers/deliveries")
    queued(acme, world, 1)
    work("workers/deliveries")
    assert len(receiver.got) == 1
    assert work("workers/slow_deliveries") == 1
    assert len(receiver.got) == 2
    frozen.advance(minutes=11)
    queued(acme, world, 1)
    work("workers/deliveries")
    assert len(receiver.got) == 3


def test_a_new_endpoint_is_served_by_the_slow_workers_until_it_has_answered_quickly(
    acme: Tenant, register: Register, world: World, receiver: Receiver
) -> None:
    register(new=True, events=["message.sent"])
    receiver.answers = [answer(500)]  # an answer is quick whatever it says
    queued(acme, world, 1)
    work("workers/deliveries")
    assert receiver.got == []
    work("workers/slow_deliveries")
    assert len(receiver.got) == 1
    queued(acme, world, 1)
    work("workers/deliveries")
    assert len(receiver.got) == 2


@pytest.mark.parametrize("first", [answer(milliseconds=breaker.SLOW_MS + 1), TimedOutError("no complete response")])
def test_a_new_endpoint_that_does_not_answer_quickly_stays_with_the_slow_workers(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock, first: Behavior
) -> None:
    register(new=True, events=["message.sent"])
    receiver.answers = [first]
    queued(acme, world, 1)
    work("workers/deliveries")
    work("workers/slow_deliveries")
    assert len(receiver.got) == 1
    frozen.advance(minutes=11)
    queued(acme, world, 1)
    work("workers/deliveries")
    assert len(receiver.got) == 1


def test_a_quick_endpoint_that_hangs_holds_a_fast_worker_for_seconds_only(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    made = register(events=["message.sent"], timeout_ms=60_000, max_attempts=1)
    receiver.answers = [TimedOutError("no complete response within 5 s"), answer(milliseconds=40_000)]
    queued(acme, world, 1)
    work("workers/deliveries")
    assert receiver.seconds == [breaker.FAST_SECONDS]
    waiting = only(acme, made.endpoint.id)
    assert (waiting.status, waiting.attempts) == (DeliveryStatus.PENDING, 0)  # nobody took the rest of its time from it
    assert breaker.is_slow(service.get_endpoint(acme.org_id, made.endpoint.id).health)
    assert work("workers/slow_deliveries") == 0
    frozen.advance(seconds=54)
    world.later.bring()
    assert work("workers/slow_deliveries") == 0
    frozen.advance(seconds=1)
    world.later.bring()
    assert work("workers/slow_deliveries") == 1
    assert receiver.seconds == [breaker.FAST_SECONDS, 60.0]
    assert len(set(receiver.ids)) == 1
    done = only(acme, made.endpoint.id)
    assert (done.status, done.attempts) == (DeliveryStatus.SUCCEEDED, 1)


def test_a_time_limit_that_is_short_anyway_is_a_failure_when_it_is_over(
    acme: Tenant, register: Register, world: World, receiver: Receiver
) -> None:
    made = register(events=["message.sent"], timeout_ms=4_000, max_attempts=1)
    receiver.answers = [TimedOutError("no complete response within 4 s")]
    queued(acme, world, 1)
    work("workers/deliveries")
    assert receiver.seconds == [4.0]
    assert only(acme, made.endpoint.id).status is DeliveryStatus.FAILED


@pytest.mark.parametrize("changes", [[{"active": False}, {"active": True}], [{"url": "https://example.com/moved"}]])
def test_neither_a_revival_nor_another_url_makes_a_slow_endpoint_a_fast_one(
    acme: Tenant, register: Register, world: World, receiver: Receiver, changes: list[dict[str, Any]]
) -> None:
    made = register(events=["message.sent"])
    receiver.answers = [answer(500, milliseconds=breaker.SLOW_MS + 1)]
    queued(acme, world, 1)
    work("workers/deliveries")
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
    assert health.slots == {0: slot.lease.until}  # a change does not let it hold a second worker


def test_another_url_of_a_quick_endpoint_begins_with_the_slow_workers(acme: Tenant, register: Register) -> None:
    made = register()
    caller = acme.caller(master=True)
    assert not breaker.is_slow(service.update_endpoint(caller, made.endpoint.id, {"label": "l"}).health)
    assert breaker.is_slow(
        service.update_endpoint(caller, made.endpoint.id, {"url": "https://example.com/moved"}).health
    )


def test_a_slot_is_one_workers_until_it_is_given_back_or_its_lease_ends(
    acme: Tenant, register: Register, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    endpoint = register(events=["message.sent"]).endpoint
    it, new = receiver_of(acme.org_id, endpoint.id), service.get_endpoint(acme.org_id, endpoint.id).health
    slot = breaker.take_slots(it, endpoint.timeout_ms, new)
    with pytest.raises(breaker.DeferredError):
        breaker.take_slots(it, endpoint.timeout_ms, new)  # a new endpoint has one
    tally = breaker.BatchResults()
    tally.note(succeeded=True, down=False, milliseconds=5)
    well = slot.give_back(tally)
    slots = [breaker.take_slots(it, endpoint.timeout_ms, well) for _ in range(2)]
    assert {slot.lease.numbers for slot in slots} == {(0,), (1,)}
    frozen.advance(milliseconds=endpoint.timeout_ms, seconds=11)
    again = breaker.take_slots(it, endpoint.timeout_ms, service.get_endpoint(acme.org_id, endpoint.id).health)
    assert again.lease.numbers == (0,)
    slots[0].give_back(tally)  # too late: the slot is somebody else's
    assert 0 in service.get_endpoint(acme.org_id, endpoint.id).health.slots


def test_one_endpoints_trouble_is_no_others(
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
    queued(acme, world, 1)
    jobs = sorted((DeliverWebhook.read(body) for body in drain("deliveries")), key=lambda job: job.endpoint_id)
    assert [job.endpoint_id for job in jobs] == [bad.endpoint.id, good.endpoint.id]
    assert delivery_worker.deliver_batch(jobs) == {0}
    assert only(acme, good.endpoint.id).status is DeliveryStatus.SUCCEEDED
    assert only(acme, bad.endpoint.id).attempts == 0  # it is seen, though it is not yet attempted
    assert service.get_endpoint(acme.org_id, bad.endpoint.id).health.failing_since is None  # it was no fault of theirs


def found_events(acme: Tenant, name: str) -> list[Any]:
    return [
        event
        for event in events.events_between("2026-01-15T17:00:00.000Z", "2026-01-15T18:00:00.000Z", acme.org_id)
        if event.type == name
    ]


def test_what_is_done_with_an_endpoint_is_in_the_audit(acme: Tenant, register: Register) -> None:
    made = register()
    caller = acme.caller(master=True)
    service.rotate_endpoint_secret(caller, made.endpoint.id)
    service.update_endpoint(caller, made.endpoint.id, {"active": False})
    service.delete_endpoint(caller, made.endpoint.id)
    for name in ("webhook.created", "webhook.secret_rotated", "webhook.updated", "webhook.deleted"):
        (event,) = found_events(acme, name)
        assert event.subject.id == made.endpoint.id
    assert store.list_subscriptions(acme.org_id) == []
