"""How far ahead an opening and a closing are looked for."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from switchboard.compliance.data.law import DayWindow
from switchboard.compliance.hours import RecipientClock, next_closing, next_opening
from tests.unit.compliance.gate import NOON

#: 08:00 to 21:00, as the law has it.
DAY = DayWindow(8 * 60, 21 * 60)


def open_on(*days: int, window: DayWindow = DAY) -> RecipientClock:
    """A clock in UTC that is open on these days, counted from NOON's."""
    return RecipientClock(ZoneInfo("UTC"), (lambda day: window if (day - NOON.date()).days in days else None,))


def test_an_opening_is_looked_for_15_days_ahead_and_no_further() -> None:
    assert next_opening([open_on(15)], NOON) == datetime(2026, 1, 30, 8, tzinfo=UTC)
    assert next_opening([open_on(16)], NOON) is None


def test_clocks_that_are_open_open_now() -> None:
    assert next_opening([open_on(0), open_on(0, 1)], NOON) == NOON
    assert next_opening([open_on(0), open_on(1, 2)], NOON) is None
    assert next_opening([open_on(0, 2), open_on(1, 2)], NOON) == datetime(2026, 1, 17, 8, tzinfo=UTC)
    assert next_opening([], NOON) == NOON


def test_the_first_clock_that_closes_closes_all() -> None:
    early = open_on(0, window=DayWindow(8 * 60, 18 * 60))
    assert next_closing([open_on(0), early], NOON) == datetime(2026, 1, 15, 18, tzinfo=UTC)
    assert next_closing([], NOON) is None


def test_a_closing_is_looked_for_today_and_tomorrow() -> None:
    whole = DayWindow(0, 24 * 60)
    for last, expected in ((1, datetime(2026, 1, 17, tzinfo=UTC)), (2, None)):
        assert next_closing([open_on(*range(last + 1), window=whole)], NOON) == expected


def clock_of(zone: str, start: int, end: int) -> RecipientClock:
    """A clock that is open at these minutes of every day."""
    return RecipientClock(ZoneInfo(zone), (lambda _: DayWindow(start, end),))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_window_that_opens_in_an_hour_that_is_left_out_opens_when_the_clock_is_set() -> None:
    # New York goes from 02:00 to 03:00 at 07:00 UTC.
    assert next_opening([clock_of("America/New_York", 150, 600)], utc("2026-03-08T05:00")) == utc("2026-03-08T07:00")
    assert next_closing([clock_of("America/New_York", 60, 150)], utc("2026-03-08T06:30")) == utc("2026-03-08T07:00")


def test_a_window_in_an_hour_that_comes_twice_opens_and_closes_twice() -> None:
    # New York goes from 02:00 back to 01:00 at 06:00 UTC.
    clocks = [clock_of("America/New_York", 0, 90)]
    assert next_closing(clocks, utc("2026-11-01T04:00")) == utc("2026-11-01T05:30")
    assert next_opening(clocks, utc("2026-11-01T05:30")) == utc("2026-11-01T06:00")
    assert next_closing(clocks, utc("2026-11-01T06:00")) == utc("2026-11-01T06:30")


def test_a_clock_far_in_the_east_is_set_on_its_own_day() -> None:
    # Auckland goes from 03:00 back to 02:00 at 14:00 UTC of the day before; Lord Howe by half an hour at 15:00.
    assert next_opening([clock_of("Pacific/Auckland", 120, 150)], utc("2026-04-04T13:45")) == utc("2026-04-04T14:00")
    assert next_opening([clock_of("Australia/Lord_Howe", 90, 100)], utc("2026-04-04T14:59")) == utc("2026-04-04T15:00")
