"""Organizations, their keys and their spending limit."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Count, EventType, Id, Timestamp


class OrganizationCreated(TypedDict):
    plan: Annotated[Code, "The organization's first plan."]
    slug: Annotated[str, "Its short name, which is unique when it is created."]


class OrganizationUpdated(TypedDict):
    fields: Annotated[list[Code], "The fields of its profile that changed, without their values."]


class PlanChanged(TypedDict):
    plan: Annotated[Code, "The plan from now on."]


class StatusChanged(TypedDict):
    status: Annotated[Code, "The status from now on."]


class OrganizationErased(TypedDict):
    rows: Annotated[Count, "The items of tables that were deleted, or got an end."]
    objects: Annotated[Count, "The files that were deleted."]
    passes: Annotated[Count, "How often everything was looked through."]


class CallingHoursChanged(TypedDict):
    start: Annotated[Code | None, "The beginning of the hours, in the recipient's local time; null if removed."]
    end: Annotated[Code | None, "The end of the hours, in the recipient's local time; null if removed."]


class HardCapChanged(TypedDict):
    enabled: Annotated[bool, "Whether the limit is in force."]
    monthly_cap_cents: Annotated[Count, "The monthly limit, in cents."]
    meters: Annotated[dict[str, bool], "For each kind of use, whether it counts towards the limit."]


class KeyCreated(TypedDict):
    kind: Annotated[Code, "The kind of key."]
    prefix: Annotated[str, "The first characters of the key. They are not secret."]
    agent_id: Annotated[Id | None, "The agent that the key belongs to."]


class KeyRevoked(TypedDict):
    prefix: Annotated[str, "The first characters of the key. They are not secret."]


class KeyRotated(TypedDict):
    successor: Annotated[Id, "The id of the key that replaces it."]
    works_until: Annotated[Timestamp, "When the old key stops working."]


TYPES = (
    EventType("organization.created", "An organization was created.", "organization", OrganizationCreated),
    EventType("organization.updated", "An organization's profile changed.", "organization", OrganizationUpdated),
    EventType(
        "organization.plan_changed",
        "An organization moved to a plan.",
        "organization",
        PlanChanged,
        # Calls may be waiting for a cap that is now higher.
        starts=("dialer",),
    ),
    EventType(
        "organization.status_changed",
        "An organization was suspended, resumed or deleted.",
        "organization",
        StatusChanged,
    ),
    EventType(
        "organization.erased",
        "The data of a deleted organization were erased.",
        "organization",
        OrganizationErased,
    ),
    EventType(
        "organization.calling_hours_changed",
        "An organization set or removed its own calling hours.",
        "organization",
        CallingHoursChanged,
    ),
    EventType("billing.hard_cap_changed", "An organization set its spending limit.", "organization", HardCapChanged),
    EventType("key.created", "An API key was created.", "key", KeyCreated),
    EventType("key.revoked", "An API key was revoked.", "key", KeyRevoked),
    EventType("key.rotated", "An API key was rotated: it got a successor.", "key", KeyRotated),
)
