"""The cost of a webhook: requests to AWS from the event's job to the recorded attempt."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping

import pytest

from switchboard.aws import clients
from switchboard.fanout import dispatch
from switchboard.kit import clock
from switchboard.outbound.client import Response
from switchboard.webhooks import breaker, deliveries, delivery_worker, service
from switchboard.webhooks.jobs import DeliverWebhook, DispatchEvent
from switchboard.webhooks.models import DeliveryStatus
from tests.actors import Tenant, tenant
from tests.fakes.receiver import Receiver, make_answer
from tests.integration.sabotage import Sabotage, drain_queue
from tests.unit.webhooks.conftest import Register, World, send_mail

#: The request that sends up to ten jobs.
JOBS = "SendMessageBatch"


def list_jobs(acme: Tenant, world: World, number: int) -> list[DispatchEvent]:
    """The jobs of sent mails."""
    for _ in range(number):
        send_mail(acme)
    world.stream.hand_on()
    return [DispatchEvent.parse_body(body) for body in drain_queue("webhooks")]


def count_requests(acme: Tenant, world: World, number: int) -> Counter[str]:
    """The requests for delivering a number of events."""
    told = list_jobs(acme, world, number)
    assert len(told) == number
    saboteur = Sabotage()
    with saboteur.counting() as made:
        assert dispatch.dispatch_events(told) == set()
        dispatched = Counter(made)
    jobs = [DeliverWebhook.parse_body(body) for body in drain_queue("deliveries")]
    assert len(jobs) == number
    with saboteur.counting() as made:
        assert delivery_worker.deliver_batch(jobs) == set()
        return dispatched + Counter(made)


@pytest.fixture
def steady_endpoint(acme: Tenant, register: Register, world: World, receiver: Receiver) -> str:
    """An endpoint with a record of responses."""
    made = register(events=["message.sent"])
    send_mail(acme)
    world.go_on()
    assert len(receiver.got) == 1
    return made.endpoint.id


def test_a_webhook_alone_costs_four_requests_of_the_table_and_one_of_the_queue(
    acme: Tenant, steady_endpoint: str, world: World
) -> None:
    assert count_requests(acme, world, 1) == {"Query": 1, "BatchGetItem": 2, "PutItem": 1, JOBS: 1}


def test_ten_webhooks_together_cost_half_a_request_each(acme: Tenant, steady_endpoint: str, world: World) -> None:
    assert count_requests(acme, world, 10) == {"Query": 1, "BatchGetItem": 2, "TransactWriteItems": 1, JOBS: 1}
    found, _ = deliveries.list_deliveries(acme.org_id, steady_endpoint, DeliveryStatus.SUCCEEDED, 100, None)
    assert len(found) == 11


def test_the_health_of_a_working_endpoint_is_recorded_once_a_minute(
    acme: Tenant, steady_endpoint: str, world: World, frozen: clock.FrozenClock
) -> None:
    frozen.advance(seconds=61)
    assert count_requests(acme, world, 1)["UpdateItem"] == 1
    assert count_requests(acme, world, 1)["UpdateItem"] == 0
    assert service.get_endpoint(acme.org_id, steady_endpoint).health.last_delivery_at == clock.now_iso()


def test_the_recovery_of_an_endpoint_is_recorded_at_once(
    acme: Tenant, steady_endpoint: str, world: World, receiver: Receiver
) -> None:
    receiver.answers = [make_answer(500)]
    assert count_requests(acme, world, 1)["UpdateItem"] == 1
    assert service.get_endpoint(acme.org_id, steady_endpoint).health.failures == 1
    assert count_requests(acme, world, 1)["UpdateItem"] == 1
    assert service.get_endpoint(acme.org_id, steady_endpoint).health.failures == 0
    assert count_requests(acme, world, 1)["UpdateItem"] == 0


def test_a_failure_costs_its_timer_in_the_same_request(
    acme: Tenant, steady_endpoint: str, world: World, receiver: Receiver
) -> None:
    receiver.answers = [make_answer(500) for _ in range(11)]
    assert count_requests(acme, world, 1)["TransactWriteItems"] == 2, "in addition, one watch per hour is scheduled"
    requests = count_requests(acme, world, 10)
    assert requests == {"Query": 1, "BatchGetItem": 2, "TransactWriteItems": 1, "UpdateItem": 1, JOBS: 1}


def test_batches_of_several_organizations_read_each_ones_subscriptions_once(
    acme: Tenant, steady_endpoint: str, world: World, register: Register, receiver: Receiver
) -> None:
    others = [tenant(name) for name in ("one", "two")]
    told = [job for org in (acme, *others) for job in list_jobs(org, world, 3)]
    with Sabotage().counting() as made:
        assert dispatch.dispatch_events(told) == set()
    assert Counter(made) == {"Query": 3, "BatchGetItem": 1, JOBS: 1}


class Hesitant(Receiver):
    """Makes each post wait."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, seconds: float) -> Response:
        await asyncio.sleep(0.1)
        return await super().post(url, headers, body, seconds)


def test_a_batch_that_waits_for_a_response_does_not_block_others(
    acme: Tenant, steady_endpoint: str, world: World, monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock
) -> None:
    monkeypatch.setattr(breaker, "WARY_SECONDS", 0.01)
    monkeypatch.setattr(delivery_worker, "client", Hesitant)
    assert count_requests(acme, world, 1)["UpdateItem"] == 1
    health = service.get_endpoint(acme.org_id, steady_endpoint).health
    assert breaker.needs_slot(health)
    frozen.advance(seconds=61)
    assert not breaker.needs_slot(health)


def test_all_requests_are_counted(acme: Tenant) -> None:
    with Sabotage().counting() as made:
        clients.dynamodb_client().list_tables()
        clients.get_client("sqs").list_queues()
    assert made == ["ListTables", "ListQueues"]
