"""A world of dialers with a carrier of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from switchboard.calls import pacing
from switchboard.carriers import voice
from switchboard.kit import chance, clock
from tests.unit.calls.dialers import Carrier, Dialers


@pytest.fixture
def world(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dialers]:
    """Dialers whose carrier counts no calls a second until the test says so. Time goes by when one of them waits."""
    carrier, source = Carrier(), Random(1)
    monkeypatch.setattr(voice, "get_carrier", lambda: carrier.carrier)
    monkeypatch.setattr(pacing, "sleep", lambda seconds: frozen.advance(seconds=seconds))
    with chance.using(source):
        yield Dialers(frozen, carrier, source)
