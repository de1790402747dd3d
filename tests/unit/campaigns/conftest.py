"""Fixtures of the tests of campaigns."""

from __future__ import annotations

import pytest

from switchboard.kit import clock
from switchboard.numbers.models import Number
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from tests.actors import Tenant, member, tenant
from tests.unit.calls.console_calls import save_number


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


@pytest.fixture
def ada(acme: Tenant) -> Member:
    return member(acme.org_id, Role.OPERATOR)


@pytest.fixture
def number(acme: Tenant) -> Number:
    return save_number(acme.org_id)
