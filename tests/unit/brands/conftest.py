from __future__ import annotations

import pytest

from switchboard.aws import queues
from switchboard.brands import marking, registering, service, verification
from switchboard.kit import clock
from switchboard.team.models import Member
from switchboard.timers import store as timer_store
from tests.actors import member, tenant
from tests.integration.sabotage import Later
from tests.unit.brands.doubles import FakeRegistry


@pytest.fixture
def ada(cloud: dict[str, str], frozen: clock.FrozenClock) -> Member:
    """An admin of an organization without a brand."""
    timer_store.advance_watermark(clock.now_iso()[:16])
    return member(tenant().org_id)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> FakeRegistry:
    """The registry, in place of the simulator."""
    made = FakeRegistry()
    for module in (registering, service, marking, verification):
        monkeypatch.setattr(module, "get_registry", lambda: made)
    return made


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """SQS that delays by the test's clock."""
    held = Later(queues.try_send_messages)
    monkeypatch.setattr(queues, "try_send_messages", held)
    return held
