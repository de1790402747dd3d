"""Flows of calls."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, EventType


class FlowCreated(TypedDict):
    kind: Annotated[Code, "The direction of the flow's calls."]


TYPES = (EventType("flow.created", "A flow was created.", "flow", FlowCreated),)
