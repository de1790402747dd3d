"""Fixtures of the tests of calls: a carrier that the test controls, and dialers that use it."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from switchboard.calls import pacing
from switchboard.carriers import voice
from switchboard.kit import chance, clock
from tests.actors import Tenant, tenant
from tests.fakes.voice import Provider
from tests.unit.calls.dialers import Carrier, Dialers


@pytest.fixture
def world(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dialers]:
    """Dialers whose carrier has no rate limit until the test sets one. Time passes when a dialer waits."""
    carrier, source = Carrier(), Random(1)
    monkeypatch.setattr(voice, "get_carrier", lambda: carrier.carrier)
    monkeypatch.setattr(pacing, "sleep", lambda seconds: frozen.advance(seconds=seconds))
    with chance.using(source):
        yield Dialers(frozen, carrier, source)


@pytest.fixture
def carrier(monkeypatch: pytest.MonkeyPatch) -> Provider:
    """The carrier of live calls, controlled by the test."""
    provider = Provider()
    monkeypatch.setattr(voice, "get_carrier", lambda: provider.carrier)
    return provider


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    """A carrier that also analyzes its calls."""
    provider = Provider(analyzes=True)
    monkeypatch.setattr(voice, "get_carrier", lambda: provider.carrier)
    return provider


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock, carrier: Provider) -> Tenant:
    """An organization that calls through `carrier`."""
    return tenant()
