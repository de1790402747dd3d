"""A world of dialers with a carrier of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from switchboard.aws import chance, clock
from switchboard.calls import pacing
from switchboard.carriers import voice
from tests.unit.calls.dialers import Carrier, Dialers


@pytest.fixture
def world(cloud: dict[str, str], frozen: clock.Frozen, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dialers]:
    """Dialers whose carrier counts no calls a second until the test says so. Time goes by when one of them waits."""
    carrier, source = Carrier(), Random(1)
    monkeypatch.setattr(voice, "carrier", lambda: carrier.carrier)
    monkeypatch.setattr(pacing, "sleep", lambda seconds: frozen.advance(seconds=seconds))
    with chance.using(source):
        yield Dialers(frozen, carrier, source)
