"""An event, and where it came from."""

from __future__ import annotations

from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict


class Subject(BaseModel):
    """What an event is about, by id only: what can be erased is never in the event."""

    model_config = ConfigDict(frozen=True)

    type: str
    id: str
    #: How many changes the subject has seen, this one included, where it counts them: by this its events are ordered.
    #: What was noted of a subject and changed nothing of it (a turn of a call) has the version that it was noted at,
    #: and a number of its own in the event's data.
    version: int | None = None


class Actor(BaseModel):
    """Who did it: an agent, a key, a user, or the system."""

    model_config = ConfigDict(frozen=True)

    type: str
    id: str


class Origin(Protocol):
    """Whatever acts for an organisation: a caller at the edge, or a worker going on with its work."""

    @property
    def org_id(self) -> str: ...
    @property
    def actor(self) -> Actor: ...
    @property
    def agent_id(self) -> str | None: ...
    @property
    def correlation_id(self) -> str: ...


class Work(BaseModel):
    """A worker that goes on with what a caller began, in the caller's chain."""

    model_config = ConfigDict(frozen=True)

    org_id: str
    actor: Actor
    agent_id: str | None
    correlation_id: str


class Event(BaseModel):
    """One thing that happened in one organisation. Never changed, never deleted while the chain is kept."""

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
