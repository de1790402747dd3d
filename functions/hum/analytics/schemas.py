"""Response models of HUM's dashboard and analytics (docs/contracts/hum.md#analytics)."""

from __future__ import annotations

from pydantic import BaseModel, Field

from switchboard.analytics.models import FlowFigures, RangeFigures
from switchboard.analytics.service import Dashboard
from switchboard.dialects.hum.analytics_views import FlowAnalyticsView, length_fields, range_fields
from switchboard.dialects.hum.call_views import CallSummaryRow


class FlowLine(BaseModel):
    """The calls of a flow."""

    flow_id: str | None = Field(description="`null` for the calls without a flow.")
    flow_name: str | None = Field(description="`null` if the flow was deleted.")
    calls: int
    answered: int
    avg_duration_sec: float
    total_minutes: float

    @classmethod
    def of(cls, line: FlowFigures) -> FlowLine:
        """Returns HUM's view of the calls of a flow."""
        figures = line.figures
        return cls.model_validate(
            {
                "flow_id": line.flow_id,
                "flow_name": line.name,
                "calls": figures.calls,
                "answered": figures.answered,
                **length_fields(figures),
            }
        )


class HourView(BaseModel):
    """The calls that were created in an hour of the day."""

    hour: int = Field(ge=0, le=23)
    calls: int


class MessageTotals(BaseModel):
    """The text messages of the range."""

    sent: int
    received: int
    failed: int
    opt_outs: int


class DirectionView(BaseModel):
    """The calls of each direction."""

    inbound: int
    outbound: int


class AnalyticsView(FlowAnalyticsView):
    """Figures about all calls of the organization."""

    by_flow: list[FlowLine] = Field(description="The 100 flows with the most calls.")
    by_hour: list[HourView] = Field(description="The 24 hours of the day, in the organization's time zone.")
    direction: DirectionView
    sms: MessageTotals

    @classmethod
    def told(cls, found: RangeFigures) -> AnalyticsView:
        """Returns HUM's view of the figures of an organization."""
        totals = found.totals
        return cls.model_validate(
            {
                **range_fields(found),
                "by_flow": [FlowLine.of(line).model_dump() for line in found.flows],
                "by_hour": [{"hour": hour, "calls": calls} for hour, calls in enumerate(found.hours)],
                "direction": {"inbound": totals.inbound, "outbound": totals.calls - totals.inbound},
                "sms": found.texts._asdict(),
            }
        )


class DashboardStats(BaseModel):
    """The figures of the dashboard. Days are those of the organization's time zone."""

    calls_today: int
    calls_7d: int = Field(description="Calls of today and the six days before. The next two figures are about them.")
    avg_duration_sec: float
    answered_rate: float = Field(description="The part of the calls that were answered, from 0 to 1.", ge=0, le=1)
    unread_calls: int = Field(description="Calls that you have not read, at most 100.", ge=0, le=100)
    unread_voicemails: int = Field(description="Voicemails that you have not read, at most 100.", ge=0, le=100)
    open_conversations: int = Field(description="Open conversations of texts, at most 1,000.", ge=0, le=1_000)
    minutes_used: int = Field(description="The minutes of calls that this month (UTC) is charged for.")
    minutes_included: int | None = Field(description="The minutes that the plan includes. `null` means no limit.")


class DashboardView(BaseModel):
    """The state of the organization at a glance."""

    stats: DashboardStats
    recent_calls: list[CallSummaryRow] = Field(description="The newest calls, at most ten.")

    @classmethod
    def told(cls, found: Dashboard, open_conversations: int) -> DashboardView:
        """Returns HUM's view of the dashboard."""
        totals = found.sums.totals
        stats = DashboardStats(
            calls_today=found.sums.days[-1].calls,
            calls_7d=totals.calls,
            avg_duration_sec=totals.average_seconds,
            answered_rate=totals.answered_rate,
            unread_calls=found.unread_calls,
            unread_voicemails=found.unread_voicemails,
            open_conversations=open_conversations,
            minutes_used=found.minutes_used,
            minutes_included=found.minutes_included,
        )
        return cls(stats=stats, recent_calls=[CallSummaryRow.of(row) for row in found.recent_calls])
