"""Parses the Retry-After header (RFC 9110, 10.2.3): a number of seconds, or a date."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

#: The longest wait that is returned. The retry schedule has a lower limit of its own.
MAX_SECONDS = 365 * 86_400

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
#: ASCII digits only: the header's grammar has no other digits.
_DELTA = re.compile(r"[0-9]+")
_TIME = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
#: The two obsolete forms that a recipient has to understand (RFC 9110, 5.6.7).
_ASCTIME = re.compile(rf"[a-z]{{3}} (?P<month>[a-z]{{3}}) (?P<day>[ 0-9][0-9]) {_TIME} (?P<year>[0-9]{{4}})", re.I)
_RFC_850 = re.compile(
    rf"[a-z]{{6,9}}, (?P<day>[0-9]{{2}})-(?P<month>[a-z]{{3}})-(?P<year>[0-9]{{2}}) {_TIME} GMT", re.I
)
#: A two-digit year that would be more than this many years ahead belongs to the past.
_FURTHEST = 50


def parse_seconds(text: str | None, now: datetime) -> int | None:
    """The seconds from `now` that the header asks for, at most MAX_SECONDS. `None` if the header is not usable."""
    asked = (text or "").strip(" \t")
    if not asked.isascii():
        return None
    if _DELTA.fullmatch(asked):
        # More digits exceed the limit anyway, and Python refuses to parse thousands of digits.
        return min(int(asked[:12]), MAX_SECONDS)
    moment = _moment(asked, now)
    return None if moment is None else min(max(0, int((moment - now).total_seconds())), MAX_SECONDS)


def _moment(text: str, now: datetime) -> datetime | None:
    try:
        if found := _ASCTIME.fullmatch(text):
            return _from(found, int(found["year"]))
        if found := _RFC_850.fullmatch(text):
            return _from(found, _whole_year(int(found["year"]), now))
        moment = parsedate_to_datetime(text)
        # Without a time zone the time is ambiguous.
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return None


def _from(found: re.Match[str], year: int) -> datetime:
    month = _MONTHS.index(found["month"].lower()) + 1
    second = int(found["second"])
    moment = datetime(year, month, int(found["day"]), int(found["hour"]), int(found["minute"]), tzinfo=UTC)
    if second > 60:
        raise ValueError("a minute has no more than 61 seconds")
    return moment + timedelta(seconds=second)  # 60 is a leap second


def _whole_year(short: int, now: datetime) -> int:
    year = now.year // 100 * 100 + short
    return year - 100 if year > now.year + _FURTHEST else year
