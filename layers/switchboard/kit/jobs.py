"""Jobs: work for another function, as small frozen types named in the imperative.

A noun declares its jobs in its `jobs.py`, each with its queue. A worker has a table that maps each job to a function
(`switchboard.workers`). The queues that a function may send to follow from the classes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict

#: The field of a message with the name of the job's class.
JOB_FIELD = "job"
_kinds: dict[str, type[Job]] = {}


class UnknownJobError(RuntimeError):
    """The message has no job name, or a name that its worker does not know."""


class Job(BaseModel):
    """A job. If it has an `org_id`, it belongs to that organization."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: The queue that carries the job.
    queue: ClassVar[str]

    def __init_subclass__(cls, *, queue: str, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.queue = queue
        if _kinds.setdefault(cls.__name__, cls) is not cls:
            raise TypeError(f"two jobs are called {cls.__name__}: rename one of them")

    @property
    def body(self) -> dict[str, Any]:
        """The body of the job's message."""
        return {JOB_FIELD: type(self).__name__, **self.model_dump(mode="json", exclude_none=True)}

    def to_message(self, *, delay: int = 0, queue: str | None = None) -> QueueMessage:
        """Returns the job's message, with a delay in seconds. `queue` replaces the job's own queue."""
        group = getattr(self, "org_id", None) or type(self).__name__
        return QueueMessage(queue=queue or self.queue, body=self.body, group=group, delay=delay)

    @classmethod
    def parse_body(cls, body: dict[str, Any]) -> Self:
        """Parses the job in a message's body. Raises pydantic's ValidationError if the fields do not fit."""
        return cls.model_validate({name: value for name, value in body.items() if name != JOB_FIELD})


def job_queues() -> list[str]:
    """The queues of all jobs in the modules that are imported so far."""
    return sorted({kind.queue for kind in _kinds.values()})


@dataclass(frozen=True, kw_only=True)
class QueueMessage:
    """One message for a worker.

    `group` is the message group. A FIFO queue keeps the order within a group. A standard queue shares the workers
    fairly among groups. `dedupe` is the deduplication id of a FIFO queue, which drops duplicates for five minutes.
    `delay` is in seconds, at most MAX_DELAY_SECONDS.
    """

    queue: str
    body: dict[str, Any]
    group: str
    dedupe: str | None = None
    delay: int = 0

    @cached_property
    def text(self) -> str:
        """The body as JSON text."""
        # ASCII: SQS refuses some characters that JSON allows.
        return json.dumps(self.body, separators=(",", ":"))
