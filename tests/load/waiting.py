"""What it costs that deliveries wait for one receiver: a count, in moto, with a clock that is moved by hand."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from switchboard.aws import clock, queue
from switchboard.aws.queue import Message
from switchboard.events import service as events
from switchboard.events.models import Subject
from switchboard.outbound.client import Answer
from switchboard.webhooks import breaker, delivery, dispatch, health_store, service
from switchboard.webhooks.jobs import DeliverWebhook, WakeReceiver
from switchboard.webhooks.models import Endpoint, Rendered, Settings
from switchboard.webhooks.receivers import receiver_of
from tests import moto_cloud
from tests.actors import Tenant, tenant
from tests.conftest import forget
from tests.integration.sabotage import Sabotage, everything
from tests.load import stub

_BATCH = 10
_OUTBOX = {"FilterExpression": "attribute_exists(outbox)"}


@dataclass
class Cost:
    """What was spent, from the jobs to the records of all deliveries."""

    delivered: int = 0
    messages: int = 0
    wakes: int = 0
    dynamodb: int = 0

    def row(self, number: int) -> tuple[object, ...]:
        """For each delivery: messages and requests; and the wake-ups in all."""
        return f"{self.messages / number:.3f}", self.wakes, f"{self.dynamodb / number:.2f}"


class _Well:
    def __init__(self) -> None:
        self.ids: set[str] = set()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, seconds: float) -> Answer:
        self.ids.add(headers["webhook-id"])
        clock_now = clock._source
        assert isinstance(clock_now, clock.Frozen)
        clock_now.advance(milliseconds=5)
        return Answer(200, {}, b"", 5)


def held(endpoint: Endpoint) -> None:
    """A worker that is not heard of again holds the one slot."""
    health = service.get(endpoint.org_id, endpoint.id).health
    breaker.take(receiver_of(endpoint.org_id, endpoint.id), endpoint.timeout_ms, health)


def away(endpoint: Endpoint) -> None:
    """The breaker is open for two minutes."""
    health_store.open_breaker(receiver_of(endpoint.org_id, endpoint.id), clock.iso(clock.now() + timedelta(minutes=2)))


def cost(number: int, cause: Callable[[Endpoint], None]) -> Cost:
    """Let so many deliveries wait for one receiver until that is over, and count what is spent."""
    sent: list[Message] = []

    def send_all(messages: Sequence[Message]) -> set[int]:
        sent.extend(messages)
        return set()

    stub.silence()
    frozen = clock.Frozen()
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, moto_cloud.ENVIRON))
        environ = stack.enter_context(moto_cloud.running())
        stack.enter_context(patch.dict(os.environ, environ))
        stack.enter_context(clock.using(frozen))
        forget()
        acme = tenant("load")
        endpoint = service.register(
            acme.caller(master=True), "anima", Settings(url="https://example.com/hook")
        ).endpoint
        quick = health_store.HealthChange(clock.stamp(), False, 0, 0, False, None, quick=True)
        health_store.note(receiver_of(acme.org_id, endpoint.id), quick)
        cause(endpoint)
        stack.enter_context(patch.object(queue, "send_all", send_all))
        jobs = [_job(acme, endpoint, place) for place in range(number)]
        well, spent = _Well(), Cost(messages=number)
        saboteur = Sabotage()

        def work(batch: Sequence[DeliverWebhook | WakeReceiver]) -> None:
            with saboteur.counting() as made:
                assert delivery.deliver(batch, sender=well) == set()
            spent.dynamodb += len(made)

        for start in range(0, number, _BATCH):
            work(jobs[start : start + _BATCH])
        assert not well.ids
        seen: set[str] = set()
        while len(well.ids) < number:
            due = sorted(
                (item["due"]["S"], item["pk"]["S"], item["body"]["M"])
                for item in everything("activity", **_OUTBOX)
                if item["pk"]["S"] not in seen and _is_wake(item)
            )
            assert due or sent, "nothing is arranged for what waits"
            for moment, place, body in due:
                seen.add(place)
                frozen.advance(seconds=max(0.0, (clock.parse(moment) - clock.now()).total_seconds()))
                wake = {name: body[name]["S"] for name in ("org_id", "endpoint_id", "at")}
                sent.append(WakeReceiver(**wake).message())
            batch, sent[:] = [json.loads(message.text) for message in sent], []
            spent.messages += len(batch)
            spent.wakes += len(batch)
            work([WakeReceiver.read(body) for body in batch])
        spent.delivered = len(well.ids)
        forget()
    return spent


def _is_wake(item: dict[str, Any]) -> bool:
    return bool(item["outbox"]["S"] == "job" and item["body"]["M"]["job"]["S"] == "WakeReceiver")


def _job(acme: Tenant, endpoint: Endpoint, number: int) -> DeliverWebhook:
    told = Rendered(event="message.sent", body={"n": number}, sequence=1, key=str(number))
    subject = Subject(type="webhook", id=endpoint.id, version=1)
    event = events.of(acme.caller(), "webhook.test", subject, kind="anima")
    return dispatch.attempt_of(dispatch.delivery_of(endpoint, told, event), made=True)
