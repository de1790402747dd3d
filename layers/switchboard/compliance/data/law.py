"""The types of rows of law: hours and limits of calls in a place, with their source, start and review date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

#: How a row was checked. `statute`: somebody read the law's text. `vendors`: charts of at least two compliance vendors
#: agree. `single`: one chart, or a text that may have changed since then. Only `statute` counts as checked.
Confidence = Literal["statute", "vendors", "single"]


_UNREAD: dict[Confidence, str] = {
    "vendors": "charts of two vendors agree; the text was not read",
    "single": "one chart has it; the text was not read",
}


@dataclass(frozen=True, slots=True)
class DayWindow:
    """A window of the day in local time, in minutes from midnight: open while `start` ≤ now < `end`."""

    start: int
    end: int


#: A window without limits.
WHOLE_DAY = DayWindow(0, 24 * 60)


def hours(start: int, end: int) -> DayWindow:
    """Returns a window from one full hour to another."""
    return DayWindow(start * 60, end * 60)


def intersect_windows(one: DayWindow | None, other: DayWindow | None) -> DayWindow | None:
    """Returns the window that two windows leave open together. `None` means closed."""
    if one is None or other is None:
        return None
    start, end = max(one.start, other.start), min(one.end, other.end)
    return DayWindow(start, end) if start < end else None


@dataclass(frozen=True, slots=True)
class AttemptCap:
    """A limit of calls, and of texts that sell, on one subject within some hours. They count together."""

    calls: int
    hours: int = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcedRow:
    """The fields that every row of law has.

    The row applies from the day `since`. Somebody must review it by the day `review_by`: after that day `make lint`
    fails and an alarm starts. But the row applies until it is changed, also after that day.
    """

    source: str
    since: date
    review_by: date
    confidence: Confidence
    #: The uncertain part of a row, and its evidence.
    doubt: str | None = None

    @property
    def checked(self) -> bool:
        """Whether somebody read the law's text."""
        return self.confidence == "statute"

    @property
    def not_checked(self) -> str | None:
        """Why a row counts as unchecked, or None for a checked row."""
        return None if self.checked else self.doubt or _UNREAD[self.confidence]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(SourcedRow):
    """The hours and the limit of contacts of one place. A day without a window is closed.

    `holidays` replaces the day's window on the place's legal holidays (`data.holidays`). Without `keeps_holidays` these
    are normal days. `voice` makes the window stricter for calls by an artificial voice, as all of ours are. With
    `voice_only` the whole row applies only to such calls. `zone` is the clock that the law names, if it names one.
    """

    weekdays: DayWindow | None
    saturday: DayWindow | None
    sunday: DayWindow | None
    keeps_holidays: bool = False
    holidays: DayWindow | None = None
    voice: DayWindow | None = None
    voice_only: bool = False
    zone: str | None = None
    cap: AttemptCap | None = None

    def window_of_day(self, day: date, *, holiday: bool, voice: bool) -> DayWindow | None:
        """Returns the window of a day, or None for a closed day."""
        if day < self.since or (self.voice_only and not voice):
            return WHOLE_DAY
        if holiday and self.keeps_holidays:
            found = self.holidays
        else:
            found = {5: self.saturday, 6: self.sunday}.get(day.weekday(), self.weekdays)
        return intersect_windows(found, self.voice) if voice and self.voice else found
