"""A timer: a job, and when it is due."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Timer(BaseModel):
    """A message for a queue that is due at a moment. `attempts` counts the times that it could not be handed over."""

    model_config = ConfigDict(frozen=True)

    id: str
    org_id: str
    due: str
    queue: str
    body: dict[str, Any]
    attempts: int = 0

    @property
    def minute(self) -> str:
        """The minute that it is due in: with its shard the partition that holds it."""
        return self.due[:16]


class DeadTimer(BaseModel):
    """A timer that could not be handed over, after all its attempts, and why."""

    id: str
    died_at: str
    reason: str
    #: The timer as it was stored; what could not even be read is there as it was found.
    timer: dict[str, Any]
