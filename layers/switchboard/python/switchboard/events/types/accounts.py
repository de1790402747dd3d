"""Organizations, their keys and their spending limit."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Count, EventType, Id, Moment


class OrganizationCreated(TypedDict):
    plan: Annotated[Code, "The plan that it begins with."]
    slug: Annotated[str, "A short label, not unique."]


class OrganizationUpdated(TypedDict):
    fields: Annotated[list[Code], "Which fields of its profile changed, without their values."]


class PlanChanged(TypedDict):
    plan: Annotated[Code, "The plan from now on."]


class StatusChanged(TypedDict):
    status: Annotated[Code, "The status from now on."]


class CallingHoursChanged(TypedDict):
    start: Annotated[Code | None, "When its calls may begin, by the clock of who is called; none without hours."]
    end: Annotated[Code | None, "When they end."]


class HardCapChanged(TypedDict):
    enabled: Annotated[bool, "Whether the limit holds."]
    monthly_cap_cents: Annotated[Count, "The limit of a month, in cents."]
    meters: Annotated[dict[str, bool], "Which kinds of use count towards the limit."]


class KeyCreated(TypedDict):
    kind: Annotated[Code, "The kind of key."]
    prefix: Annotated[str, "The first characters of the key, which open nothing."]
    agent_id: Annotated[Id | None, "The agent that the key belongs to."]


class KeyRevoked(TypedDict):
    prefix: Annotated[str, "The first characters of the key, which open nothing."]


class KeyRotated(TypedDict):
    successor: Annotated[Id, "The id of the key that takes over."]
    works_until: Annotated[Moment, "When the old key stops working."]


TYPES = (
    EventType("organization.created", "An organization was opened.", "organization", OrganizationCreated),
    EventType("organization.updated", "An organization's profile changed.", "organization", OrganizationUpdated),
    EventType(
        "organization.plan_changed",
        "An organization moved to a plan.",
        "organization",
        PlanChanged,
        # Calls may wait for a cap that is higher now.
        starts=("dialer",),
    ),
    EventType(
        "organization.status_changed", "An organization was suspended or resumed.", "organization", StatusChanged
    ),
    EventType(
        "organization.calling_hours_changed",
        "An organization set its own calling hours, or took them away.",
        "organization",
        CallingHoursChanged,
    ),
    EventType("billing.hard_cap_changed", "An organization set its spending limit.", "organization", HardCapChanged),
    EventType("key.created", "An API key was made.", "key", KeyCreated),
    EventType("key.revoked", "An API key was revoked.", "key", KeyRevoked),
    EventType("key.rotated", "An API key got a successor.", "key", KeyRotated),
)
