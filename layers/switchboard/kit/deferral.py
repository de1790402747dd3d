"""Deferrals: a provider that does not answer is asked again in growing pauses, until a deadline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from switchboard.kit import clock


@dataclass(frozen=True, slots=True)
class Deferral:
    """When to ask again what has had no answer since some time.

    The pause is `first_pause` for an hour, and `later_pause` after it.
    """

    deadline: timedelta
    first_pause: timedelta
    later_pause: timedelta

    def next_attempt_at(self, since: str) -> datetime | None:
        """Returns when to ask again, `None` after the deadline."""
        now = clock.now()
        waited = now - clock.parse(since)
        if waited >= self.deadline:
            return None
        return now + (self.first_pause if waited < timedelta(hours=1) else self.later_pause)
