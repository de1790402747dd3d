"""The place of the called person, as Anima's callers state it, and the time until which the carrier may ring."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchboard.accounts import organizations
from switchboard.calls import dialing, service
from switchboard.calls.models import Order
from switchboard.carriers import voice
from switchboard.kit import clock
from tests.actors import tenant
from tests.fakes.voice import Provider
from tests.unit.edge.platform import Platform, Route, list_routes

# A Thursday in January: 12:00 in New York, 09:00 in Los Angeles.
pytestmark = pytest.mark.usefixtures("cloud", "frozen")

TOLL_FREE, NEW_YORK, HAWAII = "+18005551234", "+12127360199", "+18087360199"


@pytest.fixture
def platform(cloud: dict[str, str]) -> Platform:
    return Platform.open()


def place_call(platform: Platform, to: str, **where: str) -> tuple[int, dict[str, Any]]:
    """Place a call through Anima's handler."""
    place: Route = next(
        one for one in list_routes() if (one.operation.method, one.operation.path) == ("POST", "/v1/voice/calls")
    )
    answer = platform.ask(place, "/v1/voice/calls", json.dumps(platform.example_body(place) | {"to": to} | where))
    return answer.status_code, answer.json()


def test_a_number_without_a_place_needs_a_stated_zone_or_state(platform: Platform) -> None:
    status, told = place_call(platform, TOLL_FREE)
    assert (status, told["code"]) == (403, "QUIET_HOURS_BLOCKED")
    assert place_call(platform, TOLL_FREE, timeZone="America/New_York")[0] < 300
    assert place_call(platform, TOLL_FREE, recipientState="NY")[0] < 300


def test_a_stated_place_can_only_narrow_the_hours(platform: Platform, frozen: clock.FrozenClock) -> None:
    assert place_call(platform, NEW_YORK)[0] < 300
    # Noon in New York is 7:00 in Hawaii.
    assert place_call(platform, NEW_YORK, timeZone="Pacific/Honolulu")[1]["code"] == "QUIET_HOURS_BLOCKED"
    assert place_call(platform, NEW_YORK, recipientState="HI")[1]["code"] == "QUIET_HOURS_BLOCKED"
    assert place_call(platform, HAWAII, timeZone="America/New_York")[1]["code"] == "QUIET_HOURS_BLOCKED"
    # 20:30: the day of Connecticut has ended, the day of New York has not.
    frozen.advance(hours=8, minutes=30)
    assert place_call(platform, NEW_YORK)[0] < 300
    assert place_call(platform, NEW_YORK, recipientState="CT")[1]["code"] == "QUIET_HOURS_BLOCKED"


@pytest.mark.parametrize("where", [{"timeZone": "Mars/Olympus"}, {"recipientState": "XX"}, {"recipientState": "New"}])
def test_an_invalid_place_is_refused(platform: Platform, where: dict[str, str]) -> None:
    status, _ = place_call(platform, TOLL_FREE, **where)
    assert status in (400, 403)


@pytest.mark.parametrize(
    ("where", "ends"),
    [
        ({"to": NEW_YORK}, "2026-01-16T02:00:00.000Z"),  # 21:00 in New York
        ({"to": NEW_YORK, "recipient_state": "CT"}, "2026-01-16T01:00:00.000Z"),  # 20:00 in New York
        ({"to": NEW_YORK, "time_zone": "America/Halifax"}, "2026-01-16T01:00:00.000Z"),  # 21:00 in Halifax
        ({"to": TOLL_FREE, "time_zone": "America/Chicago"}, "2026-01-16T03:00:00.000Z"),
    ],
)
def test_the_carrier_gets_the_end_of_the_window_to_the_minute(
    monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock, where: dict[str, str], ends: str
) -> None:
    carrier = Provider()
    monkeypatch.setattr(voice, "get_carrier", lambda: carrier.carrier)
    acme = tenant()
    asked = {"tier": "basic", "consent_source": "opt-in:web-form"} | where
    call = service.place_call(acme.caller(), Order.model_validate(asked))
    assert service.get_verdict(acme.caller(), call.id).allowed_until == ends
    frozen.advance(seconds=30)
    dialing.dial_call(call.org_id, call.id)
    (placement,) = carrier.placements
    assert clock.parse(placement.not_after or "") == clock.parse(ends)
    assert placement.not_after == ends


def test_the_carrier_gets_the_end_of_the_organizations_own_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    """The window at the time of dialing counts, not the window at acceptance."""
    carrier = Provider()
    monkeypatch.setattr(voice, "get_carrier", lambda: carrier.carrier)
    acme = tenant()
    asked = {"to": NEW_YORK, "tier": "basic", "consent_source": "opt-in:web-form"}
    call = service.place_call(acme.caller(), Order.model_validate(asked))
    organizations.set_calling_hours(acme.caller(master=True), {"start": "10:00", "end": "17:30"})
    dialing.dial_call(call.org_id, call.id)
    (placement,) = carrier.placements
    assert placement.not_after == "2026-01-15T22:30:00.000Z"
