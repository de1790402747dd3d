"""Where an organization's records say that a number's holder is."""

from __future__ import annotations

import pytest

from switchboard.aws.writes import commit
from switchboard.compliance import whereabouts
from switchboard.compliance.models import ContactAttempt, StatedConsent
from switchboard.compliance.service import evaluate
from switchboard.errors import Invalid
from switchboard.kit import clock
from tests.actors import Tenant, tenant

NUMBER = "+14155512345"


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ((None, None), (None, None)),
        (("America/New_York", None), ("America/New_York", None)),
        ((None, "ny"), (None, "NY")),
        (("Europe/Vienna", "PR"), ("Europe/Vienna", "PR")),
    ],
)
def test_a_zone_and_a_state_are_taken_as_the_gate_takes_them(
    given: tuple[str | None, str | None], taken: tuple[str | None, str | None]
) -> None:
    assert whereabouts.parse_whereabouts(*given) == taken


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        (("Mars/Olympus", None), {"time_zone"}),
        (("Etc/GMT+5", None), {"time_zone"}),
        (("", None), {"time_zone"}),
        ((None, "XX"), {"state"}),
        ((None, ""), {"state"}),
        (("Mars/Olympus", "New York"), {"time_zone", "state"}),
    ],
)
def test_where_nobody_can_be_is_refused_field_by_field(given: tuple[str | None, str | None], fields: set[str]) -> None:
    with pytest.raises(Invalid) as refused:
        whereabouts.parse_whereabouts(*given)
    assert refused.value.code == "place_unknown"
    assert set(refused.value.details["fields"]) == fields


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


def zones(acme: Tenant) -> list[str]:
    consent = StatedConsent(source="opt-in:web-form", date="2025-06-01")
    return evaluate(ContactAttempt(org_id=acme.org_id, channel="voice", to=NUMBER, consent=consent)).timezones


def test_the_gate_goes_by_the_record_until_it_is_forgotten(acme: Tenant) -> None:
    assert zones(acme) == ["America/Los_Angeles"]
    caller = acme.caller(master=True)
    commit(whereabouts.record_writes(caller, NUMBER, "America/New_York", None, confirmed=True))
    assert zones(acme) == ["America/New_York"]
    commit(whereabouts.record_writes(caller, NUMBER, None, "HI", confirmed=False))
    assert zones(acme) == ["America/Los_Angeles", "Pacific/Honolulu"]
    commit(whereabouts.record_writes(caller, NUMBER, None, None, confirmed=False))
    assert zones(acme) == ["America/Los_Angeles"]
