"""A worker of webhooks that does nothing for a delivery logs one line that says why, with ids only."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.aws.writes import commit
from switchboard.webhooks import (
    breaker,
    deliveries,
    delivery_worker,
    health_store,
    moves,
    new_delivery,
    parked_sender,
    recovery,
)
from switchboard.webhooks.jobs import AbandonDeliveries, DeliverWebhook, RecoverDeliveries, WakeReceiver
from switchboard.webhooks.models import CancelReason, Delivery, DeliveryStatus
from switchboard.webhooks.moves import HeldDelivery
from switchboard.webhooks.parking_store import ParkedAttempt
from switchboard.webhooks.receivers import receiver_of
from tests.actors import Tenant
from tests.conftest import Skips
from tests.fakes.receiver import Receiver, make_answer
from tests.unit.webhooks.conftest import Register, only_delivery


@pytest.fixture
def delivery(acme: Tenant, register: Register, receiver: Receiver) -> Delivery:
    """A pending delivery of the organization's only endpoint."""
    endpoint = register(events=["message.sent"]).endpoint
    return deliveries.send_test_delivery(acme.caller(master=True), endpoint.id)


def first_attempt(delivery: Delivery) -> DeliverWebhook:
    """The job of the delivery's first attempt."""
    return new_delivery.attempt_job(delivery)


def about(delivery: Delivery, **more: Any) -> dict[str, Any]:
    """The ids of a delivery, as a skip names them."""
    return {"org_id": delivery.org_id, "delivery_id": delivery.id, **more}


def test_a_job_that_is_twice_in_a_batch_is_done_once(delivery: Delivery, receiver: Receiver, skipped: Skips) -> None:
    job = first_attempt(delivery)
    assert delivery_worker.deliver_batch([job, job]) == set()
    assert len(receiver.got) == 1
    assert skipped == [("the batch has this job twice", about(delivery, attempt=1))]


def test_a_delivery_that_is_over_is_not_sent_again(delivery: Delivery, receiver: Receiver, skipped: Skips) -> None:
    delivery_worker.deliver_batch([first_attempt(delivery)])
    assert not skipped
    delivery_worker.deliver_batch([first_attempt(delivery)])
    assert len(receiver.got) == 1
    assert skipped == [("the delivery is over", about(delivery, attempt=1))]


def test_an_attempt_is_made_once(delivery: Delivery, receiver: Receiver, skipped: Skips) -> None:
    receiver.answers = [make_answer(500)]
    delivery_worker.deliver_batch([first_attempt(delivery)])
    assert not skipped
    delivery_worker.deliver_batch([first_attempt(delivery)])
    assert len(receiver.got) == 1
    assert skipped == [("the attempt was made before", about(delivery, attempt=1))]


def test_a_job_beside_skipped_ones_is_done(
    acme: Tenant, delivery: Delivery, receiver: Receiver, skipped: Skips
) -> None:
    other = deliveries.send_test_delivery(acme.caller(master=True), delivery.endpoint_id)
    delivery_worker.deliver_batch([first_attempt(delivery)])
    delivery_worker.deliver_batch([first_attempt(delivery), first_attempt(other)])
    assert [one.id for one in receiver.got] == [delivery.id, other.id]
    assert skipped == [("the delivery is over", about(delivery, attempt=1))]


def test_a_delivery_that_is_gone_is_logged(delivery: Delivery, receiver: Receiver, skipped: Skips) -> None:
    job = first_attempt(delivery).model_copy(update={"delivery_id": "dlv_none"})
    assert delivery_worker.deliver_batch([job]) == set()
    assert not receiver.got
    assert skipped == [("the delivery is gone", about(delivery, delivery_id="dlv_none", attempt=1))]


def test_an_attempt_that_another_worker_overtakes_is_not_recorded(
    acme: Tenant, delivery: Delivery, receiver: Receiver, skipped: Skips
) -> None:
    receiver.before = lambda: moves.cancel_deliveries([HeldDelivery(0, delivery)], CancelReason.DISABLED)
    delivery_worker.deliver_batch([first_attempt(delivery)])
    assert only_delivery(acme, delivery.endpoint_id).status is DeliveryStatus.CANCELED
    assert skipped == [("another worker moved the delivery", about(delivery))]


def test_a_delivery_waits_for_its_predecessor(delivery: Delivery, receiver: Receiver, skipped: Skips) -> None:
    second = delivery.model_copy(update={"id": "dlv_second", "follows": delivery.id})
    delivery_worker.deliver_batch([new_delivery.attempt_job(second, made=True)])
    assert not receiver.got
    assert skipped == [("the delivery waits for its predecessor", about(second))]


def test_a_parked_attempt_that_is_over_is_dropped(delivery: Delivery, receiver: Receiver, skipped: Skips) -> None:
    parked = ParkedAttempt.of(delivery)
    delivery_worker.deliver_batch([first_attempt(delivery)])
    assert not parked_sender.sendable_attempts([parked])
    assert skipped == [("the parked attempt is over", about(delivery))]


def test_one_worker_has_the_turn_of_a_receiver(delivery: Delivery, receiver: Receiver, skipped: Skips) -> None:
    place = receiver_of(delivery.org_id, delivery.endpoint_id)
    breaker.take_slots(place, 1_000, health_store.get_health(place), turn=True)
    wake = WakeReceiver(org_id=delivery.org_id, endpoint_id=delivery.endpoint_id)
    assert delivery_worker.deliver_batch([wake]) == set()
    assert skipped == [("another worker has the turn, or the receiver is down", {"receiver": place.id})]


def test_a_recovery_leaves_a_delivery_that_was_restarted(
    delivery: Delivery, skipped: Skips, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves.cancel_deliveries([HeldDelivery(0, delivery)], CancelReason.DISABLED)
    restart_writes = recovery.restart_writes

    def overtaken(lost: Delivery) -> Any:
        commit(restart_writes(lost))
        return restart_writes(lost)

    monkeypatch.setattr(recovery, "restart_writes", overtaken)
    span = {"since": "2020-01-01T00:00:00.000Z", "until": "2100-01-01T00:00:00.000Z"}
    where = {"org_id": delivery.org_id, "endpoint_id": delivery.endpoint_id}
    recovery.recover_next_page(RecoverDeliveries(**where, **span, status=DeliveryStatus.CANCELED))
    assert skipped == [("the delivery was restarted", about(delivery))]


def test_a_deleted_webhook_without_pending_deliveries_is_logged(delivery: Delivery, skipped: Skips) -> None:
    job = AbandonDeliveries(org_id=delivery.org_id, endpoint_id=delivery.endpoint_id)
    recovery.abandon_next_page(job)
    assert not skipped
    recovery.abandon_next_page(job)
    assert skipped == [("no delivery is pending", {"org_id": delivery.org_id, "endpoint_id": delivery.endpoint_id})]
