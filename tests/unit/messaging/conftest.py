"""Fixtures of the tests of texts: a carrier that the test controls, and an organization with people."""

from __future__ import annotations

import pytest

from switchboard.carriers import messages
from switchboard.kit import clock
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from tests.actors import Tenant, member, tenant
from tests.fakes.texts import FakeMessenger


@pytest.fixture(autouse=True)
def _many_requests(monkeypatch: pytest.MonkeyPatch, cloud: dict[str, str]) -> None:
    """A person may send many requests while the clock stands still."""
    monkeypatch.setenv("SWITCHBOARD_PERSON_PER_MINUTE", "100000")
    monkeypatch.setenv("SWITCHBOARD_PERSON_PER_SECOND", "10000")


@pytest.fixture
def messenger(monkeypatch: pytest.MonkeyPatch) -> FakeMessenger:
    """The carrier of all texts, controlled by the test."""
    found = FakeMessenger()
    monkeypatch.setattr(messages, "messenger_name", lambda simulated: "simulator" if simulated else "twilio")
    monkeypatch.setattr(messages, "get_messenger", lambda simulated: found)
    return found


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock, messenger: FakeMessenger) -> Tenant:
    """An organization that texts through `messenger`."""
    return tenant()


@pytest.fixture
def ada(acme: Tenant) -> Member:
    return member(acme.org_id, Role.OPERATOR, "Ada")


@pytest.fixture
def bob(acme: Tenant) -> Member:
    return member(acme.org_id, Role.VIEWER, "Bob")
