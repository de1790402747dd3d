"""HUM: `/api/dashboard` and `/api/analytics`: figures about an organization's calls."""

from __future__ import annotations

from functions.hum.analytics.schemas import AnalyticsView, DashboardView
from switchboard.analytics import service
from switchboard.dialects.hum.analytics_views import DAYS, RangeDays, RangeEnd, RangeStart
from switchboard.dialects.hum.dialect import Hum
from switchboard.edge.api import Api
from switchboard.kit.background import BackgroundTask
from switchboard.messaging import figures
from switchboard.team.permissions import Permission

api = Api(
    Hum(),
    "analytics",
    tags={
        "Dashboard": "The state of the organization at a glance.",
        "Analytics": "Figures about the calls of a range.",
    },
)


@api.get(
    "/api/dashboard",
    summary="Get the dashboard",
    operation_id="getDashboard",
    tag="Dashboard",
    description="The figures count calls of every API and direction, and leave out test calls. `recent_calls` and"
    " `unread_calls` include test calls. New calls are counted after a few moments.",
    permission=Permission.ANALYTICS_READ,
)
def get_dashboard() -> DashboardView:
    org_id = api.member.org_id
    open_conversations = BackgroundTask(lambda: figures.count_open_conversations(org_id))
    open_conversations.start()
    return DashboardView.told(service.get_dashboard(api.member), open_conversations.result())


@api.get(
    "/api/analytics",
    summary="Get figures about all calls",
    operation_id="getAnalytics",
    tag="Analytics",
    description="A call belongs to the day and the hour of its creation, with its whole length. Calls of every API and"
    " direction count, except test calls. New calls are counted after a few moments.",
    permission=Permission.ANALYTICS_READ,
)
def get_analytics(days: RangeDays = DAYS, start: RangeStart = None, end: RangeEnd = None) -> AnalyticsView:
    return AnalyticsView.told(service.get_analytics(api.member.organization, days, start, end))


handler = api.handler
