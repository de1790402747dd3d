"""Time and money of rented numbers, for tests of rent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from switchboard.aws.dynamodb import decode_item
from switchboard.events import service as events
from switchboard.events.models import Event
from switchboard.kit import clock
from switchboard.timers import store as timer_store
from switchboard.usage import service as usage
from switchboard.usage.models import MICROS_PER_CENT
from tests.actors import Tenant
from tests.integration.sabotage import Later, scan_items, send_due


def set_clock(frozen: clock.FrozenClock, moment: str) -> None:
    frozen.at = clock.parse(moment).timestamp()


def run_due_work(later: Later, since: str) -> None:
    """Runs the ticks and the workers of numbers, as if the latest tick had run just before `since`."""
    timer_store.advance_watermark(clock.format_iso(clock.parse(since) - timedelta(minutes=1))[:16])
    send_due(later, "workers/numbers")


def spent_cents(who: Tenant, period: str) -> int:
    return usage.get_monthly_usage(who.org_id, period).spent_micros // MICROS_PER_CENT


def list_rent_timers(number_id: str) -> list[tuple[str, int]]:
    """The due times and months of the timers of a number's rent."""
    rows: list[dict[str, Any]] = [decode_item(item) for item in scan_items("activity")]
    bodies = [(row["due"], row["body"]) for row in rows if row["pk"].startswith("timer#")]
    return sorted(
        (due, int(body["month"]))
        for due, body in bodies
        if body["job"] == "ChargeRent" and body["number_id"] == number_id
    )


def list_rent_charges(number_id: str) -> list[Event]:
    """The charges of a number's rent, in the order of their months."""
    rows: list[dict[str, Any]] = [decode_item(item) for item in scan_items("activity")]
    found = [events.parse_event(row) for row in rows if row.get("type") == "number.rent_charged"]
    return sorted((event for event in found if event.subject.id == number_id), key=lambda event: event.data["begins"])
