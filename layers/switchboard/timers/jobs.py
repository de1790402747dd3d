"""The job of the workers that fire timers."""

from __future__ import annotations

from switchboard.kit.jobs import Job


class FireTimers(Job, queue="timers"):
    """Fire the timers of one shard from the minute `first` to the minute `last` (`2026-01-02T03:04`, UTC)."""

    first: str
    last: str
    shard: int
