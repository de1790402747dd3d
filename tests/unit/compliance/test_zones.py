"""Zones of a number: complete, and never fewer than the number may stand for."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from phonenumbers.tzdata import TIMEZONE_DATA

from switchboard.compliance import phone, zones
from switchboard.compliance.data import area_codes
from switchboard.compliance.data.area_codes import AREA_CODES, NON_GEOGRAPHIC, TERRITORIES

STATES = (
    "AK AL AR AZ CA CO CT DC DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT NC ND NE NH NJ NM NV NY OH OK OR "
    "PA RI SC SD TN TX UT VA VT WA WI WV WY"
)

#: Places of the library that all maps contradict. The table includes them, because they only narrow the window.
LIBRARY_ERRORS = {("689", "America/Chicago"), ("907", "Pacific/Honolulu")}


def have_same_clock(one: str, other: str) -> bool:
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


def test_the_table_has_every_zone_of_the_librarys_prefixes() -> None:
    placed: dict[str, set[str]] = defaultdict(set)
    for prefix, names in TIMEZONE_DATA.items():
        if prefix.startswith("1") and prefix[1:4] in AREA_CODES:
            placed[prefix[1:4]].update(names)
    for code, names in placed.items():
        for name in names:
            ours = AREA_CODES[code][1]
            known = any(have_same_clock(name, one) for one in ours)
            assert known or (code, name) in LIBRARY_ERRORS, f"{code}: {name} is not among {ours}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "+14234001234",
            {"America/New_York", "America/Chicago"},
        ),  # Chattanooga, which the library places in Chicago
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
        ("+12505551234", {"America/Vancouver", "America/Edmonton", "America/Fort_Nelson"}),
        ("+18076331234", {"America/Toronto", "America/Winnipeg"}),
        ("+17095551234", {"America/St_Johns", "America/Halifax"}),
        ("+18005551212", set()),
        ("+18885551212", set()),
        ("+15005550006", set()),
        ("+19995551212", set()),  # an unassigned code
        ("+80012345678", set()),
    ],
)
def test_a_number_has_the_expected_zones(text: str, expected: set[str]) -> None:
    assert set(zones.candidates(phone.parse(text))) == expected


def test_oregon_idaho_and_nevada_have_both_sides_of_their_boundaries() -> None:
    for code in ("541", "458", "208", "986", "775"):
        found = zones.candidates(phone.parse(f"+1{code}5551234"))
        assert any(have_same_clock(name, "America/Los_Angeles") for name in found)
        assert any(have_same_clock(name, "America/Denver") for name in found)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "/etc/localtime", "America", "x\0y"])
def test_an_invalid_zone_is_not_found(name: str) -> None:
    assert zones.load_zone(name) is None


def find_offset(name: str, year: int) -> list[timedelta | None]:
    moments = [datetime(year, month, 15, 12, tzinfo=UTC) for month in range(1, 13)]
    return [moment.astimezone(ZoneInfo(name)).utcoffset() for moment in moments]


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("+526141234567", "America/Chihuahua"),  # Mazatlán's in the library
        ("+526561234567", "America/Ciudad_Juarez"),
        ("+213212345678", "Africa/Algiers"),  # Paris'
        ("+212522345678", "Africa/Casablanca"),  # the Canaries'
        ("+50522123456", "America/Managua"),  # Chicago's
        ("+218212345678", "Africa/Tripoli"),  # Bucharest's
        ("+211912345678", "Africa/Juba"),  # Nairobi's
        ("+74012123456", "Europe/Kaliningrad"),  # Bucharest's
        ("+56612345678", "America/Punta_Arenas"),
        ("+56322100215", "Pacific/Easter"),  # the hospital of Hanga Roa
        ("+56322551350", "Pacific/Easter"),  # its labor inspection
        ("+56322553700", "Pacific/Easter"),  # a hotel there
        ("+56322551350", "America/Santiago"),
        ("+61889123456", "Australia/Darwin"),  # Adelaide's
        ("+61491570156", "Australia/Darwin"),
        ("+18676331234", "America/Whitehorse"),  # Vancouver's
        ("+34612345678", "Atlantic/Canary"),
    ],
)
def test_a_place_on_a_wrong_clock_in_the_library_has_the_right_zone_too(text: str, zone: str) -> None:
    assert zone in zones.candidates(phone.parse(text))


def test_valparaiso_keeps_its_own_clock() -> None:
    assert "Pacific/Easter" not in zones.candidates(phone.parse("+56322200000"))


def calling_codes() -> dict[str, tuple[str, ...]]:
    return {str(code): regions for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items() if code != 1}


#: Zones whose residents have no telephone of the country, or a telephone of another country.
NOBODYS = {("GL", "America/Danmarkshavn"), ("UA", "Europe/Simferopol")}


@pytest.mark.parametrize("year", [2026, 2027])
def test_the_librarys_table_covers_all_zones_of_its_countries(year: int) -> None:
    placed: dict[str, set[str]] = defaultdict(set)
    for code, regions in calling_codes().items():
        for prefix, names in TIMEZONE_DATA.items():
            if not prefix.startswith(code) or prefix.startswith("1"):
                continue
            assert all(ZoneInfo(name) for name in names)
            for region in regions:
                found = zones.widen_zones(names, region, year)
                assert set(names) <= found
                placed[region] |= found
    covered = {name for names in zones._ZONES_OF_PREFIXES.values() for name in names}
    for region, names in placed.items():
        for name in zones.of_country(region):
            known = any(find_offset(name, year) == find_offset(other, year) for other in names | covered)
            assert known or (region, name) in NOBODYS, f"{region}: {name} is in no prefix"


@pytest.mark.parametrize("year", [2026, 2027])
def test_every_prefix_has_a_zone_of_its_country(year: int) -> None:
    codes = calling_codes()
    for prefix, names in TIMEZONE_DATA.items():
        code = next((prefix[:length] for length in (1, 2, 3) if prefix[:length] in codes), None)
        if code is None:
            continue
        for region in codes[code]:
            own = zones.of_country(region)
            found = zones.widen_zones(names, region, year)
            assert not own or any(region in zones.countries_of(name) for name in found), (prefix, region)


@pytest.mark.parametrize(
    ("name", "countries"),
    [
        ("America/Toronto", ["CA"]),
        ("Canada/Eastern", ["CA"]),
        ("US/Pacific", ["US"]),
        ("Europe/London", ["GB"]),
        ("Asia/Calcutta", ["IN"]),
        ("Etc/UTC", []),
        ("Mars/Olympus", []),
    ],
)
def test_a_zone_has_the_expected_countries(name: str, countries: list[str]) -> None:
    assert zones.countries_of(name) == countries


def test_a_state_has_the_expected_zones() -> None:
    assert zones.of_state("FL") == ["America/Chicago", "America/New_York"]
    assert zones.of_state("PR") == ["America/Puerto_Rico"]
    assert zones.of_state("ON") == zones.of_state("") == []


def test_every_zone_of_canadas_codes_exists_and_is_canadian() -> None:
    for names in area_codes.CANADIAN_ZONES.values():
        assert all("CA" in zones.countries_of(name) for name in names)
