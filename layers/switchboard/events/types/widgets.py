"""Widgets on the pages of partners: tokens, sessions and leads."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Count, EventType, Id


class WidgetTokenCreated(TypedDict):
    origins: Annotated[Count, "The number of allowed origins."]


class WidgetTokenUpdated(TypedDict):
    fields: Annotated[list[Code], "The fields that changed, without their values."]


class WidgetSessionStarted(TypedDict):
    token: Annotated[Id, "The widget token of the page."]
    call: Annotated[Id, "The call of the session."]


class WidgetSessionEnded(WidgetSessionStarted):
    seconds: Annotated[Count, "The length of the talk, in seconds."]
    cost_micros: Annotated[Count, "The cost of the session, in millionths of a dollar."]


class WidgetLeadCaptured(WidgetSessionStarted):
    fields: Annotated[
        list[Code], "The fields of the form that the visitor filled in, and `consent`, without the values."
    ]


class WidgetLeadDeleted(TypedDict):
    token: Annotated[Id, "The widget token of the page."]
    call: Annotated[Id, "The call of the visitor. It no longer has the visitor's name, address and number."]


TYPES = (
    EventType("widget_token.created", "A widget token was created.", "widget_token", WidgetTokenCreated),
    EventType("widget_token.updated", "The settings of a widget token changed.", "widget_token", WidgetTokenUpdated),
    EventType("widget_token.revoked", "A widget token was revoked. Its sessions end.", "widget_token"),
    EventType(
        "widget.session_started",
        "A visitor of a page started a voice session.",
        "widget_session",
        WidgetSessionStarted,
        channel="voice",
        starts=("widgets",),
    ),
    EventType(
        "widget.session_ended",
        "A voice session of a visitor is over, and its cost is counted.",
        "widget_session",
        WidgetSessionEnded,
        channel="voice",
    ),
    EventType(
        "widget.lead_captured",
        "A visitor of a page filled in the form of a widget.",
        "widget_lead",
        WidgetLeadCaptured,
        channel="voice",
        webhooks={"hum": "widget.lead_captured"},
    ),
    EventType(
        "widget.lead_deleted",
        "A lead was deleted, by a member or at the end of its time.",
        "widget_lead",
        WidgetLeadDeleted,
        channel="voice",
    ),
)
