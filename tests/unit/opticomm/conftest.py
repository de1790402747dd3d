"""A company, with a live key and a test key."""

from __future__ import annotations

import pytest

from switchboard.accounts.models import KeyKind
from switchboard.kit import clock
from tests.unit.opticomm.backend import Backend, backend


@pytest.fixture
def live(cloud: dict[str, str], frozen: clock.FrozenClock) -> Backend:
    return backend()


@pytest.fixture
def test(live: Backend) -> Backend:
    return live.with_key(KeyKind.OPTICOMM_TEST)
