"""An organization with a webhook, and workers that deliver to a receiver at hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from switchboard.aws import queues, writes
from switchboard.aws.writes import Put
from switchboard.email import delivery as mail
from switchboard.email import service as email
from switchboard.email.models import MailDraft
from switchboard.kit import clock
from switchboard.timers import store as timer_store
from switchboard.webhooks import breaker, deliveries, delivery_worker, health_store, schedule, service
from switchboard.webhooks.models import Delivery, Endpoint, EndpointSettings
from switchboard.webhooks.receivers import receiver_of
from switchboard.webhooks.service import EndpointWithSecret
from tests.actors import Tenant, tenant
from tests.fakes.receiver import Receiver
from tests.integration.sabotage import Later, Stream, drain, tick, work


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    monkeypatch.setattr(schedule, "jitter_fraction", lambda: 0.0)
    monkeypatch.setattr(breaker, "choose_slot", lambda _: 0)
    timer_store.advance_watermark(clock.now_iso()[:16])
    return tenant()


@pytest.fixture
def later(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> Later:
    """What the queues hold back."""
    found = Later(queues.try_send_messages)
    monkeypatch.setattr(queues, "try_send_messages", found)
    return found


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Receiver:
    """Where every webhook arrives."""
    found = Receiver()
    monkeypatch.setattr(delivery_worker, "client", lambda: found)
    return found


Register = Callable[..., EndpointWithSecret]


def answered_quickly(endpoint: Endpoint) -> None:
    """Give an endpoint a record of a quick answer, which was no success."""
    item = {**health_store.health_key(receiver_of(endpoint.org_id, endpoint.id)), "quick_at": clock.now_iso()}
    writes.write_item(Put(table="core", item=item))


@pytest.fixture
def register(acme: Tenant) -> Register:
    """Registers an endpoint that the workers for slow ones already know to be quick; with `new=True` nobody does."""

    def make(url: str = "https://example.com/hook", *, new: bool = False, **settings: Any) -> EndpointWithSecret:
        kind = settings.pop("kind", "anima")
        made = service.create_endpoint(acme.caller(master=True), kind, EndpointSettings(url=url, **settings))
        if not new:
            answered_quickly(made.endpoint)
        return made

    return make


def send(acme: Tenant) -> str:
    """A mail that was sent: its id."""
    message = email.send_message(acme.caller(), MailDraft(to=["you@example.com"], subject="Hello", body="b"))
    mail.send_queued(message.org_id, message.id)
    return message.id


class World:
    """What goes on behind the APIs, until a moment."""

    def __init__(self, later: Later) -> None:
        self.stream, self.later = Stream(), later
        self.stream.hand_on()
        for name in ("audit", "email", "webhooks", "dialer"):
            drain(name)

    def go_on(self) -> None:
        """Let events, deliveries and what is due happen until nothing is left to do now."""
        # A tick looks through every minute since the last one: after a leap of days it begins at the present.
        timer_store.advance_watermark(clock.format_iso(clock.now() - timedelta(minutes=1))[:16])
        while True:
            tick()
            self.stream.hand_on()
            self.later.bring()
            if not work("workers/webhooks") + work("workers/deliveries") + work("workers/slow_deliveries"):
                return


@pytest.fixture
def world(acme: Tenant, later: Later, receiver: Receiver) -> World:
    return World(later)


def only(acme: Tenant, endpoint_id: str) -> Delivery:
    """The one delivery that an endpoint has."""
    (found,), _ = deliveries.list_deliveries(acme.org_id, endpoint_id, None, 10, None)
    return found
