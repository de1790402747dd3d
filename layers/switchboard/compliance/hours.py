"""Calling hours: a call is allowed when every clock that the recipient may have allows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from switchboard.compliance.amendments import Amendment, Channel, combine_windows
from switchboard.compliance.data import holidays
from switchboard.compliance.data.law import DayWindow, Rule

#: How many days ahead to search for an opening. Laws close for a few days in a row at most; operators' rows may
#: close for longer.
HORIZON_DAYS = 15
#: How many days ahead to search for the end of a window: no window is longer than a day.
_LONGEST_WINDOW_DAYS = 1

#: Returns the window of a day; None means closed.
WindowOfDay = Callable[[date], DayWindow | None]


@dataclass(frozen=True, slots=True)
class RecipientClock:
    """A zone, and the windows that must all be open by its time."""

    zone: ZoneInfo
    windows: tuple[WindowOfDay, ...]

    def open(self, moment: datetime) -> bool:
        """Whether every window is open at a time."""
        local = moment.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        day = local.date()
        return all((hours := on(day)) is not None and hours.start <= minute < hours.end for on in self.windows)


def every_day(hours: DayWindow) -> WindowOfDay:
    """Returns the same window on every day."""
    return lambda _: hours


def windows_of_rule(place: str, rule: Rule, channel: Channel) -> WindowOfDay:
    """Returns the window of a place by day. `place` is a country, or a state such as `US-FL`."""
    state = place.partition("-")[2]
    voice = channel == "voice"

    def on(day: date) -> DayWindow | None:
        return rule.window(day, holiday=rule.keeps_holidays and holidays.is_holiday(state, day), voice=voice)

    return on


def windows_of_amendments(rows: Sequence[Amendment], channel: Channel) -> WindowOfDay:
    """Returns the window that operators' rows leave open, by day."""
    return lambda day: combine_windows(rows, day, channel)


def build_clocks(
    zones: Sequence[ZoneInfo],
    rules: Sequence[tuple[str, Rule]],
    channel: Channel,
    *,
    own: DayWindow | None = None,
    amendments: Sequence[Amendment] = (),
) -> list[RecipientClock]:
    """Returns the clocks that must all allow a contact.

    The rules of all places, the operators' rows and the organization's own hours apply in every zone. A rule that names
    its own clock applies only by that clock.
    """
    everywhere: list[WindowOfDay] = [every_day(own)] if own else []
    if amendments:
        everywhere.append(windows_of_amendments(amendments, channel))
    elsewhere: list[RecipientClock] = []
    for place, rule in rules:
        window = windows_of_rule(place, rule, channel)
        if rule.zone:
            elsewhere.append(RecipientClock(ZoneInfo(rule.zone), (window,)))
        else:
            everywhere.append(window)
    return [*(RecipientClock(zone, tuple(everywhere)) for zone in zones), *elsewhere]


def all_open(clocks: Sequence[RecipientClock], moment: datetime) -> bool:
    """Whether all clocks allow a call at a time."""
    return all(each.open(moment) for each in clocks)


def next_opening(clocks: Sequence[RecipientClock], start: datetime) -> datetime | None:
    """Returns the first time from `start` on when all clocks allow a call, or None within `HORIZON_DAYS`."""
    if all_open(clocks, start):
        return start
    turns = {
        moment
        for each in clocks
        for offset in range(HORIZON_DAYS + 1)
        for moment in _turns(each, start, offset, lambda hours: hours.start)
    }
    return next((moment for moment in sorted(turns) if moment > start and all_open(clocks, moment)), None)


def next_closing(clocks: Sequence[RecipientClock], start: datetime) -> datetime | None:
    """Returns the first time after `start` when a clock no longer allows a call. All clocks must allow it at `start`.

    Returns None if they stay open longer than any window.
    """
    return min((moment for each in clocks if (moment := _closing(each, start))), default=None)


def _closing(each: RecipientClock, start: datetime) -> datetime | None:
    for offset in range(_LONGEST_WINDOW_DAYS + 1):
        turns = sorted(set(_turns(each, start, offset, lambda hours: hours.end)))
        if found := next((moment for moment in turns if moment > start and not each.open(moment)), None):
            return found
    return None


def _turns(each: RecipientClock, start: datetime, offset: int, edge: Callable[[DayWindow], int]) -> Iterator[datetime]:
    """Returns the times of a local day when a clock may open or close.

    These are one edge of each window, midnight, and the time when the clock is set forward or back.
    """
    day = start.astimezone(each.zone).date() + timedelta(days=offset)
    for minute in {0, *(edge(hours) for on in each.windows if (hours := on(day)))}:
        local = datetime.combine(day + timedelta(days=minute // 1440), time(*divmod(minute % 1440, 60)), each.zone)
        # A clock that is set back shows the same local time twice.
        yield from {local.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}
    yield from _leaps(each.zone, day)


def _leaps(zone: ZoneInfo, day: date) -> Iterator[datetime]:
    """Returns the time of a local day when its clocks are set, if any: a window may open then too."""
    early = datetime.combine(day, time(), zone).astimezone(UTC)
    late = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
    before = early.astimezone(zone).utcoffset()
    if before == late.astimezone(zone).utcoffset():
        return
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) // 2
        early, late = (middle, late) if middle.astimezone(zone).utcoffset() == before else (early, middle)
    # Clocks are set on a whole second. The search stops less than one second after it.
    yield late.replace(microsecond=0)
