"""Callbacks of a call end in order."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from switchboard.aws import clients
from switchboard.aws.writes import commit
from switchboard.fanout import dispatch
from switchboard.kit import clock
from switchboard.webhooks import delivery_store, delivery_worker, parking, parking_store, service, store
from switchboard.webhooks.jobs import DeliverWebhook, WakeReceiver
from switchboard.webhooks.kinds import WEBHOOK_KINDS
from switchboard.webhooks.models import Delivery, DeliveryStatus, Endpoint, KindName, RenderedEvent
from tests.actors import Tenant
from tests.fakes.receiver import Receiver, make_answer
from tests.integration.sabotage import Sabotage, drain_queue
from tests.unit.webhooks.conftest import World
from tests.unit.webhooks.deliveries.conftest import URL


def waiting_jobs() -> tuple[DeliverWebhook, DeliverWebhook]:
    """The jobs of the first and the second callback. The second has arrived first and waits."""
    jobs = {job.delivery_id: job for job in (DeliverWebhook.parse_body(body) for body in drain_queue("deliveries"))}
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
    """Each write is applied, its response is lost, and botocore retries it with the same parameters."""
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


@pytest.mark.usefixtures("ended_call")
@pytest.mark.parametrize("status", [200, 410])
def test_a_lost_response_leaves_no_successor_unsent(
    receiver: Receiver,
    lost_answers: Callable[[pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
    status: int,
) -> None:
    first, second = waiting_jobs()
    receiver.answers = [make_answer(status)]
    with monkeypatch.context() as patched:
        lost_answers(patched)
        assert delivery_worker.deliver_batch([first]) == set()
    assert _delivery(first).status is (DeliveryStatus.SUCCEEDED if status == 200 else DeliveryStatus.FAILED)
    assert [DeliverWebhook.parse_body(body).delivery_id for body in drain_queue("deliveries")] == [second.delivery_id]


@pytest.mark.usefixtures("ended_call")
@pytest.mark.parametrize("operation", ["UpdateItem", "PutItem"])
def test_a_response_lost_at_the_first_attempt_leaves_no_successor_unsent(
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


@pytest.mark.usefixtures("ended_call")
def test_an_attempt_that_another_worker_recorded_leaves_no_successor_unsent(receiver: Receiver) -> None:
    first, second = waiting_jobs()

    def recorded_meanwhile() -> None:
        done = _delivery(first).with_status(DeliveryStatus.SUCCEEDED, attempts=1, completed_at=clock.now_iso())
        commit(delivery_store.save_delivery_writes(_delivery(first), done))

    receiver.before = recorded_meanwhile
    assert delivery_worker.deliver_batch([first]) == set()
    assert [DeliverWebhook.parse_body(body).delivery_id for body in drain_queue("deliveries")] == [second.delivery_id]


@pytest.mark.usefixtures("ended_call")
def test_a_first_callback_that_is_given_up_releases_the_second(acme: Tenant, receiver: Receiver) -> None:
    first, second = waiting_jobs()
    endpoint = store.get_endpoint(acme.org_id, first.endpoint_id)
    assert endpoint is not None
    service.disable_endpoint(endpoint, "gone", "for a test")
    assert delivery_worker.deliver_batch([first]) == set()
    assert _delivery(first).status is DeliveryStatus.CANCELED
    assert [DeliverWebhook.parse_body(body).delivery_id for body in drain_queue("deliveries")] == [second.delivery_id]


@pytest.mark.usefixtures("ended_call")
def test_a_first_callback_that_failed_finally_releases_the_second(
    acme: Tenant, receiver: Receiver, world: World
) -> None:
    first, second = waiting_jobs()
    endpoint = store.get_endpoint(acme.org_id, first.endpoint_id)
    assert endpoint is not None
    commit(store.ENDPOINTS.save_write(endpoint.model_copy(update={"max_attempts": 1, "version": endpoint.version + 1})))
    receiver.answers = [make_answer(500)]
    assert delivery_worker.deliver_batch([first]) == set()
    assert _delivery(first).status is DeliveryStatus.FAILED
    world.go_on()
    assert receiver.ids == [first.delivery_id, second.delivery_id]
    assert _delivery(second).status is DeliveryStatus.SUCCEEDED


@pytest.mark.usefixtures("ended_call")
def test_a_parked_first_callback_is_sent_before_the_second(acme: Tenant, receiver: Receiver, world: World) -> None:
    jobs = {job.delivery_id: job for job in (DeliverWebhook.parse_body(body) for body in drain_queue("deliveries"))}
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
