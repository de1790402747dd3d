"""Recovery: what was lost to an endpoint, failed or given up while it was disabled, and what is sent again of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from switchboard.aws.writes import commit
from switchboard.events import service as events
from switchboard.fanout import service as fanout
from switchboard.kit import clock
from switchboard.webhooks import callbacks, moves, recovery, service, store
from switchboard.webhooks import deliveries as webhooks_deliveries
from switchboard.webhooks.jobs import RecoverDeliveries
from switchboard.webhooks.models import CancelReason, Delivery, DeliveryStatus, Endpoint
from switchboard.webhooks.moves import HeldDelivery
from tests.actors import Tenant
from tests.fakes.receiver import Receiver, answer
from tests.integration.sabotage import drain, work
from tests.unit.webhooks.conftest import Register, World, send

URL = "https://example.com/hook"


def deliveries(acme: Tenant, endpoint_id: str) -> list[Delivery]:
    return webhooks_deliveries.list_deliveries(acme.org_id, endpoint_id, None, 50, None)[0]


def statuses(acme: Tenant, endpoint_id: str) -> list[DeliveryStatus]:
    return [one.status for one in deliveries(acme, endpoint_id)]


def disabled_by_410(acme: Tenant, world: World, receiver: Receiver, endpoint_id: str) -> None:
    receiver.by_url[URL] = answer(410)
    send(acme)
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
def interrupted(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> Interrupted:
    """An endpoint that was disabled while some deliveries waited for their next attempt: its id."""

    def make(disable: Disable, waiting: int) -> str:
        endpoint_id = register(events=["message.sent"]).endpoint.id
        receiver.by_url[URL] = answer(500)
        for _ in range(waiting):
            send(acme)
        world.go_on()
        assert statuses(acme, endpoint_id) == [DeliveryStatus.PENDING] * waiting
        disable(acme, world, receiver, endpoint_id)
        frozen.advance(seconds=6)
        world.go_on()
        receiver.by_url, receiver.got = {}, []
        return endpoint_id

    return make


def recover(acme: Tenant, endpoint_id: str, since: str = "2026-01-01T00:00:00.000Z") -> None:
    caller = acme.caller(master=True)
    service.update_endpoint(caller, endpoint_id, {"active": True})
    webhooks_deliveries.start_recovery(caller, endpoint_id, since)


@pytest.mark.parametrize("disable", [disabled_by_410, disabled_by_failure, disabled_by_owner])
def test_what_waited_when_an_endpoint_was_disabled_is_sent_again(
    acme: Tenant,
    world: World,
    receiver: Receiver,
    interrupted: Interrupted,
    monkeypatch: pytest.MonkeyPatch,
    disable: Disable,
) -> None:
    monkeypatch.setattr(recovery, "DELIVERIES_PER_JOB", 2)
    endpoint_id = interrupted(disable, 5)
    lost = deliveries(acme, endpoint_id)
    assert {one.error for one in lost if one.status is DeliveryStatus.CANCELED} == {"the webhook is disabled"}
    assert webhooks_deliveries.list_dead_letters(acme.org_id, 50, None)[0] == lost
    recover(acme, endpoint_id)
    world.go_on()
    assert set(statuses(acme, endpoint_id)) == {DeliveryStatus.SUCCEEDED}
    assert sorted(receiver.ids) == sorted(one.id for one in lost)
    assert webhooks_deliveries.list_dead_letters(acme.org_id, 50, None)[0] == []


def test_a_recovery_ends_with_an_endpoint_that_is_disabled_again_and_the_next_one_sends_the_rest(
    acme: Tenant,
    world: World,
    receiver: Receiver,
    interrupted: Interrupted,
) -> None:
    endpoint_id = interrupted(disabled_by_owner, 3)
    recover(acme, endpoint_id)
    disabled_by_owner(acme, world, receiver, endpoint_id)
    world.go_on()
    assert receiver.got == []
    assert statuses(acme, endpoint_id) == [DeliveryStatus.CANCELED] * 3
    recover(acme, endpoint_id)
    world.go_on()
    assert statuses(acme, endpoint_id) == [DeliveryStatus.SUCCEEDED] * 3
    assert len(receiver.got) == 3


def test_a_recovery_leaves_what_was_made_before_its_moment(
    acme: Tenant, world: World, receiver: Receiver, interrupted: Interrupted
) -> None:
    endpoint_id = interrupted(disabled_by_owner, 2)
    recover(acme, endpoint_id, clock.now_iso())
    world.go_on()
    assert receiver.got == []
    assert statuses(acme, endpoint_id) == [DeliveryStatus.CANCELED] * 2


def test_an_event_of_the_time_while_it_is_disabled_is_sent_by_a_replay_and_by_no_recovery(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    endpoint_id, caller = register(events=["message.sent"]).endpoint.id, acme.caller(master=True)
    since = clock.now_iso()
    service.update_endpoint(caller, endpoint_id, {"active": False})
    frozen.advance(seconds=1)
    missed = send(acme)
    world.go_on()
    frozen.advance(seconds=1)
    service.update_endpoint(caller, endpoint_id, {"active": True})
    webhooks_deliveries.start_recovery(caller, endpoint_id, since)
    world.go_on()
    assert (receiver.got, deliveries(acme, endpoint_id)) == ([], [])
    fanout.replay_events(events.events_between(since, clock.now_iso()))
    world.go_on()
    assert [one.told["messageId"] for one in receiver.got] == [missed]


def test_a_replay_brings_back_a_delivery_whose_job_was_lost_before_it_was_stored_and_no_other_twice(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    endpoint_id, since = register(events=["message.sent"]).endpoint.id, clock.now_iso()
    arrived = send(acme)
    world.go_on()
    lost = send(acme)
    world.stream.hand_on()
    work("workers/webhooks")
    assert len(drain("deliveries")) == 1
    assert len(deliveries(acme, endpoint_id)) == 1, "it was in its message alone"
    frozen.advance(seconds=1)
    fanout.replay_events(events.events_between(since, clock.now_iso()))
    world.go_on()
    assert [one.told["messageId"] for one in receiver.got] == [arrived, lost]
    assert statuses(acme, endpoint_id) == [DeliveryStatus.SUCCEEDED] * 2


def test_what_was_given_up_with_a_deleted_endpoint_is_no_dead_letter(
    acme: Tenant, register: Register, world: World, receiver: Receiver
) -> None:
    endpoint_id = register(events=["message.sent"]).endpoint.id
    receiver.by_url[URL] = answer(500)
    send(acme)
    world.go_on()
    (waiting,) = deliveries(acme, endpoint_id)
    service.delete_endpoint(acme.caller(master=True), endpoint_id)
    world.go_on()
    assert webhooks_deliveries.get_delivery(acme.org_id, waiting.id).status is DeliveryStatus.CANCELED
    assert webhooks_deliveries.list_dead_letters(acme.org_id, 50, None)[0] == []
    job = RecoverDeliveries(
        org_id=acme.org_id, endpoint_id=endpoint_id, since="0", until="~", status=DeliveryStatus.CANCELED
    )
    recovery.recover_next_page(job)
    assert webhooks_deliveries.get_delivery(acme.org_id, waiting.id).status is DeliveryStatus.CANCELED


def canceled(acme: Tenant, endpoint: Endpoint, reason: CancelReason) -> Delivery:
    """A stored delivery that was given up."""
    held = HeldDelivery(0, webhooks_deliveries.send_test_delivery(acme.caller(master=True), endpoint.id))
    assert moves.commit_moves([moves.cancel_move(held, reason)])
    return held.delivery


def test_a_callbacks_endpoint_that_came_back_gets_nothing_that_was_given_up_when_it_vanished(
    acme: Tenant, world: World, receiver: Receiver
) -> None:
    callback = callbacks.ensure_callback_endpoint(acme.org_id, "key_1", URL)
    commit(callback.writes)
    endpoint = service.get_endpoint(acme.org_id, callback.id).endpoint
    given_up, switched_off = (
        canceled(acme, endpoint, reason) for reason in (CancelReason.DELETED, CancelReason.DISABLED)
    )
    world.go_on()
    webhooks_deliveries.start_recovery(acme.caller(master=True), endpoint.id, "2026-01-01T00:00:00.000Z")
    world.go_on()
    assert receiver.ids == [switched_off.id]
    assert webhooks_deliveries.get_delivery(acme.org_id, given_up.id).status is DeliveryStatus.CANCELED
