"""What a webhook costs: requests to AWS from the event's job to the recorded attempt."""

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
from tests.fakes.receiver import Receiver, answer
from tests.integration.sabotage import Sabotage, drain
from tests.unit.webhooks.conftest import Register, World, send

#: The request that sends up to ten jobs.
JOBS = "SendMessageBatch"


def events(acme: Tenant, world: World, number: int) -> list[DispatchEvent]:
    """The jobs of mails that were sent."""
    for _ in range(number):
        send(acme)
    world.stream.hand_on()
    return [DispatchEvent.read(body) for body in drain("webhooks")]


def spent(acme: Tenant, world: World, number: int) -> Counter[str]:
    """The requests that it takes to deliver so many events."""
    told = events(acme, world, number)
    assert len(told) == number
    saboteur = Sabotage()
    with saboteur.counting() as made:
        assert dispatch.dispatch_events(told) == set()
        dispatched = Counter(made)
    jobs = [DeliverWebhook.read(body) for body in drain("deliveries")]
    assert len(jobs) == number
    with saboteur.counting() as made:
        assert delivery_worker.deliver_batch(jobs) == set()
        return dispatched + Counter(made)


@pytest.fixture
def steady(acme: Tenant, register: Register, world: World, receiver: Receiver) -> str:
    """An endpoint that has been answering."""
    made = register(events=["message.sent"])
    send(acme)
    world.go_on()
    assert len(receiver.got) == 1
    return made.endpoint.id


def test_a_webhook_alone_costs_four_requests_of_the_table_and_one_of_the_queue(
    acme: Tenant, steady: str, world: World
) -> None:
    assert spent(acme, world, 1) == {"Query": 1, "BatchGetItem": 2, "PutItem": 1, JOBS: 1}


def test_ten_webhooks_together_cost_half_a_request_each(acme: Tenant, steady: str, world: World) -> None:
    assert spent(acme, world, 10) == {"Query": 1, "BatchGetItem": 2, "TransactWriteItems": 1, JOBS: 1}
    found, _ = deliveries.list_deliveries(acme.org_id, steady, DeliveryStatus.SUCCEEDED, 100, None)
    assert len(found) == 11


def test_the_health_of_an_endpoint_that_is_well_is_noted_once_a_minute(
    acme: Tenant, steady: str, world: World, frozen: clock.FrozenClock
) -> None:
    frozen.advance(seconds=61)
    assert spent(acme, world, 1)["UpdateItem"] == 1
    assert spent(acme, world, 1)["UpdateItem"] == 0
    assert service.get_endpoint(acme.org_id, steady).health.last_delivery_at == clock.now_iso()


def test_an_endpoint_whose_trouble_is_over_is_noted_at_once(
    acme: Tenant, steady: str, world: World, receiver: Receiver
) -> None:
    receiver.answers = [answer(500)]
    assert spent(acme, world, 1)["UpdateItem"] == 1
    assert service.get_endpoint(acme.org_id, steady).health.failures == 1
    assert spent(acme, world, 1)["UpdateItem"] == 1
    assert service.get_endpoint(acme.org_id, steady).health.failures == 0
    assert spent(acme, world, 1)["UpdateItem"] == 0


def test_a_failure_costs_its_timer_in_the_same_request(
    acme: Tenant, steady: str, world: World, receiver: Receiver
) -> None:
    receiver.answers = [answer(500) for _ in range(11)]
    assert spent(acme, world, 1)["TransactWriteItems"] == 2, "once an hour a watch is arranged besides"
    requests = spent(acme, world, 10)
    assert requests == {"Query": 1, "BatchGetItem": 2, "TransactWriteItems": 1, "UpdateItem": 1, JOBS: 1}


def test_batches_of_several_organizations_read_each_ones_subscriptions_once(
    acme: Tenant, steady: str, world: World, register: Register, receiver: Receiver
) -> None:
    others = [tenant(name) for name in ("one", "two")]
    told = [job for org in (acme, *others) for job in events(org, world, 3)]
    with Sabotage().counting() as made:
        assert dispatch.dispatch_events(told) == set()
    assert Counter(made) == {"Query": 3, "BatchGetItem": 1, JOBS: 1}


class Hesitant(Receiver):
    """Lets each post wait."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, seconds: float) -> Response:
        await asyncio.sleep(0.1)
        return await super().post(url, headers, body, seconds)


def test_a_batch_that_waits_for_an_answer_lets_the_others_take_slots(
    acme: Tenant, steady: str, world: World, monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock
) -> None:
    monkeypatch.setattr(breaker, "WARY_SECONDS", 0.01)
    monkeypatch.setattr(delivery_worker, "client", Hesitant)
    assert spent(acme, world, 1)["UpdateItem"] == 1
    health = service.get_endpoint(acme.org_id, steady).health
    assert breaker.needs_slot(health)
    frozen.advance(seconds=61)
    assert not breaker.needs_slot(health)


def test_what_is_counted_are_all_requests(acme: Tenant) -> None:
    with Sabotage().counting() as made:
        clients.dynamodb_client().list_tables()
        clients.get_client("sqs").list_queues()
    assert made == ["ListTables", "ListQueues"]
