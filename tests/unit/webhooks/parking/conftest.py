"""Waiting deliveries: an endpoint with one slot, and shared helpers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from switchboard.aws import queues
from switchboard.kit import clock
from switchboard.kit.jobs import QueueMessage
from switchboard.webhooks import breaker, parking_store, service
from switchboard.webhooks.models import Endpoint, ReceiverHealth
from switchboard.webhooks.parking_store import ParkedAttempt
from switchboard.webhooks.receivers import receiver_of
from tests.actors import Tenant
from tests.integration.sabotage import run_worker
from tests.unit.webhooks.conftest import Register, World, send_mail

QUEUES = ("deliveries", "slow-deliveries")


@pytest.fixture
def endpoint(acme: Tenant, register: Register, world: World) -> Endpoint:
    """A webhook with one slot, since nothing has succeeded there."""
    return register(events=["message.sent"]).endpoint


@pytest.fixture
def messages(world: World, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The number of sent messages, by their job."""
    found: Counter[str] = Counter()
    send_all = queues.try_send_messages

    def counted(sent: Sequence[QueueMessage]) -> set[int]:
        found.update(str(message.body["job"]) for message in sent if message.queue in QUEUES)
        return send_all(sent)

    monkeypatch.setattr(queues, "try_send_messages", counted)
    return found


def load_health(endpoint: Endpoint) -> ReceiverHealth:
    return service.get_endpoint(endpoint.org_id, endpoint.id).health


def list_parked(endpoint: Endpoint) -> list[ParkedAttempt]:
    return parking_store.oldest_attempts(receiver_of(endpoint.org_id, endpoint.id), 100)


def hold_slot(endpoint: Endpoint) -> breaker.HeldSlots:
    """A worker takes the only slot and dies."""
    return breaker.take_slots(receiver_of(endpoint.org_id, endpoint.id), endpoint.timeout_ms, load_health(endpoint))


def dispatch_mails(acme: Tenant, world: World, frozen: clock.FrozenClock, number: int) -> None:
    """Send mails one after the other, and dispatch their webhooks."""
    for _ in range(number):
        send_mail(acme)
        world.stream.hand_on()
        run_worker("workers/webhooks")
        frozen.advance(milliseconds=1)
