"""Flows, which lead calls."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, EventType


class FlowCreated(TypedDict):
    kind: Annotated[Code, "The direction of its calls."]


TYPES = (EventType("flow.created", "A flow was made.", "flow", FlowCreated),)
