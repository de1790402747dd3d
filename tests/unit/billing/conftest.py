from __future__ import annotations

import pytest

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
