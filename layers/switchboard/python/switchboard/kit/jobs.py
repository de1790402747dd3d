"""Jobs: what one function asks another to do later, as small frozen types named in the imperative.

A noun declares its jobs in its `jobs.py`, each with the queue that carries it. A worker has a table of who does what
(`switchboard.consumer`), and the queues that a function may send to follow from the classes.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict

from switchboard.aws.queue import Message

#: The field of a message that names its job's class.
NAME = "job"
_kinds: dict[str, type[Job]] = {}


class UnknownJobError(RuntimeError):
    """A message names no job that its worker knows."""


class Job(BaseModel):
    """Something to do. `org_id`, where a job has one, is whose work it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: The queue that carries it.
    queue: ClassVar[str]

    def __init_subclass__(cls, *, queue: str, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.queue = queue
        if _kinds.setdefault(cls.__name__, cls) is not cls:
            raise TypeError(f"two jobs are called {cls.__name__}")

    @property
    def body(self) -> dict[str, Any]:
        """What the message says."""
        return {NAME: type(self).__name__, **self.model_dump(mode="json", exclude_none=True)}

    def message(self, *, delay: int = 0, queue: str | None = None) -> Message:
        """The message that carries it, after so many seconds; on another queue than its own where one is named."""
        group = getattr(self, "org_id", None) or type(self).__name__
        return Message(queue=queue or self.queue, body=self.body, group=group, delay=delay)

    @classmethod
    def read(cls, body: dict[str, Any]) -> Self:
        """The job that a message's body holds. Raises pydantic's ValidationError for another form."""
        return cls.model_validate({name: value for name, value in body.items() if name != NAME})


def queues() -> list[str]:
    """The queues of all jobs that are declared in the modules imported so far."""
    return sorted({kind.queue for kind in _kinds.values()})
