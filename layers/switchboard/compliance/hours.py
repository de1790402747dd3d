"""Where a recipient may be, and the calling hours there.

The law of every place of a number applies. A call is allowed when every clock that the recipient may have allows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from switchboard.compliance import zones
from switchboard.compliance.amendments import NO_COUNTRY, Amendment, Channel, combine_windows
from switchboard.compliance.data import holidays, states
from switchboard.compliance.data.countries import COUNTRIES, ELSEWHERE
from switchboard.compliance.data.law import DayWindow, Rule
from switchboard.compliance.models import ContactAttempt, OpeningClock, WindowEdge
from switchboard.compliance.phone import NumberKind, Phone
from switchboard.compliance.verdicts import RuleInput

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

    def is_open(self, moment: datetime) -> bool:
        """Whether every window is open at a time."""
        local = moment.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        day = local.date()
        return all((hours := on(day)) is not None and hours.start <= minute < hours.end for on in self.windows)

    def list_turns(self, start: datetime, offset: int, edge: WindowEdge) -> Iterator[datetime]:
        """Returns the times when the clock may open or close, `offset` local days after a time.

        These are one edge of each window, midnight, and the time when the clock is set forward or back.
        """
        day = start.astimezone(self.zone).date() + timedelta(days=offset)
        return find_moments(self.zone, day, {getattr(hours, edge) for on in self.windows if (hours := on(day))})


def every_day(hours: DayWindow) -> WindowOfDay:
    """Returns the same window on every day."""
    return lambda _: hours


def windows_of_rule(place: str, rule: Rule, channel: Channel) -> WindowOfDay:
    """Returns the window of a place by day. `place` is a country, or a state such as `US-FL`."""
    state = place.partition("-")[2]
    voice = channel == "voice"

    def on(day: date) -> DayWindow | None:
        return rule.window_of_day(day, holiday=rule.keeps_holidays and holidays.is_holiday(state, day), voice=voice)

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


def all_open(clocks: Sequence[OpeningClock], moment: datetime) -> bool:
    """Whether all clocks allow a call at a time."""
    return all(each.is_open(moment) for each in clocks)


def next_opening(clocks: Sequence[OpeningClock], start: datetime) -> datetime | None:
    """Returns the first time from `start` on when all clocks allow a call, or None within `HORIZON_DAYS`."""
    if all_open(clocks, start):
        return start
    turns = {
        moment
        for each in clocks
        for offset in range(HORIZON_DAYS + 1)
        for moment in each.list_turns(start, offset, "start")
    }
    return next((moment for moment in sorted(turns) if moment > start and all_open(clocks, moment)), None)


def next_closing(clocks: Sequence[OpeningClock], start: datetime) -> datetime | None:
    """Returns the first time after `start` when a clock no longer allows a call. All clocks must allow it at `start`.

    Returns None if they stay open longer than any window.
    """
    return min((moment for each in clocks if (moment := _closing(each, start))), default=None)


def _closing(each: OpeningClock, start: datetime) -> datetime | None:
    for offset in range(_LONGEST_WINDOW_DAYS + 1):
        turns = sorted(set(each.list_turns(start, offset, "end")))
        if found := next((moment for moment in turns if moment > start and not each.is_open(moment)), None):
            return found
    return None


def find_moments(zone: ZoneInfo, day: date, minutes: Iterable[int]) -> Iterator[datetime]:
    """Returns the times of some minutes of a local day, of its midnight, and when its clocks are set.

    Minutes from 1,440 on are on the next day.
    """
    for minute in {0, *minutes}:
        local = datetime.combine(day + timedelta(days=minute // 1440), time(*divmod(minute % 1440, 60)), zone)
        # A clock that is set back shows the same local time twice.
        yield from {local.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}
    yield from _leaps(zone, day)


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


#: The source of the recipient's place: the number, the request, both together, or a confirmed contact record alone.
PlaceSource = Literal["number", "recipient", "both", "contact"]


@dataclass(frozen=True, slots=True)
class RecipientPlace:
    """Where the recipient may be: the zones, their source, and the clocks that must all allow the contact."""

    names: list[str]
    source: PlaceSource
    clocks: Sequence[OpeningClock]


def find_laws(contact: ContactAttempt, phone: Phone) -> list[tuple[str, Rule | None]]:
    """Returns the places whose law applies, with their rules: countries first, then states.

    The places are those of the number and those where the recipient may be. A state without a rule of its own has None.
    """
    countries = [phone.region or ("US" if phone.american else NO_COUNTRY)]
    record = contact.record
    own = [contact.state, record.state if record else None]
    if any(own):
        countries.append("US")
    for name in (contact.timezone, record.time_zone if record else None):
        countries += zones.countries_of(name) if name else []
    found: dict[str, Rule | None] = {country: COUNTRIES.get(country, ELSEWHERE) for country in countries}
    if phone.american:
        found["US"] = COUNTRIES["US"]  # federal law applies in the territories
    for state in (phone.state, *own):
        if state:
            found[f"US-{state}"] = states.STATES.get(state)
    return list(found.items())


def find_place(case: RuleInput) -> RecipientPlace | str:
    """Returns where the recipient may be, or the reason why this is unknown."""
    contact, phone = case.contact, case.phone
    if contact.state and not zones.of_state(contact.state):
        return "recipient_state_unknown"
    record = contact.record
    for name in (contact.timezone, record.time_zone if record else None):
        if name is not None and zones.load_zone(name) is None:
            return "recipient_zone_malformed"
        if name is not None and not zones.countries_of(name):
            return "recipient_zone_of_no_country"
    told = _zones_of(contact.timezone, contact.state, case.now)
    recorded = _zones_of(record.time_zone, record.state, case.now) if record else []
    confirmed = bool(told and contact.zone_confirmed) or bool(recorded and record and record.confirmed)
    of_number = [] if confirmed else zones.candidates(phone)
    names = sorted({*told, *recorded, *of_number})
    found = [zones.load_zone(name) for name in names]
    known = [zone for zone in found if zone]
    # Without time zone data for a name the local time is unknown, so the contact is refused.
    if not known or len(known) < len(found):
        return "no_zone_of_number" if phone.kind is NumberKind.GEOGRAPHIC else "number_of_no_place"
    rules = [(name, rule) for name, rule in find_laws(contact, phone) if rule]
    own = contact.window.hours if contact.window else None
    clocks = build_clocks(known, rules, contact.channel, own=own, amendments=amendments_of_case(case))
    source: PlaceSource = "number"
    if confirmed:
        source = "contact"
    elif told or recorded:
        source = "both" if of_number else "recipient"
    return RecipientPlace(names, source, [*clocks, contact.opening] if contact.opening else clocks)


def _zones_of(time_zone: str | None, state: str | None, now: datetime) -> list[str]:
    """Returns the zones that a stated time zone and state mean. A state alone means all of its zones.

    A time zone selects one of the state's zones. If its clock differs from all of them the statements contradict each
    other: then the hours must allow the contact in every one of these zones.
    """
    of_state = zones.of_state(state) if state else []
    if not time_zone:
        return of_state
    if any(zones.same_clock(time_zone, name, now.year) for name in of_state):
        return [time_zone]
    return [time_zone, *of_state]


def amendments_of_case(case: RuleInput) -> list[Amendment]:
    """Returns the operators' rows for the places whose law applies."""
    return [row for name, _ in find_laws(case.contact, case.phone) for row in case.facts.amendments.get(name, ())]
