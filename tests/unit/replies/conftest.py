"""Fixtures of the tests of answers to texts."""

from __future__ import annotations

import pytest

from switchboard.kit import clock
from tests.actors import Tenant, tenant
from tests.unit.messaging.conftest import messenger
from tests.unit.replies.talks import Talk, open_talk

__all__ = ["acme", "messenger", "talk"]


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


@pytest.fixture
def talk(acme: Tenant, frozen: clock.FrozenClock) -> Talk:
    return open_talk(acme.org_id, frozen)
