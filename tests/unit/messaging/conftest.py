"""Fixtures of the tests of texts: a carrier that the test controls, and an organization with a number."""

from __future__ import annotations

import pytest

from switchboard.carriers import messages
from switchboard.kit import clock
from tests.actors import Tenant, tenant
from tests.fakes.texts import FakeMessenger


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
