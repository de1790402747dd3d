"""An event, its subject, and its origin."""

from __future__ import annotations

from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from switchboard.kit import clock


class Subject(BaseModel):
    """The subject of an event, by id only. An event never holds data that may have to be erased."""

    model_config = ConfigDict(frozen=True)

    type: str
    id: str
    #: The number of changes of the subject, including this one, if the subject counts them. Its events are ordered by
    #: it. An event that does not change the subject (a turn of a call) has the version at that time, and its own number
    #: in the event's data.
    version: int | None = None


class Actor(BaseModel):
    """The actor of an event: an agent, a key, a user, or the system."""

    model_config = ConfigDict(frozen=True)

    type: str
    id: str


class Origin(Protocol):
    """Anything that acts for an organization: the caller of a request, or a worker that continues its work."""

    @property
    def org_id(self) -> str: ...
    @property
    def actor(self) -> Actor: ...
    @property
    def agent_id(self) -> str | None: ...
    @property
    def correlation_id(self) -> str: ...


class SystemActor(BaseModel):
    """A worker that continues a caller's work, in the caller's workflow."""

    model_config = ConfigDict(frozen=True)

    org_id: str
    actor: Actor
    agent_id: str | None
    correlation_id: str


class Event(BaseModel):
    """A fact of one organization. It never changes, and is never deleted while the chain is kept."""

    model_config = ConfigDict(frozen=True)

    id: str
    org_id: str
    type: str
    at: str
    actor: Actor
    agent_id: str | None = None
    correlation_id: str
    subject: Subject
    data: dict[str, Any]

    @property
    def sequence(self) -> int:
        """The event's position among its subject's events: the subject's version, else milliseconds since 1970."""
        if self.subject.version is not None:
            return self.subject.version
        return int(clock.parse(self.at).timestamp() * 1000)
