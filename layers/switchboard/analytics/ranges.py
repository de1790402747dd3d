"""The range of a report, and the stored counts that cover it exactly.

Whole days in UTC come from the tallies of days. The rest of the range comes from the tallies of hours, quarter by
quarter, and the rest of a quarter from the facts of its calls. So a range may begin and end at any instant.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from switchboard.analytics.facts import QUARTER_MINUTES
from switchboard.analytics.models import CallRange
from switchboard.errors import Invalid
from switchboard.kit import clock

MAX_DAYS = 366
DEFAULT_DAYS = 30
_QUARTER, _DAY = timedelta(minutes=QUARTER_MINUTES), timedelta(days=1)
_MIDNIGHT = datetime(2000, 1, 1, tzinfo=UTC)
#: Zones had odd offsets in the distant past, and the calendar ends in the distant future.
_FIRST_YEAR, _LAST_YEAR = 2000, 2199

Span = tuple[datetime, datetime]


class RangeParts(NamedTuple):
    """The parts of a range: whole days in UTC, spans of whole quarters of an hour, and spans of single calls."""

    days: list[datetime]
    quarters: list[Span]
    calls: list[Span]

    def hours(self) -> list[datetime]:
        """Returns the hours that the spans of quarters touch."""
        found = []
        for start, end in self.quarters:
            hour = start.replace(minute=0)
            while hour < end:
                found.append(hour)
                hour += timedelta(hours=1)
        return found

    def has_quarter(self, moment: datetime) -> bool:
        """Whether a quarter, named by its start, is in one of the spans of quarters."""
        return any(start <= moment < end for start, end in self.quarters)


def divide_range(start: datetime, end: datetime) -> RangeParts:
    """Returns the parts of a range. Together they cover it once."""
    first, last = _round_up(start, _QUARTER), _round_down(end, _QUARTER)
    if first >= last:
        return RangeParts([], [], [(start, end)])
    first_day, last_day = _round_up(first, _DAY), _round_down(last, _DAY)
    if first_day < last_day:
        days = [first_day + _DAY * place for place in range((last_day - first_day) // _DAY)]
        quarters = [(first, first_day), (last_day, last)]
    else:
        days, quarters = [], [(first, last)]
    return RangeParts(days, _not_empty(quarters), _not_empty([(start, first), (last, end)]))


def _not_empty(spans: list[Span]) -> list[Span]:
    return [(start, end) for start, end in spans if start < end]


def _round_down(moment: datetime, step: timedelta) -> datetime:
    return moment - (moment - _MIDNIGHT) % step


def _round_up(moment: datetime, step: timedelta) -> datetime:
    return moment + (_MIDNIGHT - moment) % step


def find_range(zone: ZoneInfo, days: int, start: str | None, end: str | None) -> CallRange:
    """Returns the range that a request asks for.

    Without `start` it has today and the days before it. With `start` alone it has that many days from `start` on. With
    both it ignores `days`. Raises Invalid with the wrong field.
    """
    if start is None:
        if end is not None:
            raise _invalid("end", "needs start: send both, or only days")
        today = clock.now().astimezone(zone).date()
        return CallRange(day_start(today - timedelta(days=days - 1), zone), day_start(today + _DAY, zone), zone)
    first = _parse("start", start)
    last = _parse("end", end) if end is not None else _add_days(first, days, zone)
    if last <= first:
        raise _invalid("end", "must be later than start")
    if last - first > timedelta(days=MAX_DAYS):
        raise _invalid("end", f"must be at most {MAX_DAYS} days after start")
    return CallRange(first, last, zone)


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """Returns the first instant of a day in a zone."""
    # If the clock shows midnight twice, this is the first time. If it skips midnight, this is the moment of the change.
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _add_days(moment: datetime, days: int, zone: ZoneInfo) -> datetime:
    return (moment.astimezone(zone) + timedelta(days=days)).astimezone(UTC)


def _parse(field: str, text: str) -> datetime:
    try:
        moment = clock.parse(text)
    except ValueError:
        raise _invalid(field, "is not a timestamp: include a time zone, for example 2026-06-01T00:00:00Z") from None
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise _invalid(field, f"must be in the years {_FIRST_YEAR} to {_LAST_YEAR}")
    # Calls have their times to the millisecond. A call belongs to the range if it is not earlier than its bound.
    return _round_up(moment, timedelta(milliseconds=1))


def _invalid(field: str, problem: str) -> Invalid:
    return Invalid(f"Invalid range: {field} {problem}.", fields={field: problem})
