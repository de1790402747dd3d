"""What a row of law is: where and when calls may be made, since when, by which source, and until when it is trusted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

#: How a row was checked. `statute`: the text was read. `vendors`: charts of at least two compliance vendors agree.
#: `single`: one chart, or a text that may have changed since. Only the first counts as checked.
Confidence = Literal["statute", "vendors", "single"]


_UNREAD: dict[Confidence, str] = {
    "vendors": "charts of two vendors agree; the text was not read",
    "single": "one chart has it; the text was not read",
}


@dataclass(frozen=True, slots=True)
class Hours:
    """A window of the day by the local clock, in minutes: open while `start` ≤ now < `end`."""

    start: int
    end: int


#: No limit by the hour.
WHOLE_DAY = Hours(0, 24 * 60)


def hours(start: int, end: int) -> Hours:
    """A window from one full hour to another."""
    return Hours(start * 60, end * 60)


def narrowed(one: Hours | None, other: Hours | None) -> Hours | None:
    """What two windows leave open together. `None` is closed."""
    if one is None or other is None:
        return None
    start, end = max(one.start, other.start), min(one.end, other.end)
    return Hours(start, end) if start < end else None


@dataclass(frozen=True, slots=True)
class Cap:
    """How often one subject may be called within some hours."""

    calls: int
    hours: int = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Sourced:
    """What every row says of itself.

    `since` is the day from which it holds, `review_by` the day by which somebody must look it up again: after it,
    `make lint` fails and an alarm goes off. A row holds until it is changed, also after that day.
    """

    source: str
    since: date
    review_by: date
    confidence: Confidence
    #: What is not certain about a row, and what it rests on.
    doubt: str | None = None

    @property
    def checked(self) -> bool:
        """Whether its text was read."""
        return self.confidence == "statute"

    @property
    def not_checked(self) -> str | None:
        """Why a row counts as unchecked; None for one whose text was read."""
        return None if self.checked else self.doubt or _UNREAD[self.confidence]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Sourced):
    """What one place asks for. A day without a window is closed.

    `holidays` replaces the day's window on the place's legal holidays (`data.holidays`); without `keeps_holidays` they
    are days as others. `voice` narrows the window for calls by an artificial voice, which all of ours are; with
    `voice_only` the whole row holds for those alone. `zone` is the clock that the law names, where it names one.
    """

    weekdays: Hours | None
    saturday: Hours | None
    sunday: Hours | None
    keeps_holidays: bool = False
    holidays: Hours | None = None
    voice: Hours | None = None
    voice_only: bool = False
    zone: str | None = None
    cap: Cap | None = None

    def window(self, day: date, *, holiday: bool, voice: bool) -> Hours | None:
        """The window of a day."""
        if day < self.since or (self.voice_only and not voice):
            return WHOLE_DAY
        if holiday and self.keeps_holidays:
            found = self.holidays
        else:
            found = {5: self.saturday, 6: self.sunday}.get(day.weekday(), self.weekdays)
        return narrowed(found, self.voice) if voice and self.voice else found
