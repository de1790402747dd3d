"""The days of holidays: fixed dates, dates of each year, and rules.

A rule is `4th thursday of november`, `last monday of may`, `easter`, or such a day with a distance before it:
`day after 4th thursday of november`, `2 days before easter`. Easter is that of the Gregorian calendar.
"""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta

from switchboard.flows.models import WEEKDAYS, Holiday

_MONTHS = tuple(name.lower() for name in calendar.month_name)
_PLACES = {"1st": 1, "first": 1, "2nd": 2, "second": 2, "3rd": 3, "third": 3, "4th": 4, "fourth": 4}
_PLACES |= {"5th": 5, "fifth": 5, "last": -1}
_RULE = re.compile(
    r"(?:(?:(?P<days>[1-9]\d?) days?|(?P<one>the day|day)) (?P<side>before|after) )?"
    r"(?:(?P<easter>easter)|(?:the )?(?P<place>\w+) (?P<weekday>[a-z]+) (?:of|in) (?P<month>[a-z]+))"
)
_DATE = re.compile(r"(?:(\d{4})-)?(\d{2})-(\d{2})")
#: A leap year, so that February 29 is a day of a year.
_LEAP_YEAR = 2000


def check_date(text: str) -> None:
    """Raises ValueError for a text that is not a date such as `2026-12-25` or `12-25`."""
    match = _DATE.fullmatch(text)
    if not match:
        raise ValueError("must be a date such as 2026-12-25, or 12-25 for each year")
    try:
        date(int(match[1] or _LEAP_YEAR), int(match[2]), int(match[3]))
    except ValueError:
        raise ValueError("is not a day of the calendar: use a date such as 2026-12-25") from None


def check_rule(text: str) -> None:
    """Raises ValueError for a text that is not a rule."""
    _parse_rule(text)


def is_on(holiday: Holiday, day: date) -> bool:
    """Whether a holiday is on this day."""
    if holiday.date is not None:
        return holiday.date in (day.isoformat(), day.isoformat()[5:])
    if holiday.rule is None:
        return False
    # A distance may move a rule's day into the year before or after.
    years = (day.year - 1, day.year, day.year + 1)
    return any(_day_of_rule(holiday.rule, year) == day for year in years)


def _parse_rule(text: str) -> re.Match[str]:
    match = _RULE.fullmatch(" ".join(text.lower().split()))
    known = match and (
        match["easter"]
        or (match["place"] in _PLACES and match["weekday"] in WEEKDAYS and match["month"] in _MONTHS[1:])
    )
    if not match or not known:
        raise ValueError('must be a rule such as "4th thursday of november", "last monday of may" or "easter"')
    return match


def _day_of_rule(text: str, year: int) -> date | None:
    """Returns the day of a rule in a year; None if the month has no such weekday, or for years that dates lack."""
    match = _parse_rule(text)
    try:
        day = find_easter(year) if match["easter"] else _weekday_of_month(match, year)
        if day is None or not match["side"]:
            return day
        distance = timedelta(days=int(match["days"] or 1))
        return day + distance if match["side"] == "after" else day - distance
    except (ValueError, OverflowError):
        return None


def _weekday_of_month(match: re.Match[str], year: int) -> date | None:
    month, weekday = _MONTHS.index(match["month"]), WEEKDAYS.index(match["weekday"])
    place = _PLACES[match["place"]]
    days = [
        week[weekday] for week in calendar.Calendar().monthdatescalendar(year, month) if week[weekday].month == month
    ]
    if place > len(days):
        return None
    return days[place - 1 if place > 0 else place]


def find_easter(year: int) -> date:
    """Returns Easter Sunday of a year (the anonymous Gregorian computus: Meeus, Astronomical Algorithms, chapter 8)."""
    golden, (century, rest) = year % 19, divmod(year, 100)
    skipped, over = divmod(century, 4)
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - skipped - correction + 15) % 30
    weekday = (32 + 2 * over + 2 * (rest // 4) - epact - rest % 4) % 7
    shift = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * shift + 114, 31)
    return date(year, month, day + 1)
