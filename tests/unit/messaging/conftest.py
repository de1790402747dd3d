"""Fixtures of the tests of texts."""

from __future__ import annotations

import pytest

from switchboard.kit import clock
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from tests.actors import Tenant, member, tenant


@pytest.fixture(autouse=True)
def _many_requests(monkeypatch: pytest.MonkeyPatch, cloud: dict[str, str]) -> None:
    """A person may send many requests while the clock stands still."""
    monkeypatch.setenv("SWITCHBOARD_PERSON_PER_MINUTE", "100000")
    monkeypatch.setenv("SWITCHBOARD_PERSON_PER_SECOND", "10000")


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


@pytest.fixture
def ada(acme: Tenant) -> Member:
    return member(acme.org_id, Role.OPERATOR, "Ada")


@pytest.fixture
def bob(acme: Tenant) -> Member:
    return member(acme.org_id, Role.VIEWER, "Bob")
