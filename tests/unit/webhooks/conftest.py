"""An organization with a webhook, and workers that deliver to a local receiver."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from switchboard.aws import queues, writes
from switchboard.aws.writes import Put
from switchboard.email import service as email
from switchboard.email.delivery import send_queued
from switchboard.email.models import MailDraft
from switchboard.kit import clock
from switchboard.timers import store as timer_store
from switchboard.webhooks import breaker, deliveries, delivery_worker, health_store, schedule, service
from switchboard.webhooks.models import Delivery, Endpoint, EndpointSettings
from switchboard.webhooks.receivers import receiver_of
from switchboard.webhooks.service import EndpointWithSecret
from tests.actors import Tenant, tenant
from tests.fakes.receiver import Receiver
from tests.integration.sabotage import Later, Stream, drain_queue, run_tick, run_worker


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    monkeypatch.setattr(schedule, "jitter_fraction", lambda: 0.0)
    monkeypatch.setattr(breaker, "choose_slot", lambda _: 0)
    timer_store.advance_watermark(clock.now_iso()[:16])
    return tenant()


@pytest.fixture
def later(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> Later:
    """Holds back delayed messages."""
    found = Later(queues.try_send_messages)
    monkeypatch.setattr(queues, "try_send_messages", found)
    return found


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Receiver:
    """The destination of every webhook."""
    found = Receiver()
    monkeypatch.setattr(delivery_worker, "client", lambda: found)
    return found


Register = Callable[..., EndpointWithSecret]


def answered_quickly(endpoint: Endpoint) -> None:
    """Give an endpoint a record of a quick response without success."""
    item = {**health_store.health_key(receiver_of(endpoint.org_id, endpoint.id)), "quick_at": clock.now_iso()}
    writes.write_item(Put(table="core", item=item))


@pytest.fixture
def register(acme: Tenant) -> Register:
    """Registers an endpoint. The workers for slow endpoints already know it as quick, unless `new=True`."""

    def make(url: str = "https://example.com/hook", *, new: bool = False, **settings: Any) -> EndpointWithSecret:
        kind = settings.pop("kind", "anima")
        made = service.create_endpoint(acme.caller(master=True), kind, EndpointSettings(url=url, **settings))
        if not new:
            answered_quickly(made.endpoint)
        return made

    return make


def send_mail(acme: Tenant) -> str:
    """Send a mail. Returns its id."""
    message = email.send_message(acme.caller(), MailDraft(to=["you@example.com"], subject="Hello", body="b"))
    send_queued(message.org_id, message.id)
    return message.id


class World:
    """The work behind the APIs, until a given time."""

    def __init__(self, later: Later) -> None:
        self.stream, self.later = Stream(), later
        self.stream.hand_on()
        for name in ("audit", "email", "webhooks", "dialer"):
            drain_queue(name)

    def go_on(self) -> None:
        """Run events, deliveries and due work until nothing is left to do now."""
        # A tick looks through every minute since the last one: after a jump of days it begins at the present.
        timer_store.advance_watermark(clock.format_iso(clock.now() - timedelta(minutes=1))[:16])
        while True:
            run_tick()
            self.stream.hand_on()
            self.later.bring()
            if (
                not run_worker("workers/webhooks")
                + run_worker("workers/deliveries")
                + run_worker("workers/slow_deliveries")
            ):
                return


@pytest.fixture
def world(acme: Tenant, later: Later, receiver: Receiver) -> World:
    return World(later)


def only_delivery(acme: Tenant, endpoint_id: str) -> Delivery:
    """The only delivery of an endpoint."""
    (found,), _ = deliveries.list_deliveries(acme.org_id, endpoint_id, None, 10, None)
    return found
