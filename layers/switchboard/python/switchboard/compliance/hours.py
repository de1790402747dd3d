"""Calling hours: when every clock that may be the recipient's allows a call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from switchboard.compliance.data import holidays
from switchboard.compliance.data.states import FEDERAL, STATES, Hours, StateRule

#: How far ahead an opening is looked for. No state closes for more than a few days in a row.
HORIZON_DAYS = 15

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


def of_state(state: str, rule: StateRule, *, voice: bool) -> OnDay:
    """A state's window, day by day."""

    def on(day: date) -> Hours | None:
        if not rule.on_holidays and holidays.closed(state, day):
            return None
        hours = {5: rule.saturday, 6: rule.sunday}.get(day.weekday(), rule.weekdays)
        if hours and voice and rule.voice:
            return Hours(max(hours.start, rule.voice.start), min(hours.end, rule.voice.end))
        return hours

    return on


def american(zones: Sequence[ZoneInfo], states: Sequence[str], *, voice: bool, own: Hours | None) -> list[Clock]:
    """The clocks for a number of the United States: federal law, its states', and the organisation's own hours."""
    everywhere: list[OnDay] = [always(FEDERAL)]
    if own:
        everywhere.append(always(own))
    elsewhere: list[Clock] = []
    for state in states:
        rule = STATES.get(state)
        if rule is None:
            continue
        window = of_state(state, rule, voice=voice)
        if rule.zone:
            elsewhere.append(Clock(ZoneInfo(rule.zone), (window,)))
        else:
            everywhere.append(window)
    return [*(Clock(zone, tuple(everywhere)) for zone in zones), *elsewhere]


def foreign(zones: Sequence[ZoneInfo], own: Hours) -> list[Clock]:
    """The clocks for a number elsewhere: the organisation's own hours."""
    return [Clock(zone, (always(own),)) for zone in zones]


def opened(clocks: Sequence[Clock], moment: datetime) -> bool:
    """Whether all clocks allow a call at a moment."""
    return all(each.open(moment) for each in clocks)


def next_opening(clocks: Sequence[Clock], start: datetime) -> datetime | None:
    """The first moment from `start` on at which all clocks allow a call; None if there is none within the horizon."""
    if opened(clocks, start):
        return start
    turns = {moment for each in clocks for moment in _turns(each, start)}
    return next((moment for moment in sorted(turns) if moment > start and opened(clocks, moment)), None)


def _turns(each: Clock, start: datetime) -> Iterator[datetime]:
    """The moments at which a clock may begin to allow a call: its windows' starts, and when it is set."""
    today = start.astimezone(each.zone).date()
    for day in (today + timedelta(days=offset) for offset in range(HORIZON_DAYS + 1)):
        for minute in {hours.start for on in each.windows if (hours := on(day))}:
            local = datetime.combine(day, time(*divmod(minute, 60)), each.zone)
            # A clock that is set back shows the same time twice.
            yield from (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
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
