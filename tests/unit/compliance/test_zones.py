"""Zones of a number: complete, and never fewer than the number may stand for."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from phonenumbers.tzdata import TIMEZONE_DATA

from switchboard.compliance import phone, zones
from switchboard.compliance.data.area_codes import AREA_CODES, NON_GEOGRAPHIC, TERRITORIES

STATES = (
    "AK AL AR AZ CA CO CT DC DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT NC ND NE NH NJ NM NV NY OH OK OR "
    "PA RI SC SD TN TX UT VA VT WA WI WV WY"
)

#: What the library says of an area code against all maps: it is heeded, since it only narrows the window.
LIBRARY_ERRORS = {("689", "America/Chicago"), ("907", "Pacific/Honolulu")}


def same_clock(one: str, other: str) -> bool:
    moments = [datetime(2026, month, 15, 12, tzinfo=UTC) for month in range(1, 13)]
    return all(
        moment.astimezone(ZoneInfo(one)).utcoffset() == moment.astimezone(ZoneInfo(other)).utcoffset()
        for moment in moments
    )


def test_the_table_has_every_state_and_territory() -> None:
    assert {state for state, _ in AREA_CODES.values()} == {*STATES.split(), *TERRITORIES}


def test_every_zone_of_the_table_exists() -> None:
    for _, names in AREA_CODES.values():
        assert all(ZoneInfo(name) for name in names)


def test_the_library_knows_no_american_area_code_that_the_table_lacks() -> None:
    american = {"US", *TERRITORIES}
    for code in map(str, range(200, 1000)):
        number = phonenumbers.parse(f"+1{code}2345678")
        if phonenumbers.is_valid_number(number) and phonenumbers.region_code_for_number(number) in american:
            assert code in AREA_CODES or code in NON_GEOGRAPHIC, code


def test_no_other_country_has_an_area_code_of_the_table() -> None:
    for code in AREA_CODES:
        number = phonenumbers.parse(f"+1{code}2345678")
        assert phonenumbers.region_code_for_number(number) in {None, "US", *TERRITORIES}


def test_the_table_has_every_zone_in_which_the_library_places_a_prefix() -> None:
    placed: dict[str, set[str]] = defaultdict(set)
    for prefix, names in TIMEZONE_DATA.items():
        if prefix.startswith("1") and prefix[1:4] in AREA_CODES:
            placed[prefix[1:4]].update(names)
    for code, names in placed.items():
        for name in names:
            ours = AREA_CODES[code][1]
            known = any(same_clock(name, one) for one in ours)
            assert known or (code, name) in LIBRARY_ERRORS, f"{code}: {name} is not among {ours}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+14234001234", {"America/New_York", "America/Chicago"}),  # Chattanooga, which the library puts in Chicago's
        ("+18502901234", {"America/New_York", "America/Chicago"}),
        ("+17292341234", {"America/New_York", "America/Chicago"}),  # newer than the library
        ("+13345551234", {"America/New_York", "America/Chicago"}),
        ("+19285551234", {"America/Phoenix", "America/Denver"}),
        ("+16025551234", {"America/Phoenix"}),
        ("+19075551234", {"America/Anchorage", "America/Adak"}),
        ("+18085551234", {"Pacific/Honolulu"}),
        ("+19155551234", {"America/Denver"}),
        ("+17875551234", {"America/Puerto_Rico"}),
        ("+16715551234", {"Pacific/Guam"}),
        ("+442079460000", {"Europe/London"}),
        ("+14165551234", {"America/Toronto"}),
        ("+18005551212", set()),
        ("+18885551212", set()),
        ("+15005550006", set()),
        ("+19995551212", set()),  # a code that nobody has
        ("+80012345678", set()),
    ],
)
def test_the_zones_of_a_number(text: str, expected: set[str]) -> None:
    assert set(zones.candidates(phone.parse(text))) == expected


def test_oregon_idaho_and_nevada_have_both_sides_of_their_boundaries() -> None:
    for code in ("541", "458", "208", "986", "775"):
        found = zones.candidates(phone.parse(f"+1{code}5551234"))
        assert any(same_clock(name, "America/Los_Angeles") for name in found)
        assert any(same_clock(name, "America/Denver") for name in found)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "/etc/localtime", "America", "x\0y"])
def test_a_zone_that_is_none_is_not_found(name: str) -> None:
    assert zones.zone(name) is None
