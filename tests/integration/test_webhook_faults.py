"""Webhooks under faults: after a kill between any two steps every event arrives, with one id and in order."""

from __future__ import annotations

from collections import Counter

import pytest

from switchboard.aws import queues
from switchboard.aws.writes import commit
from switchboard.calls import reports
from switchboard.calls import service as calls
from switchboard.calls import store as call_store
from switchboard.calls.models import Call, Order, State, Tier
from switchboard.carriers.voice.ports.reports import EndReason, Report
from switchboard.email import service as email
from switchboard.email.delivery import send_queued
from switchboard.email.models import MailDraft
from switchboard.kit import clock
from switchboard.timers import store as timer_store
from switchboard.webhooks import breaker, callbacks, deliveries, delivery_worker, schedule, service, store
from switchboard.webhooks.models import DeliveryStatus, EndpointSettings
from tests.actors import Tenant, tenant
from tests.fakes.receiver import Receiver, make_answer
from tests.integration.sabotage import Later, Sabotage, Stream, drain_queue, run_tick, run_worker
from tests.unit.webhooks.conftest import answered_quickly

pytestmark = pytest.mark.usefixtures("cloud")

WORKERS = ("workers/webhooks", "workers/deliveries")
URL = "https://example.com/hook"


class World:
    """The work behind the APIs."""

    def __init__(self, later: Later) -> None:
        self.stream, self.later = Stream(), later
        self.stream.hand_on()
        for name in ("audit", "webhooks"):
            drain_queue(name)

    def settle(self, frozen: clock.FrozenClock) -> None:
        """Run everything: at once, when a first retry is due, and when the leases of dead workers have ended."""
        for seconds in (0, 6, 30, 6):
            frozen.advance(seconds=seconds)
            run_tick()
            while True:
                self.stream.hand_on()
                self.later.bring()
                if not sum(run_worker(name) for name in (*WORKERS, "workers/slow_deliveries")):
                    break


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    monkeypatch.setattr(schedule, "jitter_fraction", lambda: 0.0)
    monkeypatch.setattr(breaker, "choose_slot", lambda _: 0)
    timer_store.advance_watermark(clock.now_iso()[:16])
    return tenant()


@pytest.fixture
def saboteur(acme: Tenant) -> Sabotage:
    return Sabotage()


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Receiver:
    found = Receiver()
    monkeypatch.setattr(delivery_worker, "client", lambda: found)
    return found


@pytest.fixture
def world(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> World:
    later = Later(queues.try_send_messages)
    monkeypatch.setattr(queues, "try_send_messages", later)
    return World(later)


def send_mail(acme: Tenant, world: World) -> str:
    """A sent mail with its event in the queue."""
    message = email.send_message(acme.caller(), MailDraft(to=["you@example.com"], subject="s", body="b"))
    send_queued(message.org_id, message.id)
    world.stream.hand_on()
    return message.id


def count_steps(name: str, acme: Tenant, saboteur: Sabotage, world: World) -> int:
    send_mail(acme, world)
    if name == "workers/deliveries":
        run_worker("workers/webhooks")
    with saboteur.counting() as made:
        run_worker(name)
    return len(made)


@pytest.mark.parametrize("name", WORKERS)
@pytest.mark.parametrize("status", [200, 500])
def test_a_worker_killed_anywhere_loses_nothing_and_resends_under_one_id(
    acme: Tenant,
    saboteur: Sabotage,
    receiver: Receiver,
    world: World,
    frozen: clock.FrozenClock,
    name: str,
    status: int,
) -> None:
    caller = acme.caller(master=True)
    made = service.create_endpoint(caller, "anima", EndpointSettings(url=URL, events=["message.sent"]))
    answered_quickly(made.endpoint)
    receiver.answers = [make_answer(status)]
    number = count_steps(name, acme, saboteur, world)
    world.settle(frozen)
    expected = 1
    for done in range(number):
        message_id = send_mail(acme, world)
        expected += 1
        receiver.answers = [make_answer(status)]
        if name == "workers/deliveries":
            run_worker("workers/webhooks")
        with saboteur.killing(after=done):
            run_worker(name)
        world.settle(frozen)
        ids = {got.id for got in receiver.got if got.told["messageId"] == message_id}
        assert len(ids) == 1, f"killed after {done} calls"
    found, _ = deliveries.list_deliveries(acme.org_id, made.endpoint.id, None, 100, None)
    assert Counter(one.status for one in found) == {DeliveryStatus.SUCCEEDED: expected}
    # One kill repeats at most one attempt: each delivery is sent at most twice.
    assert max(Counter(receiver.ids).values()) <= (2 if status == 200 else 3)
    assert max(one.attempts for one in found) == (1 if status == 200 else 2)


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_killed_in_a_batch_loses_nothing_and_records_each_attempt_once(
    acme: Tenant, saboteur: Sabotage, receiver: Receiver, world: World, frozen: clock.FrozenClock, name: str
) -> None:
    made = service.create_endpoint(
        acme.caller(master=True), "anima", EndpointSettings(url=URL, events=["message.sent"])
    )
    answered_quickly(made.endpoint)
    send_mail(acme, world)
    world.settle(frozen)  # it has been responding

    def batch() -> set[str]:
        ids = {send_mail(acme, world) for _ in range(3)}
        receiver.got, receiver.answers = [], [make_answer(200), make_answer(500), make_answer(200)]
        if name == "workers/deliveries":
            run_worker("workers/webhooks", together=10)
        return ids

    batch()
    with saboteur.counting() as calls_made:
        run_worker(name, at_most=1, together=10)
    number = len(calls_made)
    world.settle(frozen)
    for done in range(number):
        ids = batch()
        with saboteur.killing(after=done):
            run_worker(name, at_most=1, together=10)
        world.settle(frozen)
        assert {got.told["messageId"] for got in receiver.got} == ids, f"killed after {done} calls"
        assert len(set(receiver.ids)) == len(ids)
    found, _ = deliveries.list_deliveries(acme.org_id, made.endpoint.id, None, 100, None)
    assert Counter(one.status for one in found) == {DeliveryStatus.SUCCEEDED: 1 + 3 * (number + 1)}
    assert {one.attempts for one in found} == {1, 2}


def accept_call(acme: Tenant) -> Call:
    """An accepted OptiComm call with a callback."""
    caller = acme.caller()
    callback = callbacks.ensure_callback_endpoint(acme.org_id, "key_1", URL)
    call = calls.place_call(caller, Order(to="+14155550142", tier=Tier.BASIC, consent_source="business-relationship"))
    named = call.model_copy(update={"callback_id": callback.id, "version": call.version + 1})
    commit(call_store.CALLS.save_write(named), callback.writes)
    endpoint = store.get_endpoint(acme.org_id, callback.id)
    assert endpoint is not None
    if breaker.is_slow(service.get_endpoint(acme.org_id, callback.id).health):
        answered_quickly(endpoint)
    return named


@pytest.mark.parametrize("name", WORKERS)
def test_callbacks_of_a_call_arrive_in_order_after_a_kill_anywhere(
    acme: Tenant,
    saboteur: Sabotage,
    receiver: Receiver,
    world: World,
    frozen: clock.FrozenClock,
    name: str,
) -> None:
    for done in range(0, 12, 3):  # the responses alternate with it
        call = accept_call(acme)
        receiver.got, receiver.answers = [], [make_answer(500)] if done % 2 else []
        with saboteur.killing(after=done):
            world.stream.hand_on()
            for other in WORKERS[: WORKERS.index(name) + 1]:
                run_worker(other)
        world.stream.hand_on()
        reports.apply_report(
            Report(
                org_id=call.org_id,
                call_id=call.id,
                kind="ended",
                end_reason=EndReason.COMPLETED,
                duration_seconds=5,
            )
        )
        world.settle(frozen)
        found = call_store.CALLS.get_object(call.org_id, call.id)
        assert found is not None
        assert found.state is State.COMPLETED
        told = list(dict.fromkeys((got.id, got.told["event"]) for got in receiver.got))
        assert [event for _, event in told] == ["call.initiated", "call.completed"], f"killed after {done} calls"
        assert {got.told["call_id"] for got in receiver.got} == {call.id}
        # `completed` did not overtake `initiated`, whether or not that was delivered.
        assert receiver.got[-1].told["event"] == "call.completed"
