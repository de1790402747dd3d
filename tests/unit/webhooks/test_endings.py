"""How deliveries end: in order, once, with no timer left behind, and for thirty days to be seen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from switchboard.aws import clients
from switchboard.aws.writes import commit
from switchboard.calls import reports
from switchboard.calls import service as calls
from switchboard.calls import store as call_store
from switchboard.calls.models import Call, Order, Tier
from switchboard.carriers.voice.ports.reports import EndReason, Report
from switchboard.events import service as events
from switchboard.fanout import dispatch
from switchboard.kit import clock
from switchboard.outbound.client import ConnectionFailedError
from switchboard.webhooks import (
    breaker,
    callbacks,
    deliveries,
    delivery_store,
    delivery_worker,
    health_store,
    new_delivery,
    parking,
    parking_store,
    schedule,
    service,
    store,
)
from switchboard.webhooks.jobs import DeliverWebhook, WakeReceiver
from switchboard.webhooks.kinds import WEBHOOK_KINDS
from switchboard.webhooks.models import Delivery, DeliveryStatus, Endpoint, KindName, RenderedEvent
from switchboard.webhooks.receivers import receiver_of
from tests.actors import Tenant
from tests.fakes.receiver import Receiver, answer
from tests.integration.sabotage import Sabotage, drain, everything, work
from tests.unit.webhooks.conftest import Register, World, answered_quickly, only, send

URL = "https://example.com/hook"


def timers(*, watches: bool = False) -> list[dict[str, Any]]:
    """The timers of next attempts, or of watches, of which a receiver has one."""
    found = [item for item in everything("activity") if item["pk"]["S"].startswith("timer#")]
    return [item for item in found if (item["body"]["M"]["job"]["S"] == "WatchReceiver") is watches]


def item_of(found: Delivery) -> dict[str, Any]:
    key = delivery_store.delivery_key(found.org_id, found.id)
    return next(item for item in everything("activity") if item["pk"]["S"] == key["pk"])


# --- in order -----------------------------------------------------------------------------------------------------


@pytest.fixture
def call(acme: Tenant, world: World) -> Call:
    """A call with a callback that has ended, and both of whose callbacks wait to be sent."""
    callback = callbacks.ensure_callback_endpoint(acme.org_id, "key_1", URL)
    order = Order(to="+14155550142", tier=Tier.BASIC, consent_source="business-relationship")
    placed = calls.place_call(acme.caller(), order)
    named = placed.model_copy(update={"callback_id": callback.id, "version": placed.version + 1})
    commit(call_store.CALLS.save(named), callback.writes)
    endpoint = store.get_endpoint(acme.org_id, callback.id)
    assert endpoint is not None
    answered_quickly(endpoint)
    reports.apply_report(
        Report(org_id=acme.org_id, call_id=named.id, kind="ended", end_reason=EndReason.COMPLETED, duration_seconds=5)
    )
    world.stream.hand_on()
    work("workers/webhooks")
    return named


def waiting_jobs() -> tuple[DeliverWebhook, DeliverWebhook]:
    """The jobs of the first and of the second callback, the second of which has come first and waits."""
    jobs = {job.delivery_id: job for job in (DeliverWebhook.read(body) for body in drain("deliveries"))}
    assert len(jobs) == 2
    first, second = sorted(jobs.values(), key=lambda job: _delivery(job).sequence)
    assert _delivery(second).follows == first.delivery_id
    assert delivery_worker.deliver_batch([second]) == set()
    assert _delivery(second).attempts == 0
    return first, second


def _delivery(job: DeliverWebhook) -> Delivery:
    found = delivery_store.get_delivery(job.org_id, job.delivery_id)
    assert found is not None
    return found


@pytest.fixture
def lost_answers(cloud: dict[str, str]) -> Callable[[pytest.MonkeyPatch], None]:
    """Each write is applied, its answer is lost, and botocore makes it again with the same parameters."""
    client = clients.dynamodb_client()

    def lose(monkeypatch: pytest.MonkeyPatch) -> None:
        def twice(write: Callable[..., Any]) -> Callable[..., Any]:
            def made_twice(**request: Any) -> Any:
                write(**request)
                return write(**request)

            return made_twice

        for name in ("put_item", "update_item", "transact_write_items"):
            monkeypatch.setattr(client, name, twice(getattr(client, name)))

    return lose


@pytest.mark.usefixtures("call")
@pytest.mark.parametrize("status", [200, 410])
def test_a_lost_answer_leaves_no_successor_unsent(
    receiver: Receiver,
    lost_answers: Callable[[pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
    status: int,
) -> None:
    first, second = waiting_jobs()
    receiver.answers = [answer(status)]
    with monkeypatch.context() as patched:
        lost_answers(patched)
        assert delivery_worker.deliver_batch([first]) == set()
    assert _delivery(first).status is (DeliveryStatus.SUCCEEDED if status == 200 else DeliveryStatus.FAILED)
    assert [DeliverWebhook.read(body).delivery_id for body in drain("deliveries")] == [second.delivery_id]


@pytest.mark.usefixtures("call")
@pytest.mark.parametrize("operation", ["UpdateItem", "PutItem"])
def test_an_answer_lost_at_the_first_attempt_leaves_no_successor_unsent(
    receiver: Receiver, operation: str, world: World
) -> None:
    waiting_jobs_of = waiting_jobs()
    Sabotage().lose_answer(operation)
    failed = delivery_worker.deliver_batch([waiting_jobs_of[0]])
    if failed:  # the queue brings it again
        assert delivery_worker.deliver_batch([waiting_jobs_of[0]]) == set()
    assert _delivery(waiting_jobs_of[0]).status is DeliveryStatus.SUCCEEDED
    world.go_on()
    assert _delivery(waiting_jobs_of[1]).status is DeliveryStatus.SUCCEEDED


@pytest.mark.usefixtures("call")
def test_an_attempt_that_another_worker_recorded_leaves_no_successor_unsent(receiver: Receiver) -> None:
    first, second = waiting_jobs()

    def recorded_meanwhile() -> None:
        done = _delivery(first).moved(DeliveryStatus.SUCCEEDED, attempts=1, completed_at=clock.now_iso())
        commit(delivery_store.save_delivery_writes(_delivery(first), done))

    receiver.before = recorded_meanwhile
    assert delivery_worker.deliver_batch([first]) == set()
    assert [DeliverWebhook.read(body).delivery_id for body in drain("deliveries")] == [second.delivery_id]


@pytest.mark.usefixtures("call")
def test_a_first_that_is_given_up_lets_the_second_go(acme: Tenant, receiver: Receiver) -> None:
    first, second = waiting_jobs()
    endpoint = store.get_endpoint(acme.org_id, first.endpoint_id)
    assert endpoint is not None
    service.disable_endpoint(endpoint, "gone", "for a test")
    assert delivery_worker.deliver_batch([first]) == set()
    assert _delivery(first).status is DeliveryStatus.CANCELED
    assert [DeliverWebhook.read(body).delivery_id for body in drain("deliveries")] == [second.delivery_id]


@pytest.mark.usefixtures("call")
def test_a_first_that_failed_for_good_lets_the_second_go(acme: Tenant, receiver: Receiver, world: World) -> None:
    first, second = waiting_jobs()
    endpoint = store.get_endpoint(acme.org_id, first.endpoint_id)
    assert endpoint is not None
    commit(store.ENDPOINTS.save(endpoint.model_copy(update={"max_attempts": 1, "version": endpoint.version + 1})))
    receiver.answers = [answer(500)]
    assert delivery_worker.deliver_batch([first]) == set()
    assert _delivery(first).status is DeliveryStatus.FAILED
    world.go_on()
    assert receiver.ids == [first.delivery_id, second.delivery_id]
    assert _delivery(second).status is DeliveryStatus.SUCCEEDED


@pytest.mark.usefixtures("call")
def test_a_first_that_is_parked_is_sent_before_the_second(acme: Tenant, receiver: Receiver, world: World) -> None:
    jobs = {job.delivery_id: job for job in (DeliverWebhook.read(body) for body in drain("deliveries"))}
    first, second = jobs.values()
    if _delivery(first).follows:
        first, second = second, first
    both = parking_store.ParkedAttempt.of(_delivery(second)), parking_store.ParkedAttempt.of(_delivery(first))
    parking.park_attempts(first.endpoint_id, both)
    assert delivery_worker.deliver_batch([WakeReceiver(org_id=acme.org_id, endpoint_id=first.endpoint_id)]) == set()
    world.go_on()
    assert receiver.ids == [first.delivery_id, second.delivery_id]


@pytest.mark.parametrize("kind", sorted(WEBHOOK_KINDS))
def test_only_opticomms_callbacks_wait_for_one_another(kind: KindName) -> None:
    endpoint = Endpoint(
        id="wh_1", org_id="org_1", kind=kind, url=URL, timeout_ms=1, max_attempts=1, created_at="", updated_at=""
    )
    two = [RenderedEvent(event="e", body={}, sequence=number, key=str(number)) for number in (1, 2)]
    told: Any = SimpleNamespace(id="evt_1", subject=SimpleNamespace(id="s"), correlation_id="c")
    subjects: Any = SimpleNamespace(of=lambda _: None)
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(dispatch.rendering.RENDERERS, kind, lambda *_: two)
        made = list(dispatch._made(0, endpoint, told, subjects, {}))
    follows = made[0].delivery.id if kind == "opticomm" else None
    assert [one.delivery.follows for one in made] == [None, follows]


# --- no timer is left ---------------------------------------------------------------------------------------------


def failing_until_a_timer(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> Delivery:
    """A delivery that failed until its next attempt is hours away."""
    made = register(events=["message.sent"])
    receiver.by_url[URL] = answer(500)
    send(acme)
    for seconds in (0, 5, 300):
        frozen.advance(seconds=seconds)
        world.go_on()
    found = only(acme, made.endpoint.id)
    assert (found.status, found.attempts) == (DeliveryStatus.PENDING, 3)
    assert found.timer
    assert len(timers()) == 1
    return found


def test_an_attempt_that_is_made_earlier_leaves_no_timer(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    found = failing_until_a_timer(acme, register, world, receiver, frozen)
    receiver.by_url = {}
    assert delivery_worker.deliver_batch([new_delivery.attempt_job(found)]) == set()
    done = only(acme, found.endpoint_id)
    assert (done.status, done.timer) == (DeliveryStatus.SUCCEEDED, None)
    assert timers() == []


def test_an_attempt_that_fails_earlier_leaves_one_timer(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    found = failing_until_a_timer(acme, register, world, receiver, frozen)
    assert delivery_worker.deliver_batch([new_delivery.attempt_job(found)]) == set()
    assert only(acme, found.endpoint_id).attempts == 4
    assert len(timers()) == 1


def test_disabling_gives_up_at_the_next_attempt_and_leaves_no_timer(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    found = failing_until_a_timer(acme, register, world, receiver, frozen)
    service.update_endpoint(acme.caller(master=True), found.endpoint_id, {"active": False})
    assert delivery_worker.deliver_batch([new_delivery.attempt_job(found)]) == set()
    assert only(acme, found.endpoint_id).status is DeliveryStatus.CANCELED
    assert timers() == []


def test_a_removed_webhook_leaves_nothing_that_fires(
    acme: Tenant,
    register: Register,
    world: World,
    receiver: Receiver,
    frozen: clock.FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("switchboard.webhooks.recovery.DELIVERIES_PER_JOB", 2)
    made = register(events=["message.sent"])
    receiver.by_url[URL] = answer(500)
    for _ in range(5):
        send(acme)
    for seconds in (0, 5, 300):
        frozen.advance(seconds=seconds)
        world.go_on()
    found, _ = deliveries.list_deliveries(acme.org_id, made.endpoint.id, DeliveryStatus.PENDING, 10, None)
    assert (len(found), len(timers()), len(timers(watches=True))) == (5, 5, 1)
    service.delete_endpoint(acme.caller(master=True), made.endpoint.id)
    world.go_on()
    assert timers() == timers(watches=True) == []
    over = [deliveries.get_delivery(acme.org_id, one.id) for one in found]
    assert {one.status for one in over} == {DeliveryStatus.CANCELED}
    assert not [item for item in everything("core") if made.endpoint.id in item["pk"]["S"]]


# --- not now is not a failure, until the schedule's end -----------------------------------------------------------


def test_a_delivery_that_is_put_off_until_its_schedules_end_fails_and_is_told_of(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    made = register(events=["message.sent"], max_attempts=2)
    receiver.by_url[URL] = ConnectionFailedError("refused")
    send(acme)
    world.go_on()
    frozen.advance(seconds=6)
    waiting = only(acme, made.endpoint.id)
    ends = schedule.ends_at(made.endpoint, waiting)
    assert ends == clock.parse(waiting.next_attempt_at or "") + schedule.MIN_PATIENCE
    health_store.open_breaker(
        receiver_of(acme.org_id, made.endpoint.id), clock.format_iso(clock.now() + timedelta(days=2))
    )
    world.go_on()
    assert only(acme, made.endpoint.id).status is DeliveryStatus.PENDING
    frozen.advance(hours=1)
    world.go_on()
    failed = only(acme, made.endpoint.id)
    assert (failed.status, failed.attempts, failed.next_attempt_at) == (DeliveryStatus.FAILED, 1, None)
    assert failed.error == "the webhook was not available until the end of the retry schedule"
    told = events.events_between("2026-01-15T17:00:00.000Z", "2026-01-15T19:00:00.000Z", acme.org_id)
    (exhausted,) = [event for event in told if event.type == "webhook.exhausted"]
    assert (exhausted.subject.id, exhausted.data["attempts"]) == (failed.id, 1)
    assert deliveries.list_dead_letters(acme.org_id, 10, None)[0] == [failed]
    assert drain("deliveries") == []


def test_the_end_is_the_whole_schedules_and_counts_from_when_it_was_set_off(
    acme: Tenant, register: Register, frozen: clock.FrozenClock
) -> None:
    made = register()
    test = deliveries.send_test_delivery(acme.caller(master=True), made.endpoint.id)
    assert timedelta(days=3) < schedule.ends_at(made.endpoint, test) - clock.now() < timedelta(days=4)
    again = test.moved(DeliveryStatus.PENDING, set_off_at=clock.format_iso(clock.now() + timedelta(days=10)))
    assert schedule.ends_at(made.endpoint, again) - clock.now() > timedelta(days=13)


# --- kept for thirty days -----------------------------------------------------------------------------------------


def test_what_is_over_vanishes_after_thirty_days_and_what_goes_on_does_not(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    made = register(events=["message.sent"], max_attempts=2)
    receiver.answers = [answer(500), answer(500), answer(500)]
    send(acme)
    world.go_on()
    assert "expires" not in item_of(only(acme, made.endpoint.id))
    frozen.advance(seconds=5)
    world.go_on()
    failed = only(acme, made.endpoint.id)
    thirty_days_on = str(int((clock.now() + timedelta(days=30)).timestamp()))
    assert failed.status is DeliveryStatus.FAILED
    assert item_of(failed)["expires"] == {"N": thirty_days_on}
    deliveries.redeliver_delivery(acme.caller(master=True), failed.id)
    assert "expires" not in item_of(failed)
    world.go_on()
    frozen.advance(seconds=5)
    world.go_on()
    assert only(acme, made.endpoint.id).status is DeliveryStatus.SUCCEEDED
    assert int(item_of(failed)["expires"]["N"]) == int(thirty_days_on) + 5


def test_health_and_callbacks_endpoints_vanish_by_themselves(
    acme: Tenant, register: Register, world: World, receiver: Receiver, call: Call
) -> None:
    made = register(events=["message.sent"])
    send(acme)
    world.go_on()
    expiring = {item["pk"]["S"]: item.get("expires") for item in everything("core")}
    assert expiring[f"{acme.org_id}#webhook#{made.endpoint.id}"] == {
        "N": str(int((clock.now() + timedelta(days=30)).timestamp()))
    }
    assert call.callback_id
    assert expiring[f"{acme.org_id}#callback#{call.callback_id}"] == {
        "N": str(int((clock.now() + timedelta(days=90)).timestamp()))
    }
    assert expiring[f"{acme.org_id}#webhooks"] is None
    endpoint = store.get_endpoint(acme.org_id, call.callback_id)
    assert endpoint is not None
    service.disable_endpoint(endpoint, "gone", "for a test")
    assert store.get_endpoint(acme.org_id, call.callback_id).expires == endpoint.expires  # type: ignore[union-attr]


# --- lists --------------------------------------------------------------------------------------------------------


def test_every_page_says_exactly_whether_there_is_more(
    acme: Tenant, register: Register, world: World, receiver: Receiver
) -> None:
    made = register(events=["message.sent"], max_attempts=1)
    receiver.answers = [answer(200), answer(400), answer(200), answer(400)]
    for _ in range(4):
        send(acme)
        world.go_on()
    endpoint_id = made.endpoint.id
    for status, number in (
        (None, 4),
        (DeliveryStatus.SUCCEEDED, 2),
        (DeliveryStatus.FAILED, 2),
        (DeliveryStatus.PENDING, 0),
    ):
        page, after = deliveries.list_deliveries(acme.org_id, endpoint_id, status, max(number, 1), None)
        assert (len(page), after) == (number, None)
        assert all(status in (None, one.status) for one in page)
    page, after = deliveries.list_deliveries(acme.org_id, endpoint_id, DeliveryStatus.FAILED, 1, None)
    rest, end = deliveries.list_deliveries(acme.org_id, endpoint_id, DeliveryStatus.FAILED, 1, after)
    assert end is None
    assert [*page, *rest] == deliveries.list_dead_letters(acme.org_id, 2, None)[0]


def test_a_page_of_webhooks_is_not_short_for_those_of_another_kind(acme: Tenant, register: Register) -> None:
    kinds = ["anima", "athos", "athos", "athos", "anima"]
    made = [register(kind=kind).endpoint.id for kind in kinds]
    page, after = service.list_endpoints(acme.org_id, "anima", 1, None)
    rest, end = service.list_endpoints(acme.org_id, "anima", 1, after)
    assert [seen.endpoint.id for seen in (*page, *rest)] == [made[4], made[0]]
    assert end is None
    assert breaker.needs_slot(page[0].health)
