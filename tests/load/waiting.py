"""The cost of deliveries that wait for one receiver: a count, in moto, with a test clock."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from switchboard.aws import queues
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, SystemActor
from switchboard.kit import clock
from switchboard.kit.jobs import QueueMessage
from switchboard.outbound.client import Response
from switchboard.webhooks import (
    breaker,
    delivery_store,
    delivery_worker,
    health_store,
    new_delivery,
    parked_sender,
    parking_store,
    service,
)
from switchboard.webhooks.jobs import DeliverWebhook, WakeReceiver
from switchboard.webhooks.models import Delivery, Endpoint, EndpointSettings, RenderedEvent
from switchboard.webhooks.parking_store import ParkedAttempt
from switchboard.webhooks.receivers import receiver_of
from tests import moto_cloud
from tests.actors import tenant
from tests.conftest import clear_caches
from tests.integration.sabotage import Sabotage, scan_items
from tests.load import stub

_BATCH = 10
_OUTBOX = {"FilterExpression": "attribute_exists(outbox)"}


@dataclass
class Beside:
    """A delivery of another organization in a batch with the wake-up of a long line."""

    #: Posts to the long line before it, seconds until its post, and seconds of the whole batch.
    posts: int
    seconds: float
    batch_seconds: float
    #: How many of the long line were sent or canceled by that batch.
    done: int

    @property
    def row(self) -> tuple[object, ...]:
        """As a row of the table."""
        return self.posts, f"{self.seconds:.2f}", self.done, f"{self.batch_seconds:.1f}"


@dataclass
class Cost:
    """The cost from the jobs to the records of all deliveries."""

    delivered: int = 0
    messages: int = 0
    wakes: int = 0
    dynamodb: int = 0

    def row(self, number: int) -> tuple[object, ...]:
        """For each delivery: messages and requests; and the wake-ups in total."""
        return f"{self.messages / number:.3f}", self.wakes, f"{self.dynamodb / number:.2f}"


class _Well:
    def __init__(self) -> None:
        self.ids: set[str] = set()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, seconds: float) -> Response:
        self.ids.add(headers["webhook-id"])
        clock_now = clock._source
        assert isinstance(clock_now, clock.FrozenClock)
        clock_now.advance(milliseconds=5)
        return Response(200, {}, b"", 5)


def hold_slot(endpoint: Endpoint) -> None:
    """A dead worker holds the only slot."""
    health = service.get_endpoint(endpoint.org_id, endpoint.id).health
    breaker.take_slots(receiver_of(endpoint.org_id, endpoint.id), endpoint.timeout_ms, health)


def open_breaker(endpoint: Endpoint) -> None:
    """The breaker is open for two minutes."""
    health_store.open_breaker(
        receiver_of(endpoint.org_id, endpoint.id), clock.format_iso(clock.now() + timedelta(minutes=2))
    )


def measure_cost(number: int, cause: Callable[[Endpoint], None]) -> Cost:
    """Let a number of deliveries wait for one receiver until it recovers. Returns the cost."""
    sent: list[QueueMessage] = []

    def send_all(messages: Sequence[QueueMessage]) -> set[int]:
        sent.extend(messages)
        return set()

    with ExitStack() as stack:
        frozen = stack.enter_context(_world())
        endpoint = _endpoint("load")
        cause(endpoint)
        stack.enter_context(patch.object(queues, "try_send_messages", send_all))
        jobs = [delivery_at(endpoint, place) for place in range(number)]
        well, spent = _Well(), Cost(messages=number)
        saboteur = Sabotage()

        def work(batch: Sequence[DeliverWebhook | WakeReceiver]) -> None:
            with saboteur.counting() as made:
                assert delivery_worker.deliver_batch(batch, sender=well) == set()
            spent.dynamodb += len(made)

        for start in range(0, number, _BATCH):
            work(jobs[start : start + _BATCH])
        assert not well.ids
        seen: set[str] = set()
        while len(well.ids) < number:
            due = sorted(
                (item["due"]["S"], item["pk"]["S"], item["body"]["M"])
                for item in scan_items("activity", **_OUTBOX)
                if item["pk"]["S"] not in seen and _is_wake(item)
            )
            assert due or sent, "no wake-up is scheduled"
            for moment, place, body in due:
                seen.add(place)
                frozen.advance(seconds=max(0.0, (clock.parse(moment) - clock.now()).total_seconds()))
                wake = {name: body[name]["S"] for name in ("org_id", "endpoint_id", "at")}
                sent.append(WakeReceiver(**wake).to_message())
            batch, sent[:] = [json.loads(message.text) for message in sent], []
            spent.messages += len(batch)
            spent.wakes += len(batch)
            work([WakeReceiver.parse_body(body) for body in batch])
        spent.delivered = len(well.ids)
    return spent


def measure_neighbor(number: int, *, disabled: bool) -> Beside:
    """Process one batch: the wake-up of a line of that length, and a delivery of another organization."""
    with _world() as frozen:
        long, other = _endpoint("long"), _endpoint("other")
        line = line_up(long, number)
        if disabled:
            service.disable_endpoint(long, "failing", "five days of failure only")
        job = delivery_at(other, 0)
        began, posted = clock.epoch(), list[tuple[str, float]]()

        class Receivers(_Well):
            async def post(self, url: str, headers: Mapping[str, str], body: bytes, seconds: float) -> Response:
                posted.append((headers["webhook-id"], clock.epoch() - began))
                return await super().post(url, headers, body, seconds)

        ready_of = parked_sender.sendable_attempts

        def taking_its_time(parked: Sequence[ParkedAttempt]) -> object:
            frozen.advance(milliseconds=50)  # the duration of a round's requests
            return ready_of(parked)

        wake = WakeReceiver(org_id=long.org_id, endpoint_id=long.id)
        with patch.object(parked_sender, "sendable_attempts", taking_its_time):
            assert delivery_worker.deliver_batch([wake, job], sender=Receivers()) == set()
        took = clock.epoch() - began
        place = [name for name, _ in posted].index(job.delivery_id)
        left = len([one for one in scan_items("activity") if "#parked#" in one["pk"]["S"]])
        return Beside(place, posted[place][1], took, len(line) - left)


def line_up(endpoint: Endpoint, number: int, *, first: int = 0, parked: bool = True) -> list[Delivery]:
    """Store a number of an endpoint's deliveries, a millisecond apart, that are parked or have lost their jobs."""
    began, made = clock.now() - timedelta(milliseconds=number), list[Delivery]()
    for place in range(number):
        job = delivery_at(endpoint, first + place)
        assert job.made
        at = clock.format_iso(began + timedelta(milliseconds=place))
        made.append(job.made.model_copy(update={"created_at": at, "next_attempt_at": at}))
    for start in range(0, number, 100):
        delivery_store.put_missing_deliveries(made[start : start + 100])
        if parked:
            parking_store.put_attempts([ParkedAttempt.of(one) for one in made[start : start + 100]])
    if parked:
        health_store.mark_waiting(receiver_of(endpoint.org_id, endpoint.id))
    return made


@contextmanager
def _world() -> Iterator[clock.FrozenClock]:
    stub.drop_log()
    frozen = clock.FrozenClock()
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, moto_cloud.ENVIRON))
        environ = stack.enter_context(moto_cloud.use_moto())
        stack.enter_context(patch.dict(os.environ, environ))
        stack.enter_context(clock.using(frozen))
        clear_caches()
        yield frozen
        clear_caches()


def _endpoint(name: str) -> Endpoint:
    """A webhook that has responded quickly but never with success: it has one slot."""
    acme = tenant(name)
    endpoint = service.create_endpoint(
        acme.caller(master=True), "anima", EndpointSettings(url="https://example.com/hook")
    ).endpoint
    quick = health_store.HealthChange(clock.now_iso(), False, 0, 0, False, None, quick=True)
    health_store.record_results(receiver_of(acme.org_id, endpoint.id), quick)
    return endpoint


def _is_wake(item: dict[str, Any]) -> bool:
    return bool(item["outbox"]["S"] == "job" and item["body"]["M"]["job"]["S"] == "WakeReceiver")


def delivery_at(endpoint: Endpoint, number: int) -> DeliverWebhook:
    """The numbered job of an endpoint's delivery, with the delivery in the message."""
    told = RenderedEvent(event="message.sent", body={"n": number}, sequence=1, key=str(number))
    origin = SystemActor(
        org_id=endpoint.org_id, actor=Actor(type="system", id="load"), agent_id=None, correlation_id="corr_load"
    )
    event = events.new_event(origin, "webhook.test", Subject(type="webhook", id=endpoint.id, version=1), kind="anima")
    return new_delivery.attempt_job(new_delivery.new_delivery(endpoint, told, event), made=True)
