"""An organization's own calling hours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from switchboard.accounts import organizations
from switchboard.compliance.data.countries import ELSEWHERE
from switchboard.compliance.data.law import intersect_windows
from switchboard.compliance.models import CallingHours
from switchboard.errors import Invalid
from switchboard.events.models import Origin
from switchboard.persistence.idempotency import IdempotencyKey


def get_calling_hours(org_id: str) -> CallingHours | None:
    """Returns the organization's calling hours in the recipient's time, or None without any. Raises NotFound."""
    hours = organizations.get_organization(org_id).calling_hours
    return CallingHours.model_validate(hours) if hours else None


def set_calling_hours(
    origin: Origin, start: str | None, end: str | None, effect: IdempotencyKey | None = None
) -> CallingHours | None:
    """Sets the organization's own calling hours, such as `09:00` and `18:00`. Removes them if both are None.

    The hours can only be stricter than the law. They apply to calls that are dialed from now on. Raises Invalid.
    """
    window = None if start is None and end is None else _window(start, end)
    organizations.set_calling_hours(origin, window.model_dump() if window else None, effect)
    return window


def _window(start: str | None, end: str | None) -> CallingHours:
    problems = {name: "is missing" for name, text in (("start", start), ("end", end)) if text is None}
    try:
        window = CallingHours(start=start or "", end=end or "")
    except ValidationError as error:
        told = {".".join(map(str, one["loc"])) or "end": _told(one) for one in error.errors()}
        raise Invalid("Invalid calling hours: see the fields.", code="hours_invalid", fields=told | problems) from None
    if intersect_windows(window.hours, ELSEWHERE.weekdays) is None:
        raise Invalid(
            "Invalid calling hours: the law allows no call in them. Include some time between 08:00 and 21:00.",
            code="hours_invalid",
            fields={"start": "must include some time between 08:00 and 21:00"},
        )
    return window


def _told(problem: Mapping[str, Any]) -> str:
    if problem["type"] == "string_pattern_mismatch":
        return "must be a time of day, such as 09:00"
    return str(problem["msg"]).removeprefix("Value error, ")
