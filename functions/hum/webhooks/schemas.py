"""Request and response models of HUM's webhooks (docs/contracts/hum.md#webhooks)."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

from switchboard.dialects.hum.shapes import Ok
from switchboard.edge.fields import FreeJson, Omissible, OneLine
from switchboard.edge.schema import omit_default
from switchboard.webhooks import models, signing
from switchboard.webhooks.catalog import CatalogEntry
from switchboard.webhooks.models import EndpointSettings, ReceiverHealth
from switchboard.webhooks.previews import TemplatePreview
from switchboard.webhooks.service import EndpointWithHealth, EndpointWithSecret
from switchboard.webhooks.template import MAX_TEMPLATE_CHARACTERS

WebhookDeliveryStatus = Literal["pending", "succeeded", "failed", "canceled"]
Template = Annotated[str, Field(max_length=MAX_TEMPLATE_CHARACTERS)]
Filters = Annotated[list[str], Field(min_length=1, max_length=100)]

_URL = "The https URL that receives events. It must be publicly reachable."
_EVENTS = "Event names, `prefix.*` or `*`, which is the default. `GET /api/webhooks/event-types` lists the names."
#: Bytes of a body to preview: a body of a webhook has at most 20 KB.
_PREVIEW_BYTES = 65_536


class WebhookInput(BaseModel):
    """A webhook to create."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "label": "CRM",
                    "url": "https://crm.example.com/hooks/hum",
                    "events": ["call.*", "sms.received"],
                    "template": '{"text": "{{type}}", "details": "{{data}}"}',
                }
            ]
        }
    )

    label: Annotated[str, OneLine(120)] | None = Field(default=None, description="A name for people.")
    description: Annotated[str, Field(max_length=2_000)] | None = Field(default=None, description="A note for people.")
    url: str = Field(max_length=2_048, description=_URL, json_schema_extra={"format": "uri"})
    events: Filters = Field(default=["*"], description=_EVENTS, json_schema_extra=omit_default)
    active: StrictBool = Field(default=True, description="Whether the webhook gets deliveries.")
    custom_headers: dict[str, Annotated[str, Field(max_length=512)]] | None = Field(
        default=None,
        max_length=20,
        description="Headers of every delivery, for example `Authorization`. Their values are never shown again.",
    )
    timeout_ms: Omissible[Annotated[StrictInt, Field(ge=1_000, le=60_000)]] = Field(
        default=None,
        description="The time to wait for a response, in milliseconds. It is 15,000 by default.",
        json_schema_extra=omit_default,
    )
    template: Omissible[Template] = Field(
        default=None,
        description="JSON for the body. Each `{{path}}` in a text is replaced by a value of the event's body, for"
        " example `{{data.id}}`. An empty text means the body as it is.",
        json_schema_extra=omit_default,
    )

    def to_settings(self) -> EndpointSettings:
        """Returns the domain's settings of the webhook."""
        return EndpointSettings.model_validate(self.model_dump() | {"custom_headers": self.custom_headers or {}})


def _omit_default_url(schema: dict[str, Any]) -> None:
    omit_default(schema)
    schema["format"] = "uri"


def _require_url(schema: dict[str, Any]) -> None:
    schema["required"] = ["url"]
    schema["examples"] = [{"url": "https://crm.example.com/hooks/hum", "active": False}]


class WebhookChanges(WebhookInput):
    """The changes of a webhook. A missing field stays unchanged, and its default has no effect.

    `custom_headers` replaces all headers, and null removes them. Another `url` needs them again, because it changes who
    gets their values. The secret stays.

    The contract requires `url`. A request without it is accepted, and the URL stays.
    """

    model_config = ConfigDict(json_schema_extra=_require_url)

    url: str = Field(default="", max_length=2_048, description=_URL, json_schema_extra=_omit_default_url)

    def given(self) -> dict[str, Any]:
        """Returns the fields that the request sent, with their values in the domain."""
        changes = self.model_dump(exclude_unset=True)
        if "custom_headers" in changes:
            changes["custom_headers"] = self.custom_headers or {}
        return changes


class OutboundWebhookView(BaseModel):
    """A webhook: a URL that receives events."""

    id: str
    label: str | None
    description: str | None
    url: str
    events: list[str]
    active: bool
    custom_header_names: list[str] = Field(description="The names of the custom headers. Values are never shown.")
    timeout_ms: int
    template: str | None
    secret_last4: str = Field(description="The end of the secret that signs the deliveries.")
    last_delivery_at: str | None = Field(description="The last attempt, to within a minute.")
    failure_count: int = Field(description="The number of failed attempts in a row.")
    disabled_reason: str | None = Field(description="Why the webhook gets no deliveries.")
    disabled_at: str | None
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, seen: EndpointWithHealth) -> OutboundWebhookView:
        """Returns HUM's view of an endpoint."""
        return cls.model_validate(_fields(*seen))


class NewOutboundWebhookView(OutboundWebhookView):
    """A new webhook with its secret. The secret is shown in this response only."""

    secret: str = Field(description="The secret that signs the deliveries, `whsec_…`.")

    @classmethod
    def with_secret(cls, made: EndpointWithSecret) -> NewOutboundWebhookView:
        """Returns the response for a new endpoint."""
        return cls.model_validate(_fields(made.endpoint, ReceiverHealth()) | {"secret": made.secret})


def _fields(endpoint: models.Endpoint, health: ReceiverHealth) -> dict[str, Any]:
    secret = signing.secret_of(endpoint.org_id, endpoint.id, endpoint.generation)
    return endpoint.model_dump() | {
        # An endpoint that is active again keeps the time of its last disabling, to recover deliveries lost since then.
        "disabled_at": None if endpoint.active else endpoint.disabled_at,
        "custom_header_names": endpoint.header_names,
        "secret_last4": secret[-4:],
        "last_delivery_at": health.last_delivery_at,
        "failure_count": health.failures,
    }


class OutboundWebhookList(BaseModel):
    """A page of webhooks, newest first."""

    webhooks: list[OutboundWebhookView]
    next_cursor: str | None


class RotatedSecretView(Ok):
    """A new secret. It is shown in this response only."""

    secret: str = Field(description="The secret that signs the deliveries from now on, `whsec_…`.")
    overlap_until: str = Field(description="Until then, deliveries are also signed with the old secret.")

    @classmethod
    def of(cls, made: EndpointWithSecret) -> RotatedSecretView:
        """Returns the response for a new secret."""
        return cls.model_validate({"ok": True, "secret": made.secret, "overlap_until": made.endpoint.overlap_until})


class SentDeliveryView(Ok):
    """A delivery that is sent now."""

    delivery_id: str

    @classmethod
    def of(cls, delivery: models.Delivery) -> SentDeliveryView:
        """Returns the response for a delivery that waits for its first or next attempt."""
        return cls(ok=True, delivery_id=delivery.id)


class WebhookAttemptView(BaseModel):
    """One attempt of a delivery."""

    number: int
    at: str
    response_status: int | None = Field(description="The HTTP status of the response, if there was one.")
    response_ms: int = Field(description="The duration, in milliseconds.")
    error: str | None = Field(description="Why there was no response.")

    @classmethod
    def of(cls, attempt: models.Attempt) -> WebhookAttemptView:
        """Returns HUM's view of an attempt."""
        return cls(
            number=attempt.number,
            at=attempt.at,
            response_status=attempt.status,
            response_ms=attempt.milliseconds,
            error=attempt.error,
        )


class WebhookDeliveryView(BaseModel):
    """One event for one webhook."""

    id: str = Field(description="The id of the delivery. Every attempt sends it as `webhook-id`.")
    webhook_id: str
    event: str
    event_id: str
    attempt: int = Field(description="The number of attempts so far.")
    status: WebhookDeliveryStatus = Field(description="`canceled`: the webhook was disabled or deleted meanwhile.")
    response_status: int | None
    response_ms: int | None
    response_body: str | None = Field(description="The beginning of the last response.")
    error: str | None = Field(description="Why the last attempt failed.")
    attempts: list[WebhookAttemptView] = Field(description="The latest attempts, the oldest first.")
    next_attempt_at: str | None
    completed_at: str | None
    created_at: str
    payload: Any = Field(description="The body as it is sent.")

    @classmethod
    def of(cls, delivery: models.Delivery) -> WebhookDeliveryView:
        """Returns HUM's view of a delivery."""
        last = delivery.last_attempt
        return cls.model_validate(
            delivery.model_dump(exclude={"log", "status", "attempts"})
            | {
                "webhook_id": delivery.endpoint_id,
                "attempt": delivery.attempts,
                "status": delivery.status.value,
                "response_status": last.status if last else None,
                "response_ms": last.milliseconds if last else None,
                "attempts": [WebhookAttemptView.of(attempt).model_dump() for attempt in delivery.log],
                "payload": json.loads(delivery.body),
            }
        )


class WebhookDeliveryList(BaseModel):
    """A page of deliveries, newest first."""

    deliveries: list[WebhookDeliveryView]
    next_cursor: str | None


class WebhookEventTypeView(BaseModel):
    """An event that a webhook can subscribe to."""

    name: str = Field(description="The name. A name that ends in `.*` stands for all names with this beginning.")
    description: str
    body_schema: dict[str, Any] = Field(description="The JSON Schema (2020-12) of the body without a template.")
    example: dict[str, Any] = Field(description="A body that fits the schema.")

    @classmethod
    def of(cls, entry: CatalogEntry) -> WebhookEventTypeView:
        """Returns HUM's view of an entry of the catalog."""
        return cls(name=entry.name, description=entry.about, body_schema=entry.schema, example=entry.example)


class WebhookEventTypeList(BaseModel):
    """The events that a webhook can subscribe to, sorted by name."""

    event_types: list[WebhookEventTypeView]


class WebhookPreviewInput(BaseModel):
    """A template to try out, with an event or a body."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "template": '{"text": "{{data.from_e164}}: {{data.body}}"}',
                    "event": "sms.received",
                    "events": ["sms.*"],
                }
            ]
        }
    )

    template: Template = Field(description="The template, as the webhook would have it.")
    event: str | None = Field(default=None, max_length=130, description="The event whose example fills the template.")
    body: Annotated[dict[str, Any], FreeJson(_PREVIEW_BYTES)] | None = Field(
        default=None, description="A body that fills the template, instead of an event's example."
    )
    events: Annotated[list[str], Field(max_length=100)] = Field(
        default=[],
        description="The events of the webhook. The warnings then also name those without a value of the template.",
    )


class TemplateWarningView(BaseModel):
    """A placeholder that has no value."""

    path: str
    message: str


class WebhookPreviewView(BaseModel):
    """The body that the template makes. Nothing is stored or sent."""

    payload: Any
    size_bytes: int
    shortened: bool = Field(description="Whether long values were cut, because a body has at most 20 KB.")
    warnings: list[TemplateWarningView]

    @classmethod
    def of(cls, preview: TemplatePreview) -> WebhookPreviewView:
        """Returns HUM's view of a preview."""
        return cls(
            payload=preview.payload,
            size_bytes=preview.size_bytes,
            shortened=preview.is_shortened,
            warnings=[TemplateWarningView(**warning._asdict()) for warning in preview.warnings],
        )
