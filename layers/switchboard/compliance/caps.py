"""The rule of attempt caps: how many calls a number may get in a day, a week or a month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from switchboard.compliance.data.law import AttemptCap
from switchboard.compliance.models import RuleResult
from switchboard.compliance.places import amendments_of_case, find_laws
from switchboard.compliance.rule_results import RuleInput, rule_blocked, rule_passed, rule_skipped
from switchboard.kit import clock


@dataclass(frozen=True, slots=True)
class _Capped:
    """A limit of calls, and the law that requires it."""

    cap: AttemptCap
    law: str


def _caps(case: RuleInput) -> list[_Capped]:
    today = case.now.date()
    rules = [(name, rule) for name, rule in find_laws(case.contact, case.phone) if rule and rule.since <= today]
    found = [_Capped(rule.cap, f"{name}: {rule.source}") for name, rule in rules if rule.cap]
    # The recipient's date may be one day ahead or behind.
    near = [today + timedelta(days=offset) for offset in (-1, 0, 1)]
    rows = [row for row in amendments_of_case(case) if any(row.holds(day, case.contact.channel) for day in near)]
    return found + [_Capped(row.cap, f"{row.id}: {row.source}") for row in rows if row.cap]


def check_caps(case: RuleInput) -> RuleResult:
    """Checks the legal limits of calls on one subject. Counts by organization and number; texts do not count."""
    if case.contact.channel != "voice":
        return rule_skipped(case, "caps", "calls_only")
    found = _caps(case)
    if not found:
        return rule_skipped(case, "caps", "no_cap")
    if case.nobody:
        return rule_skipped(case, "caps", case.nobody)
    if case.contact.counted:
        return rule_skipped(case, "caps", "counted_already")
    attempts = [clock.parse(text) for text in case.facts.attempts]
    free = [moment for one in found if (moment := _free_at(one.cap, attempts)) and moment > case.now]
    longest = max(one.cap.hours for one in found)
    details: dict[str, Any] = {
        "limits": [{"calls": one.cap.calls, "hours": one.cap.hours} for one in found],
        "attempts": sum(moment > case.now - timedelta(hours=longest) for moment in attempts),
        "law": [one.law for one in found],
    }
    if free:
        details["free_at"] = clock.format_iso(max(free))
        return rule_blocked(case, "caps", "attempt_cap", "limit_reached", details=details)
    return rule_passed(case, "caps", "within_limit", details=details)


def _free_at(cap: AttemptCap, attempts: list[datetime]) -> datetime | None:
    """Returns when a cap allows the next call, or None for now. `attempts` are the latest calls, newest first."""
    return attempts[cap.calls - 1] + timedelta(hours=cap.hours) if len(attempts) >= cap.calls else None
