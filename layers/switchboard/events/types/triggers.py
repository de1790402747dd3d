"""Inbound triggers: addresses at which other systems fire events."""

from __future__ import annotations

from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Count, Digest, EventType, ExternalName, Id, Timestamp


class TriggerData(TypedDict):
    event: Annotated[ExternalName, "The name of the event that the trigger fires."]
    active: Annotated[bool, "Whether the trigger can be fired."]


class TokenRotated(TriggerData):
    until: Annotated[Timestamp, "When the old token stops working."]


class TriggerFired(TypedDict):
    event: Annotated[ExternalName, "The name of the event."]
    firing: Annotated[Id, "The firing. It has the body for 30 days."]
    size: Annotated[Count, "The size of the body in bytes."]
    digest: Annotated[Digest, "The digest of the body."]
    delivery: NotRequired[Annotated[Code, "The sender's own id of the event."]]


class FlowRefused(TypedDict):
    firing: Annotated[Id, "The firing."]
    flow: Annotated[Id, "The flow that did not start."]
    channel: Annotated[Code, "The channel of the flow: `voice` or `sms`."]
    code: Annotated[Code, "The code of the reason."]


TYPES = (
    EventType("trigger.created", "A trigger was created.", "trigger", TriggerData),
    EventType("trigger.updated", "A trigger was renamed, paused or resumed.", "trigger", TriggerData),
    EventType("trigger.token_rotated", "A trigger got a new token.", "trigger", TokenRotated),
    EventType("trigger.deleted", "A trigger was deleted.", "trigger", TriggerData),
    EventType(
        "trigger.fired",
        "Another system fired a trigger. Its name in webhooks is the event's own: `external.…`.",
        "trigger",
        TriggerFired,
        starts=("triggers",),
        webhooks={"hum": "external.*"},
        projections=("trigger_tallies",),
    ),
    EventType(
        "trigger.flow_refused", "A flow of a fired event could not start its call or text.", "trigger", FlowRefused
    ),
)
