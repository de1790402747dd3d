"""Webhook endpoints, and the deliveries to them.

Anima's webhooks show the data of these types to customers (`dialects/anima/webhooks.py`).
"""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Count, EventType, Id, Timestamp


class EndpointTested(TypedDict):
    kind: Annotated[Code, "The contract of the endpoint."]


class EndpointChanged(EndpointTested):
    active: Annotated[bool, "Whether the endpoint gets deliveries."]


class SecretRotated(EndpointChanged):
    generation: Annotated[Count, "The number of secrets that the endpoint has had."]


class EndpointDisabled(EndpointChanged):
    reason: Annotated[Code, "The reason why the endpoint gets no more deliveries."]


class RecoveryStarted(EndpointChanged):
    since: Annotated[Timestamp, "Failed deliveries since this time are sent again."]


class Redelivered(TypedDict):
    webhook_id: Annotated[Id, "The endpoint of the delivery."]


class Exhausted(Redelivered):
    told: Annotated[Code, "The webhook name of the event that was not delivered."]
    attempts: Annotated[Count, "The number of attempts."]
    status: Annotated[Count | None, "The HTTP status of the last response, if there was one."]


TYPES = (
    EventType("webhook.created", "An endpoint was created.", "webhook", EndpointChanged),
    EventType("webhook.updated", "An endpoint was changed.", "webhook", EndpointChanged),
    EventType("webhook.deleted", "An endpoint was deleted.", "webhook", EndpointChanged),
    EventType("webhook.secret_rotated", "An endpoint got a new secret.", "webhook", SecretRotated),
    EventType(
        "webhook.disabled",
        "An endpoint was disabled after failures.",
        "webhook",
        EndpointDisabled,
        webhooks={"anima": "webhook.disabled", "hum": "webhook.disabled"},
    ),
    EventType(
        "webhook.recovery_started",
        "The failed deliveries of an endpoint are sent again.",
        "webhook",
        RecoveryStarted,
    ),
    EventType("webhook.test", "A test delivery was sent.", "webhook", EndpointTested),
    EventType("webhook.redelivered", "A delivery was sent again.", "webhook_delivery", Redelivered),
    EventType(
        "webhook.exhausted",
        "All attempts of a delivery failed.",
        "webhook_delivery",
        Exhausted,
        webhooks={"anima": "webhook.exhausted", "hum": "webhook.exhausted"},
    ),
)
