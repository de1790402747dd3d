"""Timers, and dead timers."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Timer(BaseModel):
    """A message for a queue that is due at a given time. `attempts` counts the failed attempts to send it."""

    model_config = ConfigDict(frozen=True)

    id: str
    org_id: str
    due: str
    queue: str
    body: dict[str, Any]
    attempts: int = 0

    @property
    def minute(self) -> str:
        """The minute of its due time. Minute and shard are its partition."""
        return self.due[:16]


class DeadTimer(BaseModel):
    """A timer that could not be sent in all its attempts, and the reason."""

    id: str
    died_at: str
    reason: str
    #: The timer as it was stored. A timer that cannot be parsed is kept unchanged.
    timer: dict[str, Any]
