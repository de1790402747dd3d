"""Flows of calls."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Count, EventType, Id


class FlowCreated(TypedDict):
    kind: Annotated[Code, "The direction of the flow's calls."]


class FlowUpdated(TypedDict):
    fields: Annotated[list[Code], "The fields that changed, without their values."]


class FlowRolledBack(TypedDict):
    to_version: Annotated[Count, "The version whose settings the new version has."]


class FlowDuplicated(FlowCreated):
    source: Annotated[Id, "The flow that was copied."]


TYPES = (
    EventType("flow.created", "A flow was created.", "flow", FlowCreated),
    EventType("flow.updated", "A flow changed.", "flow", FlowUpdated),
    EventType("flow.rolled_back", "A flow got the settings of an earlier version.", "flow", FlowRolledBack),
    EventType("flow.duplicated", "A flow was created as a copy.", "flow", FlowDuplicated),
    EventType("flow.deleted", "A flow was deleted.", "flow"),
)
