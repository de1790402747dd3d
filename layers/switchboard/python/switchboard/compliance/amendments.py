"""A row of law that an operator adds while the system runs: a closure, a stricter window, or a cap.

It is in effect for the next contact that is looked at, everywhere. It is laid over the law of its place, so that it can
only narrow: no row opens what the law or another row closes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from switchboard.compliance import zones
from switchboard.compliance.data.countries import rule_of
from switchboard.compliance.data.law import WHOLE_DAY, Cap, Hours, Rule, narrowed
from switchboard.compliance.data.states import STATES

Channel = Literal["voice", "sms"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: Where numbers are that no country has: satellite telephones, international services (the plan's own word).
NOWHERE = "001"
_TIME = r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$"


class Amendment(BaseModel):
    """A row that narrows the law of a place: `US`, `CA`, `US-FL` …

    A `closure` closes its days; a `window` leaves open what lies between `start` and `end` on its weekdays; a `cap`
    allows so many `calls` of one subject in so many `hours`. It holds from `first` to `last`, both included, by the
    local calendar; without `last`, until it is removed. `channel` restricts it to calls or to texts.
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
    #: As many as the gate remembers of a number (store.SLOTS), and as long.
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
        known = country == NOWHERE or bool(zones.of_country(country))
        if not known or (state and (country != "US" or not zones.of_state(state))) or value.endswith("-"):
            raise ValueError("is no country, such as CA, and no state, such as US-FL")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.last and self.last < self.first:
            raise ValueError("ends before it begins")
        if self.kind == "closure" and self.last is None:
            raise ValueError("a closure has a last day")
        if self.kind == "window" and (self.start is None or self.end is None or self.start >= self.end):
            raise ValueError("a window starts before it ends, on the same day")
        if self.kind == "window" and not self.days:
            raise ValueError("a window has a weekday")
        if self.kind == "cap" and (self.calls is None or self.hours is None):
            raise ValueError("a cap has calls and hours")
        return self

    def holds(self, day: date, channel: Channel) -> bool:
        """Whether the row is in effect on a day, for calls or texts."""
        return self.channel in (None, channel) and self.first <= day and (self.last is None or day <= self.last)

    def window(self, day: date, channel: Channel) -> Hours | None:
        """What the row leaves open of a day."""
        if not self.holds(day, channel) or self.kind == "cap":
            return WHOLE_DAY
        if self.kind == "closure":
            return None
        if WEEKDAYS[day.weekday()] not in self.days or self.start is None or self.end is None:
            return WHOLE_DAY
        return Hours(_minutes(self.start), _minutes(self.end))

    @property
    def cap(self) -> Cap | None:
        """The cap, where it is one."""
        return Cap(self.calls, self.hours) if self.calls and self.hours else None


def _minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def left_open(rows: Sequence[Amendment], day: date, channel: Channel) -> Hours | None:
    """What several rows leave open of a day together."""
    found: Hours | None = WHOLE_DAY
    for row in rows:
        found = narrowed(found, row.window(day, channel))
    return found


def narrows(row: Amendment) -> bool:
    """Whether a row asks for more than the law of its place does without it, on any day or for any number of calls."""
    if row.kind == "closure":
        return True
    rules = _rules(row.place)
    if cap := row.cap:
        return not any(one.cap and one.cap.calls <= cap.calls and one.cap.hours >= cap.hours for one in rules)
    channels: tuple[Channel, ...] = (row.channel,) if row.channel else ("voice", "sms")
    week = [row.first + timedelta(days=number) for number in range(7)]
    return any(
        (law := _of_law(rules, day, channel)) != narrowed(law, row.window(day, channel))
        for channel in channels
        for day in week
    )


def _rules(place: str) -> list[Rule]:
    country, _, state = place.partition("-")
    return [rule_of(country), *([STATES[state]] if state in STATES else [])]


def _of_law(rules: Sequence[Rule], day: date, channel: Channel) -> Hours | None:
    found: Hours | None = WHOLE_DAY
    for rule in rules:
        found = narrowed(found, rule.window(day, holiday=False, voice=channel == "voice"))
    return found
