"""Webhooks and their deliveries, as Anima's clients see them (docs/contracts/anima.md#webhooks)."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, model_validator
from pydantic.alias_generators import to_camel

from switchboard.aws import clock
from switchboard.edge.fields import Line, Moment
from switchboard.edge.paging import Pagination
from switchboard.webhooks import models
from switchboard.webhooks.models import Settings, Status
from switchboard.webhooks.service import NewEndpoint, Seen

Event = str


class _Shown(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)


class _Fields(_Shown):
    events: list[Event] = Field(
        default=["*"], min_length=1, max_length=100, description="Names, `prefix.*` or `*` (see event-types)."
    )
    description: str | None = Field(default=None, max_length=2_000)
    label: Annotated[str, Line(120)] | None = None
    active: StrictBool = True
    custom_headers: dict[str, str] = Field(
        default_factory=dict, max_length=20, description="Sent along with every delivery; never shown again."
    )
    timeout_ms: StrictInt | None = Field(
        default=None, ge=1_000, le=60_000, description="How long an answer is waited for."
    )
    max_attempts: StrictInt | None = Field(default=None, ge=1, le=10, description="How often a delivery is tried.")
    template: str | None = Field(
        default=None, max_length=8_192, description="JSON in which `{{path}}` stands for a value of the event's body."
    )


class CreateWebhookRequest(_Fields):
    """An endpoint to register."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"url": "https://example.com/hooks/anima", "events": ["message.*"]}]}
    )

    url: str = Field(max_length=2_048, description="Where to post to: https, at an address that everyone can reach.")

    def settings(self) -> Settings:
        """The endpoint in the domain's terms."""
        return Settings.model_validate(self.model_dump())


class UpdateWebhookRequest(_Fields):
    """What to change of an endpoint. What is left out stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"active": False}]})

    url: str | None = Field(default=None, max_length=2_048)

    @model_validator(mode="after")
    def _something(self) -> UpdateWebhookRequest:
        if not self.model_fields_set:
            raise ValueError("names nothing to change")
        for name in ("url", "events", "active"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{name}: cannot be null")
        return self

    def changes(self) -> dict[str, Any]:
        """The changes in the domain's terms."""
        return self.model_dump(exclude_unset=True)


class Webhook(_Shown):
    """An endpoint that is told of events."""

    id: str
    org_id: str
    url: str
    events: list[str]
    active: bool
    label: str | None
    description: str | None
    consecutive_failures: int = Field(description="Attempts in a row that were no success.")
    disabled_reason: str | None
    disabled_at: str | None
    auth_type: Literal["NONE", "CUSTOM_HEADER"]
    auth_header_name: str | None = Field(description="The first of the custom headers, whose values are never shown.")
    custom_header_names: list[str]
    timeout_ms: int
    max_attempts: int
    template: str | None
    last_delivery_at: str | None = Field(description="When it was last sent to, to the minute.")
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, seen: Seen) -> Webhook:
        """An endpoint of the domain, as Anima shows it."""
        return cls.model_validate(_fields(*seen))


class NewWebhook(Webhook):
    """An endpoint with its secret, shown in this answer only."""

    secret: str = Field(description="`whsec_…`: what signs the deliveries.")

    @classmethod
    def made(cls, made: NewEndpoint) -> NewWebhook:
        """The answer to a registration, or to a rotation."""
        return cls.model_validate(_fields(made.endpoint, models.Health()) | {"secret": made.secret})


def _fields(endpoint: models.Endpoint, health: models.Health) -> dict[str, Any]:
    names = endpoint.header_names
    return endpoint.model_dump() | {
        # An endpoint that is active again remembers when it was disabled, for what has failed since.
        "disabled_at": None if endpoint.active else endpoint.disabled_at,
        "consecutive_failures": health.failures,
        "last_delivery_at": health.last_delivery_at,
        "auth_type": "CUSTOM_HEADER" if names else "NONE",
        "auth_header_name": names[0] if names else None,
        "custom_header_names": names,
    }


class WebhookList(_Shown):
    """A page of endpoints."""

    items: list[Webhook]
    pagination: Pagination

    @classmethod
    def of(cls, found: list[Seen], cursor: str | None) -> WebhookList:
        """A page, and where it goes on."""
        return cls(items=[Webhook.of(seen) for seen in found], pagination=Pagination.of(cursor))


class Removed(_Shown):
    """An endpoint is gone."""

    id: str
    deleted: Literal[True] = True


class EventTypes(_Shown):
    """The names that an endpoint can subscribe to."""

    items: list[str]


class Attempt(_Shown):
    """One try."""

    number: int
    at: str
    status: int | None = Field(description="The status that came back, if anything did.")
    milliseconds: int
    error: str | None


DeliveryStatus = Literal["PENDING", "SUCCEEDED", "FAILED", "CANCELED"]


class Delivery(_Shown):
    """One event for one endpoint."""

    id: str = Field(description="The same at every try: `webhook-id`.")
    webhook_id: str
    message_id: str | None = Field(description="The mail that it tells of, if it tells of one.")
    event: str
    sequence: int = Field(description="Orders what is told of one subject.")
    status: DeliveryStatus
    payload: Any
    status_code: int | None
    response_body: str | None = Field(description="The beginning of the last answer.")
    error: str | None
    attempts: int
    history: list[Attempt]
    next_attempt_at: str | None
    completed_at: str | None
    correlation_id: str
    created_at: str

    @classmethod
    def of(cls, delivery: models.Delivery) -> Delivery:
        """A delivery of the domain, as Anima shows it."""
        last = delivery.last
        return cls.model_validate(
            delivery.model_dump(exclude={"log", "status"})
            | {
                "webhook_id": delivery.endpoint_id,
                "message_id": delivery.subject_id if delivery.subject_id.startswith("msg_") else None,
                "status": delivery.status.value.upper(),
                "payload": json.loads(delivery.body),
                "status_code": last.status if last else None,
                "history": [attempt.model_dump() for attempt in delivery.log],
            }
        )


class DeliveryList(_Shown):
    """A page of deliveries, newest first."""

    items: list[Delivery]
    pagination: Pagination

    @classmethod
    def of(cls, found: list[models.Delivery], cursor: str | None) -> DeliveryList:
        """A page, and where it goes on."""
        return cls(items=[Delivery.of(one) for one in found], pagination=Pagination.of(cursor))


def status_of(shown: DeliveryStatus | None) -> Status | None:
    """The state that one of Anima's stands for, to filter by."""
    return Status(shown.lower()) if shown else None


class Tested(_Shown):
    """A test delivery was sent off."""

    success: Literal[True] = True
    delivery_id: str


class RecoverRequest(_Shown):
    """Since when lost deliveries are to be sent once more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"since": "2026-01-15T00:00:00Z"}]})

    since: Moment = Field(description="A moment with its zone.")

    @property
    def moment(self) -> str:
        """The moment as it is stored."""
        return clock.iso(clock.parse(self.since))


class Recovering(_Shown):
    """Lost deliveries are being sent once more."""

    success: Literal[True] = True
