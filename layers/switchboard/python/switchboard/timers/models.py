"""A timer: a job, and when it is due."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Timer(BaseModel):
    """A job that a queue gets at `due`. Kept by the subject that may cancel it: `key` is all that takes."""

    model_config = ConfigDict(frozen=True)

    id: str
    org_id: str
    due: str
    queue: str
    body: dict[str, Any]
    lease_until: str | None = None

    @property
    def minute(self) -> str:
        """The minute it is due in: the partition that the tick looks through."""
        return self.due[:16]
