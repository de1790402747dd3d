"""The next allowed time of a refused contact: the contact is allowed then, and not a minute earlier."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.carriers.registries import RegistryAnswer
from switchboard.compliance import hours, phone, service, verdicts, zones
from switchboard.compliance.data.area_codes import AREA_CODES
from switchboard.compliance.data.law import DayWindow
from switchboard.compliance.data.states import FEDERAL, STATES
from switchboard.compliance.hours import RecipientPlace, find_place
from switchboard.compliance.models import ContactAttempt
from switchboard.compliance.store import Facts
from switchboard.kit import clock
from tests.unit.compliance.gate import CONSENT, at, utc, verdict
from tests.unit.properties import example_settings


@pytest.mark.parametrize(
    ("to", "now", "expected"),
    [
        # before opening, after closing
        ("+12125551234", at("America/New_York", "2026-01-14 03:00:00"), at("America/New_York", "2026-01-14 08:00:00")),
        ("+12125551234", at("America/New_York", "2026-01-14 21:00:00"), at("America/New_York", "2026-01-15 08:00:00")),
        # over both clock changes
        ("+12125551234", at("America/New_York", "2026-03-07 22:00:00"), utc("2026-03-08T12:00:00Z")),
        ("+12125551234", at("America/New_York", "2026-10-31 22:00:00"), utc("2026-11-01T13:00:00Z")),
        # two zones: the western zone opens last, the eastern closes first
        ("+14234001234", at("America/Chicago", "2026-01-14 07:00:00"), at("America/Chicago", "2026-01-14 08:00:00")),
        ("+14234001234", at("America/Chicago", "2026-01-14 20:00:00"), at("America/Chicago", "2026-01-15 08:00:00")),
        # Saturday evening in Rhode Island; the Monday after is a holiday
        ("+14015551234", at("America/New_York", "2026-01-17 17:00:00"), at("America/New_York", "2026-01-20 09:00:00")),
        # Louisiana keeps Thanksgiving and the Friday after it
        ("+15045551234", at("America/Chicago", "2026-11-25 21:00:00"), at("America/Chicago", "2026-11-28 08:00:00")),
        # Texas on a Sunday
        ("+12105551234", at("America/Chicago", "2026-01-17 22:00:00"), at("America/Chicago", "2026-01-18 12:00:00")),
        # South Dakota from Friday evening; it closes on weekends and not on holidays
        ("+16055551234", at("America/Denver", "2026-01-16 20:30:00"), at("America/Denver", "2026-01-19 09:00:00")),
    ],
)
def test_the_next_opening(to: str, now: datetime, expected: datetime) -> None:
    found = verdict(to, now)
    assert (found.code, found.next_allowed_at) == ("quiet_hours", clock.format_iso(expected))
    assert verdict(to, expected).allowed
    assert not verdict(to, expected - timedelta(milliseconds=1)).allowed


def test_a_window_that_the_law_never_opens_has_no_next_opening() -> None:
    found = verdict("+12125551234", window={"start": "21:00", "end": "22:00"})
    assert (found.code, found.next_allowed_at) == ("quiet_hours", None)


def test_a_refusal_that_time_does_not_change_has_no_next_opening() -> None:
    night = at("America/New_York", "2026-01-14 03:00:00")
    found = verdict("+12125551234", night, Facts(blocked=True))
    assert (found.code, found.next_allowed_at) == ("dnc", None)
    assert found.find_result("quiet_hours").code == "quiet_hours"


#: Zones whose clocks change at midnight, by half an hour, or at the edge of a window.
ODD = {
    "America/Havana": "+5352345678",
    "Asia/Beirut": "+96171123456",
    "Australia/Lord_Howe": "+61265631234",
    "Atlantic/Azores": "+351295123456",
    "Pacific/Chatham": "+6433050123",
    "Africa/Cairo": "+201001234567",
}
MOMENTS = st.integers(
    min_value=int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()),
    max_value=int(datetime(2028, 1, 1, tzinfo=UTC).timestamp()),
).map(lambda second: datetime.fromtimestamp(second, UTC))
WINDOWS = (
    st.tuples(st.integers(0, 95), st.integers(0, 95))
    .filter(lambda pair: pair[0] < pair[1])
    .map(lambda pair: {"start": _quarter_text(pair[0]), "end": _quarter_text(pair[1])})
)


def _quarter_text(quarter: int) -> str:
    return f"{quarter // 4:02}:{quarter % 4 * 15:02}"


def fail_registry_query() -> RegistryAnswer:
    raise AssertionError("an informational call needs no registry")


def check_nothing_opens_before(to: str, now: datetime, **contact: Any) -> None:
    found = verdict(to, now, **contact)
    if found.allowed:
        assert found.next_allowed_at is None
        assert found.allowed_until
        end = utc(found.allowed_until)
        assert now < end <= now + timedelta(hours=25)
        assert verdict(to, end - timedelta(milliseconds=1), **contact).allowed
        assert not verdict(to, end, **contact).allowed
        return
    assert found.allowed_until is None
    assert found.code == "quiet_hours"
    asked = ContactAttempt(org_id="org_a", channel="voice", to=to, consent=CONSENT, **contact)
    consent = service._consent(asked, Facts(), now)
    case = verdicts.RuleInput(asked, phone.parse(to), Facts(), now, None, consent, lambda _: "no", fail_registry_query)
    where = find_place(case)
    assert isinstance(where, RecipientPlace)
    end = utc(found.next_allowed_at) if found.next_allowed_at else now + timedelta(days=hours.HORIZON_DAYS)
    minute = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    while minute < end:
        assert not hours.all_open(where.clocks, minute), minute
        minute += timedelta(minutes=1)
    if found.next_allowed_at:
        assert verdict(to, end, **contact).allowed
        assert not hours.all_open(where.clocks, end - timedelta(milliseconds=1))


@example_settings(60)
@given(st.sampled_from(sorted(AREA_CODES)), MOMENTS, st.none() | WINDOWS, st.sampled_from(["voice", "sms"]))
def test_the_next_opening_of_american_numbers(
    code: str, now: datetime, window: dict[str, str] | None, channel: str
) -> None:
    if window and (window["start"] >= "18:00" or window["end"] <= "10:30"):
        window = None  # the law may leave nothing of the window open: tested above, and slow to search
    check_nothing_opens_before(f"+1{code}5551234", now, window=window)


@example_settings(40)
@given(st.sampled_from(sorted(ODD)), MOMENTS, st.none() | WINDOWS)
def test_the_next_opening_of_foreign_numbers_with_the_organizations_window(
    zone: str, now: datetime, window: dict[str, str] | None
) -> None:
    if window and (window["start"] >= "18:00" or window["end"] <= "10:30"):
        window = None
    check_nothing_opens_before(ODD[zone], now, timezone=zone, zone_confirmed=True, window=window)


@pytest.mark.parametrize(
    ("zone", "start", "window", "expected"),
    [
        # the window begins in the hour that spring skips: it opens as the clocks change
        ("Europe/London", "2026-03-29T00:00:00Z", DayWindow(75, 200), "2026-03-29T01:00:00Z"),
        # Havana's clocks jump from 0:00 to 1:00
        ("America/Havana", "2026-03-08T04:00:00Z", DayWindow(30, 90), "2026-03-08T05:00:00Z"),
        # autumn repeats the window's last hour: it opens again as the clocks go back
        ("Europe/London", "2026-10-25T00:50:00Z", DayWindow(30, 105), "2026-10-25T01:00:00Z"),
        # autumn repeats its first minute, and only the second one is still ahead
        ("Europe/London", "2026-10-25T00:40:00Z", DayWindow(75, 90), "2026-10-25T01:15:00Z"),
    ],
)
def test_the_next_opening_of_windows_at_clock_changes(zone: str, start: str, window: DayWindow, expected: str) -> None:
    known = zones.load_zone(zone)
    assert known is not None
    clocks = hours.build_clocks([known], [], "voice", own=window)
    assert hours.next_opening(clocks, utc(start)) == utc(expected)


def test_several_states_of_one_code_apply_the_strictest_rule_of_each_kind() -> None:
    known = zones.load_zone("America/New_York")
    assert known is not None
    places = [("US", FEDERAL), *((f"US-{state}", STATES[state]) for state in ("KY", "FL", "RI"))]
    clocks = hours.build_clocks([known], places, "voice")
    wednesday = "2026-01-14 {}"
    for edge, expected in [("09:59:59", False), ("10:00:00", True), ("17:59:59", True), ("18:00:00", False)]:
        assert hours.all_open(clocks, at("America/New_York", wednesday.format(edge))) is expected


@pytest.mark.parametrize(
    ("time", "expected"),
    [("07:59", "2026-01-14 08:00"), ("08:00", "2026-01-15 08:00"), ("08:30", "2026-01-15 08:00")],
)
def test_the_magic_number_is_allowed_at_the_next_8_oclock_in_new_york(time: str, expected: str) -> None:
    found = verdict("+15005550024", at("America/New_York", f"2026-01-14 {time}:00"))
    assert found.next_allowed_at == clock.format_iso(at("America/New_York", f"{expected}:00"))
