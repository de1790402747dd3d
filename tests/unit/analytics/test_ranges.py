"""A range is divided into parts that cover it once, and days begin where clocks say so."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.analytics.facts import QUARTER_MINUTES
from switchboard.analytics.ranges import day_start, divide_range
from tests.unit.properties import example_settings

QUARTER, HOUR, DAY = timedelta(minutes=QUARTER_MINUTES), timedelta(hours=1), timedelta(days=1)
FIRST = datetime(2026, 1, 1, tzinfo=UTC)

_moments = st.integers(0, 40 * 86_400_000).map(lambda milliseconds: FIRST + timedelta(milliseconds=milliseconds))
_quarters = st.integers(0, 40 * 96).map(lambda place: FIRST + QUARTER * place)


@example_settings(300)
@given(st.one_of(_moments, _quarters), st.one_of(_moments, _quarters))
def test_the_parts_of_a_range_cover_it_once(one: datetime, other: datetime) -> None:
    start, end = min(one, other), max(one, other) + timedelta(milliseconds=1)
    parts = divide_range(start, end)
    spans = sorted([*parts.quarters, *parts.calls, *((day, day + DAY) for day in parts.days)])
    assert (spans[0][0], spans[-1][1]) == (start, end)
    assert all(before[1] == after[0] for before, after in pairwise(spans))
    assert all((day - FIRST) % DAY == timedelta(0) for day in parts.days)
    assert all((bound - FIRST) % QUARTER == timedelta(0) for span in parts.quarters for bound in span)
    assert len(parts.calls) <= 2
    assert all(until - since < 2 * QUARTER for since, until in parts.calls), "single calls are few"
    assert len(parts.hours()) <= 48
    inside = {hour + QUARTER * place for hour in parts.hours() for place in range(4)}
    assert sum(parts.has_quarter(moment) for moment in inside) == sum(
        (until - since) // QUARTER for since, until in parts.quarters
    )


def test_clocks_of_all_zones_differ_from_utc_by_quarters_of_an_hour() -> None:
    odd = {
        name
        for name in available_timezones()
        for moment in (datetime(year, month, 1, tzinfo=UTC) for year in range(2000, 2040, 3) for month in (1, 7))
        if (ZoneInfo(name).utcoffset(moment) or timedelta(0)) % QUARTER
    }
    assert not odd, "a day of these zones begins within a quarter of an hour: read single calls at its bounds"


@pytest.mark.parametrize(
    ("zone", "day", "start"),
    [
        ("America/New_York", date(2026, 3, 8), "2026-03-08T05:00:00+00:00"),
        ("America/New_York", date(2026, 3, 9), "2026-03-09T04:00:00+00:00"),
        ("Asia/Kathmandu", date(2026, 6, 1), "2026-05-31T18:15:00+00:00"),
        # Lebanon skips midnight, Cuba has it twice, and Samoa left a day out.
        ("Asia/Beirut", date(2026, 3, 29), "2026-03-28T22:00:00+00:00"),
        ("America/Havana", date(2026, 11, 1), "2026-11-01T04:00:00+00:00"),
        ("Pacific/Apia", date(2011, 12, 31), "2011-12-30T10:00:00+00:00"),
    ],
)
def test_a_day_begins_at_the_first_moment_with_its_date(zone: str, day: date, start: str) -> None:
    found = day_start(day, ZoneInfo(zone))
    assert found.isoformat() == start
    assert found.astimezone(ZoneInfo(zone)).date() == day
    assert (found - timedelta(milliseconds=1)).astimezone(ZoneInfo(zone)).date() < day
