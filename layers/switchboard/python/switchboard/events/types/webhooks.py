"""Webhook endpoints, and the deliveries to them.

Anima's webhooks show the data of these types to customers (`webhooks/rendering/anima.py`).
"""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Count, EventType, Id, Moment


class EndpointTested(TypedDict):
    kind: Annotated[Code, "The contract that the endpoint speaks."]


class EndpointChanged(EndpointTested):
    active: Annotated[bool, "Whether anything is sent to it."]


class SecretRotated(EndpointChanged):
    generation: Annotated[Count, "How many secrets the endpoint has had."]


class EndpointDisabled(EndpointChanged):
    reason: Annotated[Code, "Why nothing more is sent to it."]


class RecoveryStarted(EndpointChanged):
    since: Annotated[Moment, "From which moment on lost deliveries are sent once more."]


class Redelivered(TypedDict):
    webhook_id: Annotated[Id, "The endpoint that the delivery goes to."]


class Exhausted(Redelivered):
    told: Annotated[Code, "The webhook name of the event that was not delivered."]
    attempts: Annotated[Count, "How many attempts were made."]
    status: Annotated[Count | None, "The HTTP status of the last answer, if there was one."]


TYPES = (
    EventType("webhook.created", "An endpoint was registered.", "webhook", EndpointChanged),
    EventType("webhook.updated", "An endpoint was changed.", "webhook", EndpointChanged),
    EventType("webhook.deleted", "An endpoint was removed.", "webhook", EndpointChanged),
    EventType("webhook.secret_rotated", "An endpoint got a new secret.", "webhook", SecretRotated),
    EventType(
        "webhook.disabled",
        "An endpoint was switched off after failures.",
        "webhook",
        EndpointDisabled,
        webhooks={"anima": "webhook.disabled"},
    ),
    EventType(
        "webhook.recovery_started",
        "What failed or was given up is sent once more.",
        "webhook",
        RecoveryStarted,
    ),
    EventType("webhook.test", "A test delivery was sent.", "webhook", EndpointTested),
    EventType("webhook.redelivered", "A delivery was sent once more.", "webhook_delivery", Redelivered),
    EventType(
        "webhook.exhausted",
        "All attempts of a delivery failed.",
        "webhook_delivery",
        Exhausted,
        webhooks={"anima": "webhook.exhausted"},
    ),
)
