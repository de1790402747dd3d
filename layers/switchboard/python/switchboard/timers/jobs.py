"""The job of the workers that fire timers."""

from __future__ import annotations

from switchboard.kit.jobs import Job


class FireTimers(Job, queue="timers"):
    """Fire one shard's timers of some minutes, the first to the last of them (`2026-01-02T03:04`, UTC)."""

    first: str
    last: str
    shard: int
