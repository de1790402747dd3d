"""The days of an organization's widgets, in its own zone: which day it is, and the usage of the last thirty."""

from __future__ import annotations

from datetime import timedelta

from switchboard.accounts import organizations
from switchboard.accounts.models import Organization
from switchboard.compliance import zones
from switchboard.kit import clock
from switchboard.usage import reservations
from switchboard.widgets import service
from switchboard.widgets.models import WidgetDay, WidgetUsage

#: The name of the widgets' reservations.
PURPOSE = "widgets"
SHOWN_DAYS = 30


def today(org: Organization) -> str:
    """Returns the present day in the organization's zone, such as 2026-01-15."""
    zone = zones.load_zone(org.timezone)
    return (clock.now().astimezone(zone) if zone else clock.now()).date().isoformat()


def get_usage(org_id: str, token_id: str) -> WidgetUsage:
    """Returns the usage of all widgets of an organization, with the cap of one token. Raises NotFound."""
    token = service.get_token(org_id, token_id)
    last = clock.parse(f"{today(organizations.get_organization(org_id))}T00:00:00Z")
    dates = [(last - timedelta(days=back)).date().isoformat() for back in reversed(range(SHOWN_DAYS))]
    found = reservations.list_days(org_id, PURPOSE, dates)
    return WidgetUsage(
        [WidgetDay(date, *used) for date, used in zip(dates, found, strict=True)], token.daily_spend_cap_cents
    )
