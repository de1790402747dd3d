"""Fixtures of the tests of the console of calls."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _many_requests(monkeypatch: pytest.MonkeyPatch, cloud: dict[str, str]) -> None:
    """A person may send many requests while the clock stands still."""
    monkeypatch.setenv("SWITCHBOARD_PERSON_PER_MINUTE", "100000")
    monkeypatch.setenv("SWITCHBOARD_PERSON_PER_SECOND", "10000")
