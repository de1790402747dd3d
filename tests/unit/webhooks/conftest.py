"""An organisation with a webhook, and workers that deliver to a receiver at hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from switchboard.aws import clock, queue
from switchboard.timers import store as timer_store
from switchboard.webhooks import breaker, delivery, schedule, service
from switchboard.webhooks.models import Settings
from switchboard.webhooks.service import NewEndpoint
from tests.actors import Tenant, tenant
from tests.integration.sabotage import Later
from tests.unit.webhooks.receiver import Receiver


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.Frozen, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    monkeypatch.setattr(schedule, "chance", lambda: 0.0)
    monkeypatch.setattr(breaker, "choose", lambda _: 0)
    timer_store.advance(clock.stamp()[:16])
    return tenant()


@pytest.fixture
def later(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> Later:
    """What the queues hold back."""
    found = Later(queue.send_all)
    monkeypatch.setattr(queue, "send_all", found)
    return found


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Receiver:
    """Where every webhook arrives."""
    found = Receiver()
    monkeypatch.setattr(delivery, "client", lambda: found)
    return found


Register = Callable[..., NewEndpoint]


@pytest.fixture
def register(acme: Tenant) -> Register:
    def make(url: str = "https://example.com/hook", **settings: Any) -> NewEndpoint:
        kind = settings.pop("kind", "anima")
        return service.register(acme.caller(master=True), kind, Settings(url=url, **settings))

    return make
