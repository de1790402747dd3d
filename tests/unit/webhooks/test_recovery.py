"""Recovery: deliveries that failed or were canceled while an endpoint was disabled, and their resending."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from switchboard.aws.writes import commit
from switchboard.events import service as events
from switchboard.fanout import service as fanout
from switchboard.kit import clock
from switchboard.webhooks import callbacks, deliveries, moves, recovery, service, store
from switchboard.webhooks.jobs import RecoverDeliveries
from switchboard.webhooks.models import CancelReason, Delivery, DeliveryStatus, Endpoint
from switchboard.webhooks.moves import HeldDelivery
from tests.actors import Tenant
from tests.fakes.receiver import Receiver, make_answer
from tests.integration.sabotage import drain_queue, run_worker
from tests.unit.webhooks.conftest import Register, World, send_mail

URL = "https://example.com/hook"


def list_deliveries(acme: Tenant, endpoint_id: str) -> list[Delivery]:
    return deliveries.list_deliveries(acme.org_id, endpoint_id, None, 50, None)[0]


def list_statuses(acme: Tenant, endpoint_id: str) -> list[DeliveryStatus]:
    return [one.status for one in list_deliveries(acme, endpoint_id)]


def disabled_by_410(acme: Tenant, world: World, receiver: Receiver, endpoint_id: str) -> None:
    receiver.by_url[URL] = make_answer(410)
    send_mail(acme)
    world.go_on()


def disabled_by_failure(acme: Tenant, world: World, receiver: Receiver, endpoint_id: str) -> None:
    endpoint = store.get_endpoint(acme.org_id, endpoint_id)
    assert endpoint is not None
    service.disable_endpoint(endpoint, "failing", "all deliveries failed for five days")


def disabled_by_owner(acme: Tenant, world: World, receiver: Receiver, endpoint_id: str) -> None:
    service.update_endpoint(acme.caller(master=True), endpoint_id, {"active": False})


Disable = Callable[[Tenant, World, Receiver, str], None]
Interrupted = Callable[[Disable, int], str]


@pytest.fixture
def disabled_endpoint(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> Interrupted:
    """The id of an endpoint that was disabled while deliveries waited for their next attempt."""

    def make(disable: Disable, waiting: int) -> str:
        endpoint_id = register(events=["message.sent"]).endpoint.id
        receiver.by_url[URL] = make_answer(500)
        for _ in range(waiting):
            send_mail(acme)
        world.go_on()
        assert list_statuses(acme, endpoint_id) == [DeliveryStatus.PENDING] * waiting
        disable(acme, world, receiver, endpoint_id)
        frozen.advance(seconds=6)
        world.go_on()
        receiver.by_url, receiver.got = {}, []
        return endpoint_id

    return make


def run_recovery(acme: Tenant, endpoint_id: str, since: str = "2026-01-01T00:00:00.000Z") -> None:
    caller = acme.caller(master=True)
    service.update_endpoint(caller, endpoint_id, {"active": True})
    deliveries.start_recovery(caller, endpoint_id, since)


@pytest.mark.parametrize("disable", [disabled_by_410, disabled_by_failure, disabled_by_owner])
def test_deliveries_that_waited_at_the_disabling_are_sent_again(
    acme: Tenant,
    world: World,
    receiver: Receiver,
    disabled_endpoint: Interrupted,
    monkeypatch: pytest.MonkeyPatch,
    disable: Disable,
) -> None:
    monkeypatch.setattr(recovery, "DELIVERIES_PER_JOB", 2)
    endpoint_id = disabled_endpoint(disable, 5)
    lost = list_deliveries(acme, endpoint_id)
    assert {one.error for one in lost if one.status is DeliveryStatus.CANCELED} == {"the webhook is disabled"}
    assert deliveries.list_dead_letters(acme.org_id, 50, None)[0] == lost
    run_recovery(acme, endpoint_id)
    world.go_on()
    assert set(list_statuses(acme, endpoint_id)) == {DeliveryStatus.SUCCEEDED}
    assert sorted(receiver.ids) == sorted(one.id for one in lost)
    assert deliveries.list_dead_letters(acme.org_id, 50, None)[0] == []


def test_a_recovery_ends_with_an_endpoint_that_is_disabled_again_and_the_next_one_sends_the_rest(
    acme: Tenant,
    world: World,
    receiver: Receiver,
    disabled_endpoint: Interrupted,
) -> None:
    endpoint_id = disabled_endpoint(disabled_by_owner, 3)
    run_recovery(acme, endpoint_id)
    disabled_by_owner(acme, world, receiver, endpoint_id)
    world.go_on()
    assert receiver.got == []
    assert list_statuses(acme, endpoint_id) == [DeliveryStatus.CANCELED] * 3
    run_recovery(acme, endpoint_id)
    world.go_on()
    assert list_statuses(acme, endpoint_id) == [DeliveryStatus.SUCCEEDED] * 3
    assert len(receiver.got) == 3


def test_a_recovery_ignores_deliveries_from_before_its_start(
    acme: Tenant, world: World, receiver: Receiver, disabled_endpoint: Interrupted
) -> None:
    endpoint_id = disabled_endpoint(disabled_by_owner, 2)
    run_recovery(acme, endpoint_id, clock.now_iso())
    world.go_on()
    assert receiver.got == []
    assert list_statuses(acme, endpoint_id) == [DeliveryStatus.CANCELED] * 2


def test_events_during_the_disabled_time_are_sent_by_a_replay_only(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    endpoint_id, caller = register(events=["message.sent"]).endpoint.id, acme.caller(master=True)
    since = clock.now_iso()
    service.update_endpoint(caller, endpoint_id, {"active": False})
    frozen.advance(seconds=1)
    missed = send_mail(acme)
    world.go_on()
    frozen.advance(seconds=1)
    service.update_endpoint(caller, endpoint_id, {"active": True})
    deliveries.start_recovery(caller, endpoint_id, since)
    world.go_on()
    assert (receiver.got, list_deliveries(acme, endpoint_id)) == ([], [])
    fanout.replay_events(events.events_between(since, clock.now_iso()))
    world.go_on()
    assert [one.told["messageId"] for one in receiver.got] == [missed]


def test_a_replay_restores_a_lost_delivery_and_repeats_no_other(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    endpoint_id, since = register(events=["message.sent"]).endpoint.id, clock.now_iso()
    arrived = send_mail(acme)
    world.go_on()
    lost = send_mail(acme)
    world.stream.hand_on()
    run_worker("workers/webhooks")
    assert len(drain_queue("deliveries")) == 1
    assert len(list_deliveries(acme, endpoint_id)) == 1, "it existed in its message only"
    frozen.advance(seconds=1)
    fanout.replay_events(events.events_between(since, clock.now_iso()))
    world.go_on()
    assert [one.told["messageId"] for one in receiver.got] == [arrived, lost]
    assert list_statuses(acme, endpoint_id) == [DeliveryStatus.SUCCEEDED] * 2


def test_a_delivery_canceled_by_a_deletion_is_not_a_dead_letter(
    acme: Tenant, register: Register, world: World, receiver: Receiver
) -> None:
    endpoint_id = register(events=["message.sent"]).endpoint.id
    receiver.by_url[URL] = make_answer(500)
    send_mail(acme)
    world.go_on()
    (waiting,) = list_deliveries(acme, endpoint_id)
    service.delete_endpoint(acme.caller(master=True), endpoint_id)
    world.go_on()
    assert deliveries.get_delivery(acme.org_id, waiting.id).status is DeliveryStatus.CANCELED
    assert deliveries.list_dead_letters(acme.org_id, 50, None)[0] == []
    job = RecoverDeliveries(
        org_id=acme.org_id, endpoint_id=endpoint_id, since="0", until="~", status=DeliveryStatus.CANCELED
    )
    recovery.recover_next_page(job)
    assert deliveries.get_delivery(acme.org_id, waiting.id).status is DeliveryStatus.CANCELED


def store_canceled(acme: Tenant, endpoint: Endpoint, reason: CancelReason) -> Delivery:
    """A stored canceled delivery."""
    held = HeldDelivery(0, deliveries.send_test_delivery(acme.caller(master=True), endpoint.id))
    assert moves.commit_moves([moves.cancel_move(held, reason)])
    return held.delivery


def test_a_returning_callback_endpoint_gets_no_deliveries_canceled_before(
    acme: Tenant, world: World, receiver: Receiver
) -> None:
    callback = callbacks.ensure_callback_endpoint(acme.org_id, "key_1", URL)
    commit(callback.writes)
    endpoint = service.get_endpoint(acme.org_id, callback.id).endpoint
    given_up, switched_off = (
        store_canceled(acme, endpoint, reason) for reason in (CancelReason.DELETED, CancelReason.DISABLED)
    )
    world.go_on()
    deliveries.start_recovery(acme.caller(master=True), endpoint.id, "2026-01-01T00:00:00.000Z")
    world.go_on()
    assert receiver.ids == [switched_off.id]
    assert deliveries.get_delivery(acme.org_id, given_up.id).status is DeliveryStatus.CANCELED
