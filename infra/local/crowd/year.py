"""The moments of calls over a year: mostly in working hours on weekdays, and a little more each month."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

#: The time zone of the organization, in which its people work.
ZONE = "America/New_York"
#: How busy each hour of the day is, and each day of the week from Monday on.
_HOURS = (1, 1, 1, 1, 1, 2, 4, 10, 32, 62, 76, 70, 48, 54, 70, 68, 54, 34, 18, 12, 8, 5, 3, 2)
_WEEKDAYS = (1.15, 1.05, 1.0, 1.0, 0.92, 0.24, 0.12)
#: How much busier the last day is than the first.
_GROWTH = 0.5
_DAYS = 365


def draw_moments(how_many: int, now: datetime, chance: random.Random) -> list[datetime]:
    """Moments of the year before `now`, in UTC, the oldest first."""
    zone = ZoneInfo(ZONE)
    today = now.astimezone(zone).date()
    hours: list[datetime] = []
    weights: list[float] = []
    for day in range(_DAYS + 1):
        current = today - timedelta(days=_DAYS - day)
        for hour, busy in enumerate(_HOURS):
            begin = datetime.combine(current, time(hour), zone).astimezone(UTC)
            # A call of the present hour could still be going on.
            if now - timedelta(days=_DAYS) <= begin <= now - timedelta(hours=2):
                hours.append(begin)
                weights.append(busy * _WEEKDAYS[current.weekday()] * (1 + _GROWTH * day / _DAYS) * _festive(current))
    drawn = chance.choices(hours, cum_weights=list(accumulate(weights)), k=how_many)
    return sorted(begin + timedelta(milliseconds=chance.randrange(3_600_000)) for begin in drawn)


def _festive(day: date) -> float:
    return 0.15 if (day.month, day.day) in ((1, 1), (7, 4), (12, 24), (12, 25), (12, 31)) else 1.0


def is_working_time(moment: datetime) -> bool:
    """Whether the organization is open."""
    local = moment.astimezone(ZoneInfo(ZONE))
    return local.weekday() < 5 and 8 <= local.hour < 18
