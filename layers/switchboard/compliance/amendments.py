"""Amendments: rows of law that operators add while the system runs. A row is a closure, a stricter window, or a cap.

A row takes effect at once, for every contact that is evaluated from then on. It can only make the law of its place
stricter: no row opens a time that the law or another row closes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from switchboard.compliance import zones
from switchboard.compliance.data.countries import COUNTRIES, ELSEWHERE
from switchboard.compliance.data.law import WHOLE_DAY, AttemptCap, DayWindow, Rule, intersect_windows
from switchboard.compliance.data.states import STATES

Channel = Literal["voice", "sms"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: The place of numbers outside every country: satellite telephones, international services. The code is the one of
#: the numbering plan.
NO_COUNTRY = "001"
_TIME = r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$"


class Amendment(BaseModel):
    """A row that makes the law of a place stricter: `US`, `CA`, `US-FL` …

    A `closure` closes its days. A `window` closes its weekdays except from `start` to `end`. A `cap` allows `calls` on
    one subject within `hours`. The row applies from `first` to `last`, both included, by the local calendar; without
    `last` it applies until it is removed. `channel` limits it to calls or to texts.
    """

    model_config = ConfigDict(frozen=True)

    id: str = ""
    place: str
    kind: Literal["closure", "window", "cap"]
    first: date
    last: date | None = None
    days: tuple[Weekday, ...] = WEEKDAYS
    start: str | None = Field(default=None, pattern=_TIME)
    end: str | None = Field(default=None, pattern=_TIME)
    #: The maximum is what the gate stores for a number: its last 3 calls (`store.ATTEMPT_SLOTS`), for 24 hours.
    calls: int | None = Field(default=None, ge=1, le=3)
    hours: int | None = Field(default=None, ge=1, le=24)
    channel: Channel | None = None
    source: str = Field(min_length=1, max_length=300)
    review_by: date | None = None
    created_by: str = ""
    at: str = ""

    @field_validator("place")
    @classmethod
    def _a_place(cls, value: str) -> str:
        country, _, state = value.partition("-")
        known = country == NO_COUNTRY or bool(zones.of_country(country))
        if not known or (state and (country != "US" or not zones.of_state(state))) or value.endswith("-"):
            raise ValueError("must be a country such as CA, or a state such as US-FL")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.last and self.last < self.first:
            raise ValueError("must not end before it begins")
        if self.kind == "closure" and self.last is None:
            raise ValueError("a closure needs a last day")
        if self.kind == "window" and (self.start is None or self.end is None or self.start >= self.end):
            raise ValueError("a window needs a start and a later end on the same day")
        if self.kind == "window" and not self.days:
            raise ValueError("a window needs at least one weekday")
        if self.kind == "cap" and (self.calls is None or self.hours is None):
            raise ValueError("needs calls and hours, as every cap")
        return self

    def is_in_effect(self, day: date, channel: Channel) -> bool:
        """Whether the row is in effect on a day, for calls or texts."""
        return self.channel in (None, channel) and self.first <= day and (self.last is None or day <= self.last)

    def window_of_day(self, day: date, channel: Channel) -> DayWindow | None:
        """Returns the window that the row leaves open on a day; None means closed."""
        if not self.is_in_effect(day, channel) or self.kind == "cap":
            return WHOLE_DAY
        if self.kind == "closure":
            return None
        if WEEKDAYS[day.weekday()] not in self.days or self.start is None or self.end is None:
            return WHOLE_DAY
        return DayWindow(_minutes(self.start), _minutes(self.end))

    @property
    def cap(self) -> AttemptCap | None:
        """The cap, or None for another kind of row."""
        return AttemptCap(self.calls, self.hours) if self.calls and self.hours else None


def _minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def combine_windows(rows: Sequence[Amendment], day: date, channel: Channel) -> DayWindow | None:
    """Returns the window that all rows leave open on a day; None means closed."""
    found: DayWindow | None = WHOLE_DAY
    for row in rows:
        found = intersect_windows(found, row.window_of_day(day, channel))
    return found


def is_stricter(row: Amendment) -> bool:
    """Whether a row is stricter than the law of its place, on any day or for any number of calls."""
    if row.kind == "closure":
        return True
    rules = _rules(row.place)
    if cap := row.cap:
        return not any(one.cap and one.cap.calls <= cap.calls and one.cap.hours >= cap.hours for one in rules)
    channels: tuple[Channel, ...] = (row.channel,) if row.channel else ("voice", "sms")
    week = [row.first + timedelta(days=number) for number in range(7)]
    return any(
        (law := _of_law(rules, day, channel)) != intersect_windows(law, row.window_of_day(day, channel))
        for channel in channels
        for day in week
    )


def _rules(place: str) -> list[Rule]:
    country, _, state = place.partition("-")
    return [COUNTRIES.get(country, ELSEWHERE), *([STATES[state]] if state in STATES else [])]


def _of_law(rules: Sequence[Rule], day: date, channel: Channel) -> DayWindow | None:
    found: DayWindow | None = WHOLE_DAY
    for rule in rules:
        found = intersect_windows(found, rule.window_of_day(day, holiday=False, voice=channel == "voice"))
    return found
