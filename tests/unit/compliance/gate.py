"""The gate without a table: verdicts on facts that the test states."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from switchboard.carriers.registries import ReassignedAnswer, RegistryAnswer
from switchboard.compliance import phone, service
from switchboard.compliance.models import ContactAttempt, StatedConsent
from switchboard.compliance.store import Facts
from switchboard.compliance.verdicts import RuleResult, Verdict
from switchboard.kit import clock

#: A Thursday, noon in New York: open everywhere in the United States but in the Pacific.
NOON = datetime(2026, 1, 15, 17, tzinfo=UTC)
CONSENT = StatedConsent(source="opt-in:web-form", date="2025-06-01")


def at(zone: str, text: str) -> datetime:
    """Returns a time by the wall clock of a zone: `2026-03-09 08:00:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def utc(text: str) -> datetime:
    return clock.parse(text)


def verdict(
    to: str,
    now: datetime = NOON,
    facts: Facts | None = None,
    ask: Callable[[date], ReassignedAnswer] = lambda _: "no",
    registered: Callable[[], RegistryAnswer] | None = None,
    **contact: Any,
) -> Verdict:
    """Returns the verdict on a contact that has a valid consent, unless the test says otherwise."""
    asked = ContactAttempt(**{"org_id": "org_a", "channel": "voice", "to": to, "consent": CONSENT, **contact})
    return service.decide_verdict(asked, phone.parse(to), facts or Facts(), now, ask, registered)


def check_hours(to: str, now: datetime, **contact: Any) -> RuleResult:
    """Returns the result of the hours rule."""
    return verdict(to, now, **contact).find_result("quiet_hours")


def is_open(to: str, now: datetime, **contact: Any) -> bool:
    return check_hours(to, now, **contact).result == "pass"
