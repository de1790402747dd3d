"""Business hours and holidays of a flow, on the clock of its zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.flows import holidays, hours
from switchboard.flows.models import WEEKDAYS, FlowSettings, Holiday
from tests.unit.properties import example_settings

CHICAGO = ZoneInfo("America/Chicago")


def flow(**settings: Any) -> FlowSettings:
    return FlowSettings.model_validate({"name": "Desk", "business_hours_enabled": True} | settings)


def window(start: str, end: str) -> dict[str, str]:
    return {"start": start, "end": end}


def is_open(desk: FlowSettings, at: str, zone: ZoneInfo = CHICAGO) -> bool:
    return hours.is_open_in(desk, datetime.fromisoformat(at).replace(tzinfo=zone), zone)


def test_a_day_has_several_windows_and_a_missing_day_is_closed() -> None:
    desk = flow(business_hours={"monday": [window("09:00", "12:00"), window("13:00", "17:00")]})
    opened = {at: is_open(desk, f"2026-06-01T{at}") for at in ("08:59", "09:00", "11:59", "12:00", "13:00", "17:00")}
    assert opened == {"08:59": False, "09:00": True, "11:59": True, "12:00": False, "13:00": True, "17:00": False}
    assert not is_open(desk, "2026-06-02T10:00")
    assert is_open(desk.model_copy(update={"business_hours_enabled": False}), "2026-06-02T10:00")


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_starts() -> None:
    desk = flow(business_hours={"friday": [window("22:00", "02:00")]}, holidays=[{"date": "2026-06-06"}])
    assert is_open(desk, "2026-06-05T23:00")
    assert is_open(desk, "2026-06-06T01:59")
    assert not is_open(desk, "2026-06-06T02:00")
    assert not is_open(desk, "2026-06-05T01:00")


def test_a_holiday_is_closed_or_has_its_own_hours() -> None:
    desk = flow(
        business_hours={day: [window("00:00", "24:00")] for day in WEEKDAYS},
        holidays=[
            {"name": "Christmas", "date": "12-25"},
            {"date": "2026-12-24", "hours": [window("09:00", "12:00")]},
            {"name": "Thanksgiving", "rule": "4th Thursday of November"},
        ],
    )
    assert not is_open(desk, "2026-12-25T10:00")
    assert not is_open(desk, "2031-12-25T10:00")
    assert is_open(desk, "2026-12-24T11:00")
    assert not is_open(desk, "2026-12-24T13:00")
    assert is_open(desk, "2025-12-24T13:00")
    assert not is_open(desk, "2026-11-26T10:00")
    assert is_open(flow(holidays=[{"date": "12-25"}]), "2026-06-01T03:00")


def test_the_clock_on_the_wall_decides_when_clocks_change() -> None:
    desk = flow(business_hours={"sunday": [window("01:30", "02:30")]})
    # 2026-03-08: 02:00 becomes 03:00 in Chicago. The window lasts half an hour.
    spring = [datetime(2026, 3, 8, 7, 30, tzinfo=UTC) + timedelta(minutes=at) for at in range(90)]
    assert sum(hours.is_open_in(desk, at, CHICAGO) for at in spring) == 30
    # 2026-11-01: 02:00 becomes 01:00. Half an hour comes twice.
    autumn = [datetime(2026, 11, 1, 5, 0, tzinfo=UTC) + timedelta(minutes=at) for at in range(300)]
    assert sum(hours.is_open_in(desk, at, CHICAGO) for at in autumn) == 90


@pytest.mark.parametrize(
    ("rule", "day"),
    [
        ("4th thursday of november", "2026-11-26"),
        ("fourth Thursday in November", "2026-11-26"),
        ("the first monday of september", "2026-09-07"),
        ("last monday of may", "2026-05-25"),
        ("5th sunday of march", "2026-03-29"),
        ("day after 4th thursday of november", "2026-11-27"),
        ("3 days before first monday of january", "2026-01-02"),
        ("2 days before easter", "2026-04-03"),
        ("easter", "2026-04-05"),
        ("39 days after easter", "2026-05-14"),
    ],
)
def test_a_rule_names_a_day(rule: str, day: str) -> None:
    holiday, wanted = Holiday(rule=rule), date.fromisoformat(day)
    holidays.check_rule(rule)
    around = [wanted + timedelta(days=at) for at in range(-180, 180)]
    assert [one for one in around if holidays.is_on(holiday, one)] == [wanted]


@pytest.mark.parametrize(
    "rule", ["6th monday of may", "first funday of may", "1st monday of mayo", "", "easter monday"]
)
def test_another_text_is_no_rule(rule: str) -> None:
    with pytest.raises(ValueError, match="must be a rule"):
        holidays.check_rule(rule)


def test_a_rule_across_the_end_of_a_year_and_a_leap_day() -> None:
    before_january = Holiday(rule="7 days before first monday of january")
    assert holidays.is_on(before_january, date(2026, 12, 28))
    leap = Holiday(date="02-29")
    assert [year for year in range(2023, 2030) if any(holidays.is_on(leap, day) for day in days_of(year))] == [
        2024,
        2028,
    ]
    holidays.check_date("02-29")
    for text in ("2026-02-29", "13-01", "2026-1-1", "christmas"):
        with pytest.raises(ValueError, match=r"use a date|must be a date"):
            holidays.check_date(text)
    # The first and the last day of the calendar.
    for edge in (date.min, date.max):
        assert not holidays.is_on(before_january, edge)
        assert not holidays.is_on(Holiday(rule="easter"), edge)


def days_of(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + timedelta(days=at) for at in range((date(year + 1, 1, 1) - first).days)]


def test_easter_is_that_of_the_almanac() -> None:
    known = {2000: "04-23", 2008: "03-23", 2011: "04-24", 2019: "04-21", 2024: "03-31", 2025: "04-20", 2038: "04-25"}
    assert {year: holidays.find_easter(year).isoformat()[5:] for year in known} == known


MINUTES = st.integers(0, 1_439)
WINDOWS = st.lists(st.tuples(MINUTES, MINUTES).filter(lambda pair: pair[0] != pair[1]), max_size=3)
ZONES = st.sampled_from(["America/Chicago", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"])


def clock_text(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@given(
    st.dictionaries(st.sampled_from(WEEKDAYS), WINDOWS),
    st.lists(st.tuples(st.dates(date(2026, 1, 1), date(2026, 12, 31)), WINDOWS), max_size=3),
    st.datetimes(datetime(2026, 1, 2), datetime(2026, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001 hypothesis adds the zone
    ZONES,
)
@example_settings(300)
def test_a_flow_is_open_at_exactly_the_minutes_of_its_windows(
    week: dict[str, list[tuple[int, int]]],
    days_off: list[tuple[date, list[tuple[int, int]]]],
    at: datetime,
    zone: str,
) -> None:
    def shown(windows: list[tuple[int, int]]) -> list[dict[str, str]]:
        return [window(clock_text(start), clock_text(end)) for start, end in windows]

    desk = flow(
        business_hours={day: shown(windows) for day, windows in week.items()},
        holidays=[{"date": day.isoformat(), "hours": shown(windows)} for day, windows in days_off],
    )
    local = at.astimezone(ZoneInfo(zone))

    def minutes_from(day: date) -> set[datetime]:
        windows = next((own for one, own in days_off if one == day), week.get(WEEKDAYS[day.weekday()], []))
        midnight = datetime.combine(day, datetime.min.time())
        return {
            midnight + timedelta(minutes=minute)
            for start, end in windows
            for minute in range(start, end if end > start else end + 1_440)
        }

    wall = local.replace(tzinfo=None, second=0, microsecond=0, fold=0)
    expected = wall in minutes_from(local.date()) | minutes_from(local.date() - timedelta(days=1))
    assert hours.is_open_in(desk, at, ZoneInfo(zone)) is expected
