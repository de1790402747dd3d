"""HUM's views of figures about calls, and the parameters of their range (docs/contracts/hum.md#analytics)."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel, Field

from switchboard.analytics.models import CallFigures, RangeFigures, minutes_of
from switchboard.analytics.ranges import DEFAULT_DAYS
from switchboard.edge.fields import Timestamp
from switchboard.kit import clock

RangeDays = Annotated[
    int,
    Query(
        ge=1,
        le=365,
        description="The number of days: today and the days before, in the time zone of the organization. With `start`"
        " alone the days begin there. Ignored with `start` and `end`.",
    ),
]
RangeStart = Annotated[Timestamp | None, Query(description="The first time of creation.")]
RangeEnd = Annotated[
    Timestamp | None,
    Query(description="The first time of creation after the range. It needs `start`, and is at most 366 days later."),
]
DAYS = DEFAULT_DAYS


class RangeView(BaseModel):
    """The range of the figures: the calls that were created from `start` to `end`. `end` is not included."""

    start: str
    end: str
    days: int = Field(description="The number of days that the range touches.")
    timezone: str = Field(description="The time zone of days and hours.")


class CallTotals(BaseModel):
    """The calls of the range together."""

    calls: int
    answered: int = Field(description="Calls that a person answered, or our agent for an incoming call.")
    voicemails: int = Field(description="Calls in which somebody left a voicemail, or a machine answered.")
    transfers: int = Field(description="Calls that were transferred to a number.")
    avg_duration_sec: float = Field(description="The average length of the answered calls that are over.")
    total_minutes: float = Field(description="The length of the answered calls together.")


class DayView(BaseModel):
    """The calls that were created on a day."""

    date: str
    calls: int
    minutes: float


class OutcomeView(BaseModel):
    """The calls with an outcome."""

    name: str
    count: int


class SentimentView(BaseModel):
    """The calls with each mood of the talk. A call without a summary has none."""

    positive: int = 0
    neutral: int = 0
    negative: int = 0
    mixed: int = 0


class FlowAnalyticsView(BaseModel):
    """Figures about the calls of a flow."""

    range: RangeView
    totals: CallTotals
    by_day: list[DayView] = Field(description="Each day of the range.")
    outcomes: list[OutcomeView] = Field(description="The most frequent first.")
    sentiment: SentimentView

    @classmethod
    def of(cls, found: RangeFigures) -> FlowAnalyticsView:
        """Returns HUM's view of the figures of a flow."""
        return cls.model_validate(range_fields(found))


def range_fields(found: RangeFigures) -> dict[str, object]:
    """Returns the fields that the figures of a flow and of an organization share."""
    start, end, zone = found.range
    return {
        "range": {
            "start": clock.format_iso(start),
            "end": clock.format_iso(end),
            "days": len(found.days),
            "timezone": zone.key,
        },
        "totals": {
            "calls": found.totals.calls,
            "answered": found.totals.answered,
            "voicemails": found.totals.voicemails,
            "transfers": found.totals.transfers,
            **length_fields(found.totals),
        },
        "by_day": [
            {"date": day.date.isoformat(), "calls": day.calls, "minutes": minutes_of(day.seconds)} for day in found.days
        ],
        "outcomes": [{"name": name, "count": calls} for name, calls in found.outcomes.items()],
        "sentiment": dict(found.sentiments),
    }


def length_fields(figures: CallFigures) -> dict[str, object]:
    """Returns the fields about the length of calls."""
    return {"avg_duration_sec": figures.average_seconds, "total_minutes": figures.minutes}
