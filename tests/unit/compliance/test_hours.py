"""The hours rule for every kind of zone, both clock changes, every area code and every stricter state."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from switchboard.compliance import zones
from switchboard.compliance.data.area_codes import AREA_CODES
from switchboard.compliance.data.states import STATES
from switchboard.compliance.models import Whereabouts
from switchboard.compliance.store import Facts
from switchboard.compliance.verdicts import blocked_error
from switchboard.kit import clock
from tests.tables import each
from tests.unit.compliance.gate import CONSENT, NOON, at, check_hours, is_open, verdict

EDGES = [("07:59:59", False), ("08:00:00", True), ("20:59:59", True), ("21:00:00", False)]

#: A number for every kind of clock, in states without rules of their own.
ZONES = {
    "America/New_York": "+12125551234",
    "America/Chicago": "+16155551234",
    "America/Denver": "+13035551234",
    "America/Phoenix": "+16025551234",
    "Pacific/Honolulu": "+18085551234",
    "America/Puerto_Rico": "+17875551234",
    "America/St_Thomas": "+13407741234",
    "Pacific/Guam": "+16715551234",
    "Pacific/Pago_Pago": "+16842581234",
}

#: The days around both clock changes of 2026, and ordinary days of winter and summer.
DAYS = ["2026-01-14", "2026-03-07", "2026-03-08", "2026-03-09", "2026-07-15", "2026-10-31", "2026-11-01", "2026-11-02"]


@each("day", DAYS)
@each("zone, to", ZONES.items())
def test_the_federal_window_by_the_called_partys_clock(zone: str, to: str, day: str) -> None:
    for edge, expected in EDGES:
        assert is_open(to, at(zone, f"{day} {edge}")) is expected, edge


def test_the_window_moves_with_the_clocks() -> None:
    assert not is_open("+12125551234", at("UTC", "2026-03-07 12:59:59"))
    assert is_open("+12125551234", at("UTC", "2026-03-07 13:00:00"))
    assert is_open("+12125551234", at("UTC", "2026-03-08 12:00:00"))
    assert not is_open("+12125551234", at("UTC", "2026-11-01 12:59:59"))


def test_arizona_does_not_move_its_clocks_and_the_navajo_nation_does() -> None:
    summer = at("America/Phoenix", "2026-07-15 20:30:00")
    assert is_open("+16025551234", summer)
    assert not is_open("+19285551234", summer)  # 9:30 in the Navajo Nation
    assert is_open("+19285551234", at("America/Phoenix", "2026-01-14 20:30:00"))


STRADDLING = sorted(code for code, (_, zones) in AREA_CODES.items() if len(zones) > 1)


@each("day", ["2026-01-14", "2026-03-09", "2026-07-15", "2026-11-02"])
@each("code", STRADDLING)
def test_an_area_code_of_two_zones_is_open_only_while_both_are(code: str, day: str) -> None:
    state, names = AREA_CODES[code]
    rule = STATES.get(state)
    start, end = 8, 21
    if rule:
        assert rule.weekdays
        start, end = max(start, rule.weekdays.start // 60), min(end, rule.weekdays.end // 60)
    own = [ZoneInfo(name) for name in names]
    opens = max(datetime.fromisoformat(f"{day} {start:02}:00").replace(tzinfo=zone).timestamp() for zone in own)
    closes = min(datetime.fromisoformat(f"{day} {end:02}:00").replace(tzinfo=zone).timestamp() for zone in own)
    to, utc = f"+1{code}5551234", ZoneInfo("UTC")
    for second, expected in [(opens - 1, False), (opens, True), (closes - 1, True), (closes, False)]:
        assert is_open(to, datetime.fromtimestamp(second, utc)) is expected


@pytest.mark.parametrize("to", ["+14234001234", "+18502901234"])
def test_a_number_that_the_library_places_in_one_zone_of_two(to: str) -> None:
    ends = {"+14234001234": "20:00", "+18502901234": "19:00"}[to]  # Central; Florida closes at 20:00
    assert not is_open(to, at("America/Chicago", "2026-01-14 07:59:59"))  # almost 9:00 in the east
    assert is_open(to, at("America/Chicago", "2026-01-14 08:00:00"))
    assert is_open(to, at("America/Chicago", f"2026-01-14 {ends}:00") - timedelta(seconds=1))
    assert not is_open(to, at("America/Chicago", f"2026-01-14 {ends}:00"))
    found = check_hours(to, at("America/Chicago", "2026-01-14 12:00:00")).details
    assert found["zones"] == ["America/Chicago", "America/New_York"]
    assert found["zone_certainty"] == "guess"


@pytest.mark.parametrize("code", ["800", "833", "844", "855", "866", "877", "888", "500", "700", "900"])
def test_a_number_without_a_place_needs_the_recipients_zone(code: str) -> None:
    to, noon = f"+1{code}5551234", at("America/New_York", "2026-01-14 12:00:00")
    refused = verdict(to, noon)
    assert (refused.code, refused.next_allowed_at, refused.timezones) == ("zone_unknown", None, [])
    assert refused.find_result("quiet_hours").reason == "number_of_no_place"
    for edge, expected in EDGES:
        assert is_open(to, at("America/Denver", f"2026-01-14 {edge}"), timezone="America/Denver") is expected


def test_a_refusal_without_a_zone_says_what_to_state() -> None:
    message = str(blocked_error(verdict("+18005551234", NOON)))
    assert message.endswith("send their IANA time zone, such as America/New_York, or their state, such as NY.")


@pytest.mark.parametrize(("time", "result"), [("12:00", "pass"), ("22:00", "block")])
def test_a_result_names_what_it_was_decided_on(time: str, result: str) -> None:
    now = at("America/New_York", f"2026-01-14 {time}:00")
    found = check_hours("+12125551234", now)
    assert found.result == result
    assert (found.input["area_code"], found.input["at"]) == ("212", clock.format_iso(now))
    assert found.details["area_codes"] == zones.VERSION


def test_an_unknown_area_code_has_no_zone() -> None:
    assert check_hours("+19995551212", at("UTC", "2026-01-14 18:00:00")).reason == "no_zone_of_number"


def test_a_stated_zone_narrows_the_numbers_and_never_replaces_them() -> None:
    early = at("America/New_York", "2026-01-14 08:30:00")
    assert is_open("+12125551234", early)
    found = check_hours("+12125551234", early, timezone="America/Denver")
    assert (found.result, found.code) == ("block", "quiet_hours")
    assert (found.details["zone_certainty"], found.details["zone_source"]) == ("stated", "both")
    assert found.details["zones"] == ["America/Denver", "America/New_York"]
    # An agent that wants to call New York at 1:00 states Honolulu: the call is refused.
    night = at("America/New_York", "2026-01-15 01:00:00")
    assert check_hours("+12125551234", night, timezone="Pacific/Honolulu").details["closed_in"] == ["America/New_York"]
    for edge, expected in [("09:59:59", False), ("10:00:00", True), ("20:59:59", True), ("21:00:00", False)]:
        moment = at("America/New_York", f"2026-01-14 {edge}")
        assert is_open("+12125551234", moment, timezone="America/Denver") is expected


def test_a_confirmed_zone_of_a_contact_replaces_the_numbers_zones() -> None:
    told = {"timezone": "America/Denver", "zone_confirmed": True}
    for edge, expected in EDGES:
        assert is_open("+12125551234", at("America/Denver", f"2026-01-14 {edge}"), **told) is expected
    found = check_hours("+12125551234", at("America/Denver", "2026-01-14 12:00:00"), **told)
    assert (found.details["zone_source"], found.details["zone_certainty"]) == ("contact", "confirmed")
    assert found.input["zone_confirmed"] is True
    # An empty confirmation changes nothing, so the number's own zones apply.
    assert check_hours("+12125551234", NOON, zone_confirmed=True).details["zones"] == ["America/New_York"]


def test_the_laws_of_the_recipients_state_and_of_the_number_both_apply() -> None:
    evening = at("America/New_York", "2026-01-14 20:00:00")
    assert is_open("+12125551234", evening)
    found = check_hours("+12125551234", evening, state="fl", timezone="America/New_York")
    assert found.code == "quiet_hours"
    assert any(text.startswith("US-FL since 2021-07-01: Fla. Stat.") for text in found.details["law"])
    assert is_open("+12125551234", evening - timedelta(seconds=1), state="US-FL", timezone="America/New_York")
    # Without a zone, all zones of the state count: western Florida is on Central time.
    assert check_hours("+12125551234", evening, state="FL").details["zones"] == ["America/Chicago", "America/New_York"]
    # The number's own law applies with any contact record.
    told = {"state": "NY", "timezone": "America/New_York", "zone_confirmed": True}
    assert not is_open("+13055551234", evening, **told)


def test_a_recipients_state_applies_to_a_number_of_another_country() -> None:
    noon = at("Europe/London", "2026-01-14 13:30:00")
    assert is_open("+442079460000", noon)
    assert not is_open("+442079460000", noon, state="CT")  # 20:30 in Connecticut
    assert is_open("+442079460000", noon + timedelta(minutes=30), state="CT")


@pytest.mark.parametrize("state", ["", "XX", "Florida", "ON", "F"])
def test_an_invalid_recipients_state_is_refused(state: str) -> None:
    found = check_hours("+12125551234", NOON, state=state)
    if state:
        assert (found.code, found.reason) == ("zone_unknown", "recipient_state_unknown")
    else:
        assert found.result == "pass"


@pytest.mark.parametrize("code", ["800", "888"])
def test_a_toll_free_number_is_called_by_the_stated_place_of_its_holder(code: str) -> None:
    to = f"+1{code}5551234"
    for edge, expected in [("07:59:59", False), ("08:00:00", True), ("19:59:59", True), ("20:00:00", False)]:
        assert is_open(to, at("America/New_York", f"2026-01-14 {edge}"), state="MA") is expected
    # A number that Canada shares follows Canada's hours if its holder is there.
    for edge, expected in [("08:59:59", False), ("09:00:00", True), ("20:59:59", True), ("21:00:00", False)]:
        moment = at("America/Toronto", f"2026-01-14 {edge}")
        assert is_open(to, moment, timezone="America/Toronto") is expected
        assert is_open(to, moment, timezone="Canada/Eastern") is expected
    assert not is_open(to, at("America/Toronto", "2026-01-17 18:00:00"), timezone="America/Toronto")


@pytest.mark.parametrize("zone", ["Factory", "localtime", "Etc/GMT+10", "Etc/UTC", "UTC", "EST5EDT"])
def test_a_zone_without_a_country_is_refused(zone: str) -> None:
    # Nobody lives there: the caller could choose any clock, without the law of a country.
    found = check_hours("+18885551234", NOON, timezone=zone, state="NY")
    assert (found.code, found.reason) == ("zone_unknown", "recipient_zone_of_no_country")
    assert (
        check_hours("+12125551234", NOON, timezone=zone, zone_confirmed=True).reason == "recipient_zone_of_no_country"
    )
    record = Whereabouts(time_zone=zone, state="NY", confirmed=True, by="usr_1", at="2026-01-01T00:00:00Z")
    found = verdict("+12125551234", NOON, replace(Facts(), whereabouts=record)).find_result("quiet_hours")
    assert (found.code, found.reason) == ("zone_unknown", "recipient_zone_of_no_country")


#: 1:00 in New York and 20:00 in Honolulu; 17:00 in New York and noon in Honolulu.
NIGHT, AFTERNOON = (at("America/New_York", f"2026-01-15 {hour}:00:00") for hour in ("01", "17"))


@pytest.mark.parametrize("to", ["+18885551234", "+12125551234"])
@pytest.mark.parametrize("confirmed", [True, False])
def test_a_zone_and_a_state_that_contradict_each_other_narrow_the_hours(to: str, confirmed: bool) -> None:
    told = {"timezone": "Pacific/Honolulu", "state": "NY", "zone_confirmed": confirmed}
    found = check_hours(to, NIGHT, **told)
    assert (found.reason, found.details["closed_in"]) == ("outside_hours", ["America/New_York"])
    assert not is_open(to, at("America/New_York", "2026-01-15 09:00:00"), **told), "4:00 in Honolulu"
    assert is_open(to, AFTERNOON, **told)


def test_a_confirmed_record_that_contradicts_itself_narrows_the_hours() -> None:
    record = Whereabouts(
        time_zone="Pacific/Honolulu", state="NY", confirmed=True, by="usr_1", at="2026-01-01T00:00:00Z"
    )
    facts = replace(Facts(), whereabouts=record)
    found = verdict("+12125551234", NIGHT, facts).find_result("quiet_hours")
    assert (found.result, found.details["zones"]) == ("block", ["America/New_York", "Pacific/Honolulu"])
    assert verdict("+12125551234", AFTERNOON, facts).find_result("quiet_hours").result == "pass"


@pytest.mark.parametrize(
    ("zone", "state", "zones"),
    [
        ("America/New_York", "FL", ["America/New_York"]),  # one of the state's two
        ("America/Chicago", "FL", ["America/Chicago"]),
        ("US/Eastern", "NY", ["US/Eastern"]),  # another name of the same clock
        ("America/Detroit", "NY", ["America/Detroit"]),
        ("America/Denver", "FL", ["America/Chicago", "America/Denver", "America/New_York"]),
        ("EST", "NY", ["America/New_York", "EST"]),  # Panama's, without summer time
    ],
)
def test_a_zone_selects_among_the_zones_of_the_state(zone: str, state: str, zones: list[str]) -> None:
    assert check_hours("+18885551234", AFTERNOON, timezone=zone, state=state).details["zones"] == zones


def test_an_invalid_recipients_zone_is_refused() -> None:
    found = check_hours("+12125551234", at("America/New_York", "2026-01-14 12:00:00"), timezone="Mars/Olympus")
    assert (found.code, found.reason) == ("zone_unknown", "recipient_zone_malformed")


# The hours of the states, written here again: (weekday, Saturday, Sunday) as open and close, None for closed all day.
STATE_HOURS: dict[str, tuple[str, str | None, str | None]] = {
    "AL": ("8-20", "8-20", None),
    "CA": ("9-21", "9-21", "9-21"),  # calls by an artificial voice
    "CT": ("9-20", "9-20", "9-20"),
    "FL": ("8-20", "8-20", "8-20"),
    "IL": ("9-21", "9-21", "9-21"),  # calls by an artificial voice
    "IN": ("9-20", "9-20", "9-20"),  # calls by an artificial voice
    "KY": ("10-21", "10-21", "10-21"),
    "LA": ("8-20", "8-20", None),
    "MA": ("8-20", "8-20", "8-20"),
    "MD": ("8-20", "8-20", "8-20"),
    "ME": ("9-17", None, None),
    "MI": ("9-21", "9-21", "9-21"),
    "MN": ("9-21", "9-21", "9-21"),
    "MS": ("8-20", "8-20", None),
    "NE": ("8-21", "8-21", "13-21"),
    "NM": ("9-21", "9-21", "9-21"),
    "NV": ("9-20", "9-20", "9-20"),
    "OK": ("8-20", "8-20", "8-20"),
    "OR": ("8-20", "8-20", "8-20"),
    "PA": ("9-19", "9-12", None),
    "RI": ("9-18", "10-17", None),
    "SC": ("8-21", "8-21", "8-21"),
    "SD": ("9-21", None, None),
    "TX": ("9-21", "9-21", "12-21"),
    "UT": ("8-21", "8-21", None),
    "WA": ("8-20", "8-20", "8-20"),
    "WY": ("8-20", "8-20", "8-20"),
}
#: For each state an area code that touches only one zone, if there is one.
STATE_CODES = {
    "AL": ("205", "America/Chicago"),
    "CA": ("213", "America/Los_Angeles"),
    "CT": ("203", "America/New_York"),
    "FL": ("305", "America/New_York"),
    "IL": ("312", "America/Chicago"),
    "IN": ("317", "America/New_York"),
    "KY": ("502", "America/New_York"),
    "LA": ("504", "America/Chicago"),
    "MA": ("617", "America/New_York"),
    "MD": ("410", "America/New_York"),
    "ME": ("207", "America/New_York"),
    "MI": ("313", "America/New_York"),
    "MN": ("612", "America/Chicago"),
    "MS": ("601", "America/Chicago"),
    "NE": ("402", "America/Chicago"),
    "NM": ("505", "America/Denver"),
    "NV": ("702", "America/Los_Angeles"),
    "OK": ("405", "America/Chicago"),
    "OR": ("503", "America/Los_Angeles"),
    "PA": ("215", "America/New_York"),
    "RI": ("401", "America/New_York"),
    "SC": ("803", "America/New_York"),
    "SD": ("605", "America/Chicago"),
    "TX": ("210", "America/Chicago"),
    "UT": ("801", "America/Denver"),
    "WA": ("206", "America/Los_Angeles"),
    "WY": ("307", "America/Denver"),
}
#: Their codes touch two zones: their contacts state the place.
TWO_ZONES = {"NE", "SD"}
WEEK = {"2026-01-14": 0, "2026-07-17": 0, "2026-01-17": 1, "2026-07-18": 1, "2026-01-18": 2, "2026-07-19": 2}


def test_the_tests_cover_every_state_with_a_rule() -> None:
    assert set(STATES) == set(STATE_HOURS) == set(STATE_CODES)


@each("day", WEEK)
@each("state", STATE_HOURS)
def test_a_states_hours_on_weekdays_saturdays_and_sundays(state: str, day: str) -> None:
    code, zone = STATE_CODES[state]
    to, window = f"+1{code}5551234", STATE_HOURS[state][WEEK[day]]
    given = {"timezone": zone, "zone_confirmed": True} if state in TWO_ZONES else {}
    if window is None:
        assert not any(is_open(to, at(zone, f"{day} {hour:02}:30:00"), **given) for hour in range(24))
        return
    start, end = (datetime.fromisoformat(f"{day} {int(hour):02}:00:00") for hour in window.split("-"))
    second = timedelta(seconds=1)
    for moment, expected in [(start - second, False), (start, True), (end - second, True), (end, False)]:
        assert is_open(to, at(zone, moment.isoformat(" ")), **given) is expected, moment


@each("day", ["2026-07-03", "2026-12-25", "2026-05-25", "2026-06-19"])
@each("state", STATE_HOURS)
def test_a_state_without_calls_on_holidays_is_closed_from_midnight_to_midnight(state: str, day: str) -> None:
    code, zone = STATE_CODES[state]
    to, closed = f"+1{code}5551234", state in {"AL", "LA", "PA", "RI", "UT"}
    given = {"timezone": zone, "zone_confirmed": True} if state in TWO_ZONES else {}
    assert is_open(to, at(zone, f"{day} 13:00:00"), **given) is not closed
    if closed:
        before = datetime.fromisoformat(day) - timedelta(days=1)
        closes = {"AL": 20, "LA": 20, "PA": 19, "RI": 18}.get(state, 21)
        last = time(closes - 1, 59, 59)
        if before.weekday() < 5:
            assert is_open(to, at(zone, datetime.combine(before, last).isoformat(" ")))
        assert not any(is_open(to, at(zone, f"{day} {hour:02}:00:00")) for hour in range(24))


@pytest.mark.parametrize("day", ["2026-07-03", "2026-04-24", "2026-11-27", "2026-01-18"])
def test_nebraska_opens_at_13_on_sundays_and_holidays(day: str) -> None:
    for edge, expected in [("12:59:59", False), ("13:00:00", True), ("20:59:59", True), ("21:00:00", False)]:
        told = {"timezone": "America/Chicago", "zone_confirmed": True}
        assert is_open("+14025551234", at("America/Chicago", f"{day} {edge}"), **told) is expected


def test_utah_observes_juneteenth_on_a_monday_and_good_friday_from_2026() -> None:
    for day, expected in [
        ("2026-04-03", True),  # Good Friday, before it was a holiday
        ("2026-06-12", True),
        ("2026-06-15", False),  # the Monday before a Friday, the 19th
        ("2026-06-16", True),
        ("2026-06-19", False),  # the day itself: closing it costs little
        ("2027-03-25", True),
        ("2027-03-26", False),
        ("2027-06-21", False),  # the Monday after a Saturday
        ("2026-11-03", True),  # Election Day, before it was a holiday
        ("2028-11-07", False),
    ]:
        assert is_open("+18015551234", at("America/Denver", f"{day} 12:00:00")) is expected, day


@pytest.mark.parametrize(
    ("to", "zone"),
    [
        ("+12135551234", "America/Los_Angeles"),
        ("+12075551234", "America/New_York"),
        ("+13175551234", "America/New_York"),
    ],
)
def test_laws_on_artificial_voices_do_not_apply_to_texts(to: str, zone: str) -> None:
    for edge, expected in EDGES:
        assert is_open(to, at(zone, f"2026-01-17 {edge}"), channel="sms") is expected


def test_oregons_hours_apply_from_2026() -> None:
    for edge, expected in [("2025-12-31 20:30:00", True), ("2026-01-01 20:30:00", False)]:
        assert is_open("+15035551234", at("America/Los_Angeles", edge), consent=CONSENT) is expected


def test_illinois_opens_for_texts_an_hour_before_artificial_voices() -> None:
    eight = at("America/Chicago", "2026-01-14 08:00:00")
    assert is_open("+13125551234", eight, channel="sms")
    assert not is_open("+13125551234", eight, channel="voice")


def test_south_dakota_is_open_while_both_its_zones_are() -> None:
    assert not is_open("+16055551234", at("America/Chicago", "2026-01-14 09:59:59"))
    assert is_open("+16055551234", at("America/Chicago", "2026-01-14 10:00:00"))
    assert not is_open("+16055551234", at("America/Chicago", "2026-01-14 21:00:00"))


def test_mississippi_uses_central_time_for_every_recipient() -> None:
    evening = at("America/Chicago", "2026-01-14 20:00:00")
    given = {"timezone": "America/Los_Angeles", "zone_confirmed": True}
    assert not is_open("+16015551234", evening, **given)
    assert is_open("+16015551234", evening - timedelta(seconds=1), **given)


def test_a_states_law_applies_to_its_numbers_for_every_place_of_the_recipient() -> None:
    assert not is_open("+13055551234", at("America/Chicago", "2026-01-14 20:00:00"), timezone="America/Chicago")
    told = {"timezone": "America/New_York", "zone_confirmed": True}
    assert not is_open("+13055551234", at("America/New_York", "2026-01-14 20:00:00"), **told)


def test_an_organizations_window_narrows_the_laws_window() -> None:
    window = {"start": "10:30", "end": "16:00"}
    edges = [("10:29:59", False), ("10:30:00", True), ("15:59:59", True), ("16:00:00", False)]
    for edge, expected in edges:
        assert is_open("+12125551234", at("America/New_York", f"2026-01-14 {edge}"), window=window) is expected


def test_an_organizations_window_never_widens_the_laws_window() -> None:
    window = {"start": "00:00", "end": "24:00"}
    for edge, expected in EDGES:
        assert is_open("+12125551234", at("America/New_York", f"2026-01-14 {edge}"), window=window) is expected


#: A number of a country without rows, and a zone that it may be in.
ELSEWHERE = {
    "+442079460000": "Europe/London",
    "+12425551234": "America/Nassau",
    "+40712345678": "Europe/Bucharest",
    "+81312345678": "Asia/Tokyo",
    "+919876543210": "Asia/Kolkata",
}


@pytest.mark.parametrize("day", ["2026-01-14", "2026-01-18", "2026-03-29", "2026-07-15", "2026-10-25"])
@pytest.mark.parametrize(("to", "zone"), ELSEWHERE.items())
def test_a_country_without_rows_is_open_from_8_to_21(to: str, zone: str, day: str) -> None:
    for edge, expected in EDGES:
        assert is_open(to, at(zone, f"{day} {edge}")) is expected, edge


def test_a_foreign_mobile_number_is_called_while_all_its_zones_are_open() -> None:
    # Australia from the Cocos Islands (UTC+6:30) to Lord Howe and Sydney (UTC+11).
    for edge, expected in [("01:29:59", False), ("01:30:00", True), ("09:59:59", True), ("10:00:00", False)]:
        assert is_open("+61491570156", at("UTC", f"2026-01-14 {edge}")) is expected


@pytest.mark.parametrize(
    ("day", "start", "end"),
    [
        ("2026-01-14", "09:00:00", "21:30:00"),
        ("2026-07-17", "09:00:00", "21:30:00"),
        ("2026-01-17", "10:00:00", "18:00:00"),
        ("2026-07-19", "10:00:00", "18:00:00"),
    ],
)
@pytest.mark.parametrize("channel", ["voice", "sms"])
def test_canada_has_its_own_hours(day: str, start: str, end: str, channel: str) -> None:
    second = timedelta(seconds=1)
    first, last = (at("America/Toronto", f"{day} {text}") for text in (start, end))
    for moment, expected in [(first - second, False), (first, True), (last - second, True), (last, False)]:
        assert is_open("+14165551234", moment, channel=channel) is expected
    found = check_hours("+14165551234", first)
    assert found.input["region"] == "CA"
    assert found.details["law"][0].startswith("CA since 2008-09-30: CRTC")
    assert found.details["unchecked"] == ["CA"]


@pytest.mark.parametrize("to", ["+881612345678", "+870773111632", "+80012345678", "+882161234567"])
def test_a_number_of_no_country_needs_the_stated_place_of_its_holder(to: str) -> None:
    for hour in range(24):
        found = verdict(to, at("UTC", f"2026-01-14 {hour:02}:00:00"))
        assert (found.code, found.find_result("quiet_hours").reason) == ("zone_unknown", "number_of_no_place")
    for edge, expected in EDGES:
        assert is_open(to, at("Asia/Tokyo", f"2026-01-14 {edge}"), timezone="Asia/Tokyo") is expected


def test_an_organizations_window_applies_in_every_country() -> None:
    window = {"start": "09:00", "end": "18:00"}
    for edge, expected in [("08:59:59", False), ("09:00:00", True), ("17:59:59", True), ("18:00:00", False)]:
        assert is_open("+442079460000", at("Europe/London", f"2026-07-15 {edge}"), window=window) is expected
    # An Australian mobile number may be anywhere from the Cocos Islands to Sydney.
    for edge, expected in [("02:29:59", False), ("02:30:00", True), ("06:59:59", True), ("07:00:00", False)]:
        assert is_open("+61491570156", at("UTC", f"2026-01-14 {edge}"), window=window) is expected
    assert check_hours("+80012345678", at("UTC", "2026-01-14 12:00:00"), window=window).code == "zone_unknown"


@pytest.mark.parametrize("to", ["+14155550142", "+15005550006", "+15005550010"])
def test_an_unassigned_number_passes_at_any_hour(to: str) -> None:
    for hour in range(24):
        found = verdict(to, at("America/Los_Angeles", f"2026-01-14 {hour:02}:00:00"))
        assert found.allowed
        assert found.find_result("quiet_hours").reason == "unreachable_number"


def test_a_test_key_passes_at_any_hour() -> None:
    found = verdict("+12125551234", at("America/New_York", "2026-01-14 03:00:00"), simulated=True)
    assert found.allowed
    assert found.find_result("quiet_hours").reason == "simulated"


@pytest.mark.parametrize("simulated", [False, True])
def test_a_magic_number_is_refused_at_any_hour(simulated: bool) -> None:
    for hour in (3, 12):
        found = verdict("+15005550024", at("America/New_York", f"2026-01-14 {hour:02}:00:00"), simulated=simulated)
        assert found.code == "quiet_hours"
    assert found.next_allowed_at == "2026-01-15T13:00:00.000Z"
