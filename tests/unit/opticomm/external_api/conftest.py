"""Calls that a back end starts: shared helpers."""

from __future__ import annotations

import pytest

from switchboard.calls import dialing, service
from switchboard.calls.models import Call
from switchboard.events import service as events
from switchboard.kit import clock
from tests.integration.sabotage import play_calls
from tests.unit.opticomm.backend import Backend

HOOK = "https://hooks.example.com/calls"


FIRST = "This is an artificial voice calling for Acme."


@pytest.fixture(autouse=True)
def _at_once(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulated line reports all states of a call at once."""
    monkeypatch.setenv("SWITCHBOARD_VOICE_STEP_SECONDS", "0")


def read_call(asker: Backend, call_id: str) -> Call:
    call = service.find_call(asker.company.org_id, call_id)
    assert call is not None
    return call


def read_conversation(asker: Backend, call_id: str) -> list[str]:
    """The conversation of a call, from dial to end."""
    dialing.dial_call(asker.company.org_id, call_id)
    play_calls()
    return [turn.text for turn in service.list_turns(asker.company.caller(master=True), call_id)]


def list_events(asker: Backend) -> list[events.Event]:
    """The company's events about its calls."""
    found = events.events_between("2026-01-15T00:00:00Z", "2026-01-16T00:00:00Z", asker.company.org_id)
    return [event for event in found if event.type.startswith("voice.")]
