"""Calling hours: when every clock that may be the recipient's allows a call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from switchboard.compliance.amendments import Amendment, Channel, left_open
from switchboard.compliance.data import holidays
from switchboard.compliance.data.law import Hours, Rule

#: How far ahead an opening is looked for. No law closes for more than a few days in a row; an operator's row may.
HORIZON_DAYS = 15
#: How far ahead the end of a window is looked for: none is longer than a day.
_LONGEST_WINDOW_DAYS = 1

#: A window by the day: none means closed.
OnDay = Callable[[date], Hours | None]


@dataclass(frozen=True, slots=True)
class Clock:
    """A zone, and the windows that must all be open by its time."""

    zone: ZoneInfo
    windows: tuple[OnDay, ...]

    def open(self, moment: datetime) -> bool:
        """Whether every window is open at a moment."""
        local = moment.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        day = local.date()
        return all((hours := on(day)) is not None and hours.start <= minute < hours.end for on in self.windows)


def always(hours: Hours) -> OnDay:
    """The same window on every day."""
    return lambda _: hours


def of_rule(place: str, rule: Rule, channel: Channel) -> OnDay:
    """A place's window, day by day. `place` is a country, or a state as `US-FL`."""
    state = place.partition("-")[2]
    voice = channel == "voice"

    def on(day: date) -> Hours | None:
        return rule.window(day, holiday=rule.keeps_holidays and holidays.closed(state, day), voice=voice)

    return on


def of_amendments(rows: Sequence[Amendment], channel: Channel) -> OnDay:
    """What operators' rows leave open, day by day."""
    return lambda day: left_open(rows, day, channel)


def clocks(
    zones: Sequence[ZoneInfo],
    rules: Sequence[tuple[str, Rule]],
    channel: Channel,
    *,
    own: Hours | None = None,
    amendments: Sequence[Amendment] = (),
) -> list[Clock]:
    """The clocks that must all allow a contact.

    In each zone hold the rules of all places, operators' rows, and the organisation's own hours; a rule that names its
    clock holds by that.
    """
    everywhere: list[OnDay] = [always(own)] if own else []
    if amendments:
        everywhere.append(of_amendments(amendments, channel))
    elsewhere: list[Clock] = []
    for place, rule in rules:
        window = of_rule(place, rule, channel)
        if rule.zone:
            elsewhere.append(Clock(ZoneInfo(rule.zone), (window,)))
        else:
            everywhere.append(window)
    return [*(Clock(zone, tuple(everywhere)) for zone in zones), *elsewhere]


def opened(clocks: Sequence[Clock], moment: datetime) -> bool:
    """Whether all clocks allow a call at a moment."""
    return all(each.open(moment) for each in clocks)


def next_opening(clocks: Sequence[Clock], start: datetime) -> datetime | None:
    """The first moment from `start` on at which all clocks allow a call; None if there is none within the horizon."""
    if opened(clocks, start):
        return start
    turns = {
        moment
        for each in clocks
        for offset in range(HORIZON_DAYS + 1)
        for moment in _turns(each, start, offset, lambda hours: hours.start)
    }
    return next((moment for moment in sorted(turns) if moment > start and opened(clocks, moment)), None)


def next_closing(clocks: Sequence[Clock], start: datetime) -> datetime | None:
    """The first moment after `start`, at which all clocks allow a call, at which one no longer does.

    None where they stay open for longer than any window lasts.
    """
    return min((moment for each in clocks if (moment := _closing(each, start))), default=None)


def _closing(each: Clock, start: datetime) -> datetime | None:
    for offset in range(_LONGEST_WINDOW_DAYS + 1):
        turns = sorted(set(_turns(each, start, offset, lambda hours: hours.end)))
        if found := next((moment for moment in turns if moment > start and not each.open(moment)), None):
            return found
    return None


def _turns(each: Clock, start: datetime, offset: int, edge: Callable[[Hours], int]) -> Iterator[datetime]:
    """The moments of a local day at which a clock may change its mind.

    They are an edge of its windows, midnight, and the moment when it is set.
    """
    day = start.astimezone(each.zone).date() + timedelta(days=offset)
    for minute in {0, *(edge(hours) for on in each.windows if (hours := on(day)))}:
        local = datetime.combine(day + timedelta(days=minute // 1440), time(*divmod(minute % 1440, 60)), each.zone)
        # A clock that is set back shows the same time twice.
        yield from {local.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}
    yield from _leaps(each.zone, day)


def _leaps(zone: ZoneInfo, day: date) -> Iterator[datetime]:
    """The moment of a local day, if any, at which its clocks are set: a window may open there too."""
    early = datetime.combine(day, time(), zone).astimezone(UTC)
    late = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
    before = early.astimezone(zone).utcoffset()
    if before == late.astimezone(zone).utcoffset():
        return
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) // 2
        early, late = (middle, late) if middle.astimezone(zone).utcoffset() == before else (early, middle)
    # Clocks are set on a whole second; the search stops within one of it.
    yield late.replace(microsecond=0)
