"""The fact of a call, and the figures of a range."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

#: The moods of a talk, as the contract names them.
SENTIMENTS = ("positive", "neutral", "negative", "mixed")


class CallFact(BaseModel):
    """The fact of a call: the properties by which it is counted at present. `version` counts the changes of the fact.

    `call_version` is the version of the call that the fact was computed from. `flow` and `outcome` are the numbers of
    their names (`CountedNames`). `seconds` is the length of an answered call that is over.
    """

    model_config = ConfigDict(frozen=True)

    call_id: str
    created_at: str
    version: int = 1
    call_version: int
    flow_id: str | None = None
    flow: int | None = None
    inbound: bool = False
    answered: bool = False
    voicemail: bool = False
    transferred: bool = False
    seconds: int | None = None
    outcome: int | None = None
    sentiment: str | None = None

    @property
    def place(self) -> str:
        """The fact's position among the facts of its organization."""
        return f"{self.created_at}#{self.call_id}"


class CountedNames(BaseModel):
    """The flows and outcomes that have a line of their own in an organization's figures. Each has a number: its place.

    Numbers keep the tallies small. The limits keep the tallies below the size that a table's item may have. `REST` is
    the number of all later names. A flow beyond the limit still has figures of its own.
    """

    version: int = 0
    flows: list[str] = Field(default_factory=list)
    outcomes: list[str] = Field(default_factory=list)


MAX_FLOWS, MAX_OUTCOMES = 500, 100
REST = -1


class CallRange(NamedTuple):
    """The calls that were created from `start` (included) to `end` (not included). Days are those of `zone`."""

    start: datetime
    end: datetime
    zone: ZoneInfo


class CallFigures(NamedTuple):
    """A group of calls. `talks` are the answered calls that are over, and `seconds` is their length together."""

    calls: int = 0
    inbound: int = 0
    answered: int = 0
    voicemails: int = 0
    transfers: int = 0
    talks: int = 0
    seconds: int = 0

    @property
    def average_seconds(self) -> float:
        """The average length of an answered call, in seconds. 0 without such calls."""
        return round(self.seconds / self.talks, 1) if self.talks else 0.0

    @property
    def answered_rate(self) -> float:
        """The part of the calls that were answered, from 0 to 1. 0 without calls."""
        return round(self.answered / self.calls, 4) if self.calls else 0.0

    @property
    def minutes(self) -> float:
        """The length of the talks together, in minutes."""
        return minutes_of(self.seconds)


class DayFigures(NamedTuple):
    """The calls of a day, and their length together."""

    date: date
    calls: int
    seconds: int


class FlowFigures(NamedTuple):
    """The calls of a flow. Calls without a flow, and those of the flows beyond `MAX_FLOWS`, have no `flow_id`.

    A deleted flow has no name.
    """

    flow_id: str | None
    name: str | None
    figures: CallFigures


class MessageFigures(NamedTuple):
    """The text messages of a range, and the people who asked for no more of them."""

    sent: int = 0
    received: int = 0
    failed: int = 0
    opt_outs: int = 0


class RangeFigures(NamedTuple):
    """All figures of a range. `hours` has the number of calls for each hour of the day.

    The `texts` are those of the organization: a flow has none.
    """

    range: CallRange
    totals: CallFigures
    days: list[DayFigures]
    hours: list[int]
    outcomes: Mapping[str, int]
    sentiments: Mapping[str, int]
    flows: list[FlowFigures]
    texts: MessageFigures = MessageFigures()


def minutes_of(seconds: int) -> float:
    """Returns a length in minutes, to a tenth."""
    return round(seconds / 60, 1)
