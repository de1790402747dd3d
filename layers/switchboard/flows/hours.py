"""Whether a flow is open at a time: its business hours and holidays, on the clock of its zone.

A window belongs to the day on which it starts, also after midnight: the night before a holiday ends as usual. The
clock on the wall decides. When clocks go forward, a window in the missing hour does not happen. When they go back, it
happens twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from switchboard.accounts import organizations
from switchboard.compliance.hours import find_moments
from switchboard.compliance.models import WindowEdge
from switchboard.flows import holidays
from switchboard.flows.models import WEEKDAYS, BusinessHours, Flow, FlowSettings, Holiday, OpeningWindow

_ALL_DAY = (OpeningWindow(start="00:00", end="24:00"),)
_DAY_MINUTES = 24 * 60


def is_open(flow: Flow, at: datetime) -> bool:
    """Whether the flow is open. A flow without a zone of its own uses that of its organization."""
    if not flow.business_hours_enabled:
        return True
    zone = flow.timezone or organizations.get_organization(flow.org_id).timezone
    return is_open_in(flow, at, ZoneInfo(zone))


def is_open_in(flow: FlowSettings, at: datetime, zone: ZoneInfo) -> bool:
    """Whether the flow is open at this time on the clock of this zone."""
    if not flow.business_hours_enabled:
        return True
    local = at.astimezone(zone)
    week, days_off = flow.business_hours, flow.holidays
    minute, today = local.hour * 60 + local.minute, local.date()
    if any(window.start_minute <= minute < window.end_minute for window in list_windows(week, days_off, today)):
        return True
    yesterday = today - timedelta(days=1)
    return any(minute + _DAY_MINUTES < window.end_minute for window in list_windows(week, days_off, yesterday))


@dataclass(frozen=True, slots=True)
class FlowClock:
    """The business hours of a flow on its clock, for the compliance gate (`compliance.models.OpeningClock`)."""

    flow: FlowSettings
    zone: ZoneInfo

    def is_open(self, moment: datetime) -> bool:
        """Whether the flow is open at a time."""
        return is_open_in(self.flow, moment, self.zone)

    def list_turns(self, start: datetime, offset: int, edge: WindowEdge) -> Iterator[datetime]:
        """Returns the times when the flow may open or close, `offset` local days after a time."""
        day = start.astimezone(self.zone).date() + timedelta(days=offset)
        today, yesterday = (
            list_windows(self.flow.business_hours, self.flow.holidays, day - timedelta(days=back)) for back in (0, 1)
        )
        if edge == "start":
            return find_moments(self.zone, day, [window.start_minute for window in today])
        # A window of yesterday may end today.
        ends = [window.end_minute for window in today]
        late = [window.end_minute - _DAY_MINUTES for window in yesterday if window.end_minute > _DAY_MINUTES]
        return find_moments(self.zone, day, [*ends, *late])


def find_flow_clock(flow: Flow, org_timezone: str) -> FlowClock | None:
    """Returns the clock of a flow's business hours, `None` if they are not enabled."""
    return FlowClock(flow, ZoneInfo(flow.timezone or org_timezone)) if flow.business_hours_enabled else None


def list_windows(week: BusinessHours | None, days_off: Sequence[Holiday], day: date) -> Sequence[OpeningWindow]:
    """Returns the windows that start on a day. The first holiday of the day decides; without hours it is closed.

    Without business hours, days that are not holidays are open all day.
    """
    for holiday in days_off:
        if holidays.is_on(holiday, day):
            return holiday.hours
    return _ALL_DAY if week is None else week.get(WEEKDAYS[day.weekday()], [])  # type: ignore[call-overload]
