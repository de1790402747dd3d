"""Legal holidays of the states that forbid calls on holidays.

A holiday on a weekend is also kept on the nearest weekday (5 U.S.C. 6103, and the states alike). The gate closes both
days, because the laws do not say which of the two they mean. An operator enters days that a governor proclaims
(`switchboard law close`).
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from functools import cache

VERSION = "2026-11-29"
#: The review date of the lists: legislatures add holidays in spring.
REVIEW_BY = date(2027, 9, 30)

_MONDAY, _THURSDAY, _FRIDAY = 0, 3, 4
_LAST = -1

#: (month, day)
_FIXED: dict[str, tuple[int, int]] = {
    "new_year": (1, 1),
    "ri_independence": (5, 4),
    "flag_day": (6, 14),
    "juneteenth": (6, 19),
    "independence": (7, 4),
    "pioneer_day": (7, 24),
    "all_saints": (11, 1),
    "veterans": (11, 11),
    "rosa_parks": (12, 1),
    "christmas": (12, 25),
}
#: (month, weekday, position in the month)
_FLOATING: dict[str, tuple[int, int, int]] = {
    "king": (1, _MONDAY, 3),
    "washington": (2, _MONDAY, 3),
    "confederate_memorial": (4, _MONDAY, 4),
    "arbor": (4, _FRIDAY, _LAST),
    "memorial": (5, _MONDAY, _LAST),
    "jefferson_davis": (6, _MONDAY, 1),
    "victory_day": (8, _MONDAY, 2),
    "labor": (9, _MONDAY, 1),
    "columbus": (10, _MONDAY, 2),
    "thanksgiving": (11, _THURSDAY, 4),
}
#: Days from Easter Sunday.
_FROM_EASTER = {"mardi_gras": -47, "good_friday": -2}

#: 5 U.S.C. 6103(a).
FEDERAL = frozenset(
    {
        "new_year",
        "king",
        "washington",
        "memorial",
        "juneteenth",
        "independence",
        "labor",
        "columbus",
        "veterans",
        "thanksgiving",
        "christmas",
    }
)

#: The holidays of each state with rules for holidays: the federal ones, and others by the state's own statute.
STATE_HOLIDAYS: dict[str, frozenset[str]] = {
    # Ala. Code 1-3-8. Mardi Gras is kept in two counties only, but an area code does not identify a county.
    "AL": FEDERAL | {"mardi_gras", "confederate_memorial", "jefferson_davis", "rosa_parks"},
    # La. R.S. 1:55, as the Public Service Commission lists them for callers.
    "LA": FEDERAL | {"mardi_gras", "good_friday", "all_saints", "election", "day_after_thanksgiving"},
    # Neb. Rev. Stat. 62-301, whose text was not read again.
    "NE": FEDERAL | {"arbor", "day_after_thanksgiving"},
    # 44 P.S. 11.
    "PA": FEDERAL | {"good_friday", "flag_day", "election"},
    # R.I. Gen. Laws 25-1-1.
    "RI": FEDERAL | {"ri_independence", "victory_day", "election"},
    # Utah Code 63G-1-301. Juneteenth is kept on a Monday (2)(c), (d). Good Friday depends on a subsection (6) that
    # could not be read. Election Day is in HB 104 of 2026; the end of that bill could not be read.
    "UT": FEDERAL | {"pioneer_day", "juneteenth_monday", "good_friday", "election"},
}

#: The first day of a holiday that a state introduced later.
FIRST_DAYS: dict[tuple[str, str], date] = {
    ("UT", "juneteenth_monday"): date(2022, 5, 4),
    ("UT", "good_friday"): date(2026, 5, 6),
    ("UT", "election"): date(2027, 1, 1),
}


def is_holiday(state: str, day: date) -> bool:
    """Whether a day is a legal holiday in a state: the holiday itself, or the weekday on which it is kept."""
    # New Year's Day on a Saturday is kept on a Friday of the year before.
    return any(day in _days(year, state) for year in (day.year, day.year + 1))


@cache
def _days(year: int, state: str) -> frozenset[date]:
    """Returns the days of a state's holidays in a year, with the weekdays on which they are kept."""
    found = {name: _date(year, name) for name in STATE_HOLIDAYS.get(state, FEDERAL)}
    days = [day for name, day in found.items() if day >= FIRST_DAYS.get((state, name), day)]
    return frozenset([*days, *(kept for day in days if (kept := _observed_day(day)) != day)])


def _date(year: int, name: str) -> date:
    if name in _FIXED:
        return date(year, *_FIXED[name])
    if name in _FLOATING:
        return _nth(year, *_FLOATING[name])
    if name == "election":  # the Tuesday after the first Monday in November
        return _nth(year, 11, _MONDAY, 1) + timedelta(days=1)
    if name == "day_after_thanksgiving":
        return _date(year, "thanksgiving") + timedelta(days=1)
    if name == "juneteenth_monday":  # the Monday before a Tuesday to Friday, the Monday after a weekend
        day = _date(year, "juneteenth")
        return day + timedelta(days=7 - day.weekday() if day.weekday() > _FRIDAY else -day.weekday())
    return _easter(year) + timedelta(days=_FROM_EASTER[name])


def _nth(year: int, month: int, weekday: int, which: int) -> date:
    if which == _LAST:
        end = date(year, month, monthrange(year, month)[1])
        return end - timedelta(days=(end.weekday() - weekday) % 7)
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (which - 1))


def _observed_day(day: date) -> date:
    """Returns the weekday on which a holiday is kept: Friday for a Saturday, Monday for a Sunday."""
    return day + timedelta(days={5: -1, 6: 1}.get(day.weekday(), 0))


def _easter(year: int) -> date:
    """Returns the date of Easter Sunday (the anonymous Gregorian computus)."""
    century, of_century = divmod(year, 100)
    golden = year % 19
    moon = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (of_century // 4) - moon - of_century % 4) % 7
    shift = (golden + 11 * moon + 22 * weekday) // 451
    month, day = divmod(moon + weekday - 7 * shift + 114, 31)
    return date(year, month, day + 1)
