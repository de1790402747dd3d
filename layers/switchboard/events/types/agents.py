"""Agents."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from switchboard.events.types.base import EventType


class AgentCreated(TypedDict):
    slug: Annotated[str, "The agent's public handle."]


class AgentDeleted(TypedDict):
    slug: Annotated[str, "The agent's public handle. No other agent gets it."]


TYPES = (
    EventType(
        "agent.created",
        "An agent was created.",
        "agent",
        AgentCreated,
        webhooks={"anima": "agent.created", "hum": "agent.created"},
    ),
    EventType("agent.deleted", "An agent was deleted with its organization.", "agent", AgentDeleted),
)
