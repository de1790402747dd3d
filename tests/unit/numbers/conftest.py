from __future__ import annotations

import pytest

from switchboard.numbers import configuration, purchases, registration
from tests.unit.numbers.doubles import FakeInventory


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> FakeInventory:
    """The provider of numbers, in place of the simulator."""
    made = FakeInventory()
    for module in (purchases, registration, configuration):
        monkeypatch.setattr(module, "get_inventory", lambda: made)
    return made
