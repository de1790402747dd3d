from __future__ import annotations

import pytest

from switchboard import telemetry
from switchboard.accounts.plans import PlanName
from switchboard.kit import clock
from tests.actors import member, tenant
from tests.unit.billing.customer import Customer, payments

__all__ = ["payments"]


@pytest.fixture
def acme(payments: None, frozen: clock.FrozenClock) -> Customer:
    """An organization on the free plan, which may subscribe."""
    acme = tenant(plan=PlanName.FREE)
    member(acme.org_id)
    return Customer(acme)


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the metrics that were emitted."""
    emitted: list[str] = []
    monkeypatch.setattr(telemetry, "emit_metric", lambda name, **_: emitted.append(name))
    return emitted
