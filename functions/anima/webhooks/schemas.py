"""Request and response models of Anima's webhooks and deliveries (docs/contracts/anima.md#webhooks)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import ConfigDict, Field, StrictBool, StrictInt, model_validator

from switchboard.dialects.anima.shapes import Pagination
from switchboard.edge.fields import OneLine, Timestamp
from switchboard.edge.schema import View
from switchboard.kit import clock
from switchboard.webhooks import models
from switchboard.webhooks.models import DeliveryStatus as StoredStatus
from switchboard.webhooks.models import EndpointSettings
from switchboard.webhooks.service import EndpointWithHealth, EndpointWithSecret

if TYPE_CHECKING:
    from switchboard.fanout.webhook_feed import WebhookFeed

Event = str
#: The APIs whose webhooks have bodies that the feed can show.
FeedApi = Literal["anima", "athos", "hum"]
DeliveryStatus = Literal["PENDING", "SUCCEEDED", "FAILED", "CANCELED"]


class _EndpointFields(View):
    events: list[Event] = Field(
        default=["*"],
        min_length=1,
        max_length=100,
        description="Event names, `prefix.*` or `*`. `GET /v1/webhooks/event-types` lists the names.",
    )
    description: str | None = Field(default=None, max_length=2_000)
    label: Annotated[str, OneLine(120)] | None = None
    active: StrictBool = True
    custom_headers: dict[str, str] = Field(
        default_factory=dict,
        max_length=20,
        description="Headers of every delivery. Their values are never shown again.",
    )
    timeout_ms: StrictInt | None = Field(
        default=None, ge=1_000, le=60_000, description="The time to wait for a response, in milliseconds."
    )
    max_attempts: StrictInt | None = Field(
        default=None, ge=1, le=10, description="The largest number of attempts of a delivery."
    )
    template: str | None = Field(
        default=None,
        max_length=8_192,
        description="JSON for the body. Each `{{path}}` is replaced by a value of the event's body.",
    )


class CreateWebhook(_EndpointFields):
    """A webhook to create."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"url": "https://example.com/hooks/anima", "events": ["message.*"]}]}
    )

    url: str = Field(max_length=2_048, description="The https URL that receives events. It must be publicly reachable.")

    def to_settings(self) -> EndpointSettings:
        """Returns the domain's settings of the endpoint."""
        return EndpointSettings.model_validate(self.model_dump())


class UpdateWebhook(_EndpointFields):
    """The changes of a webhook. A missing field stays unchanged."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"active": False}]})

    url: str | None = Field(default=None, max_length=2_048)

    @model_validator(mode="after")
    def _require_change(self) -> UpdateWebhook:
        if not self.model_fields_set:
            raise ValueError("is empty: send at least one field to change")
        for name in ("url", "events", "active"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{name}: cannot be null: omit the field to keep its value")
        return self

    def changes(self) -> dict[str, Any]:
        """Returns the fields that the request sent."""
        return self.model_dump(exclude_unset=True)


class WebhookView(View):
    """A webhook: a URL that receives events."""

    id: str
    org_id: str
    url: str
    events: list[str]
    active: bool
    label: str | None
    description: str | None
    consecutive_failures: int = Field(description="The number of failed attempts in a row.")
    disabled_reason: str | None
    disabled_at: str | None
    auth_type: Literal["NONE", "CUSTOM_HEADER"]
    auth_header_name: str | None = Field(description="The name of the first custom header. Values are never shown.")
    custom_header_names: list[str]
    timeout_ms: int
    max_attempts: int
    template: str | None
    last_delivery_at: str | None = Field(description="The last attempt, to within a minute.")
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, seen: EndpointWithHealth) -> WebhookView:
        """Returns Anima's view of an endpoint."""
        return cls.model_validate(_fields(*seen))


class NewWebhookView(WebhookView):
    """A webhook with its secret. The secret is shown in this response only."""

    secret: str = Field(description="The secret that signs the deliveries, `whsec_…`.")

    @classmethod
    def with_secret(cls, made: EndpointWithSecret) -> NewWebhookView:
        """Returns the response for a new endpoint or a new secret."""
        return cls.model_validate(_fields(made.endpoint, models.ReceiverHealth()) | {"secret": made.secret})


def _fields(endpoint: models.Endpoint, health: models.ReceiverHealth) -> dict[str, Any]:
    names = endpoint.header_names
    return endpoint.model_dump() | {
        # An endpoint that is active again keeps the time of its last disabling, to recover deliveries lost since then.
        "disabled_at": None if endpoint.active else endpoint.disabled_at,
        "consecutive_failures": health.failures,
        "last_delivery_at": health.last_delivery_at,
        "auth_type": "CUSTOM_HEADER" if names else "NONE",
        "auth_header_name": names[0] if names else None,
        "custom_header_names": names,
    }


class WebhookList(View):
    """A page of webhooks."""

    items: list[WebhookView]
    pagination: Pagination

    @classmethod
    def of(cls, found: list[EndpointWithHealth], cursor: str | None) -> WebhookList:
        """Returns a page and the position of the next page."""
        return cls(items=[WebhookView.of(seen) for seen in found], pagination=Pagination.of(cursor))


class RemoveWebhookResponse(View):
    """The webhook that was removed."""

    id: str
    deleted: Literal[True] = True


class EventTypes(View):
    """The event names that a webhook can subscribe to."""

    items: list[str]


class FeedDelivery(View):
    """An event as a webhook would get it now. It is not sent and not signed."""

    id: str = Field(description="The id of the delivery. It is the same each time that the event is read.")
    event: str = Field(description="The name of the event in the API.")
    event_id: str
    sequence: int = Field(description="The position among the deliveries about the same subject.")
    body: str = Field(description="The body as text, as it would be signed and sent.")


class WebhookFeedView(View):
    """A part of the feed."""

    items: list[FeedDelivery]
    next_after: int = Field(description="The `after` of the next part. It grows also if no event had a webhook.")

    @classmethod
    def of(cls, feed: WebhookFeed) -> WebhookFeedView:
        """Returns a part of the feed."""
        items = [FeedDelivery.model_validate(one.model_dump(include=_FEED_FIELDS)) for one in feed.deliveries]
        return cls(items=items, next_after=feed.after)


_FEED_FIELDS = {"id", "event", "event_id", "sequence", "body"}


class AttemptView(View):
    """One attempt."""

    number: int
    at: str
    status: int | None = Field(description="The HTTP status of the response, if there was one.")
    milliseconds: int
    error: str | None


class DeliveryView(View):
    """One event for one webhook."""

    id: str = Field(description="The id of the delivery. Every attempt sends it as `webhook-id`.")
    webhook_id: str
    message_id: str | None = Field(description="The id of the message, if the event is about a message.")
    event: str
    sequence: int = Field(description="The position among the events of the same subject.")
    status: DeliveryStatus
    payload: Any
    status_code: int | None
    response_body: str | None = Field(description="The beginning of the last response.")
    error: str | None
    attempts: int
    history: list[AttemptView]
    next_attempt_at: str | None
    completed_at: str | None
    correlation_id: str
    created_at: str

    @classmethod
    def of(cls, delivery: models.Delivery) -> DeliveryView:
        """Returns Anima's view of a delivery."""
        last = delivery.last_attempt
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


class DeliveryList(View):
    """A page of deliveries, newest first."""

    items: list[DeliveryView]
    pagination: Pagination

    @classmethod
    def of(cls, found: list[models.Delivery], cursor: str | None) -> DeliveryList:
        """Returns a page and the position of the next page."""
        return cls(items=[DeliveryView.of(one) for one in found], pagination=Pagination.of(cursor))


def to_status(shown: DeliveryStatus | None) -> StoredStatus | None:
    """Returns the domain's status for one of Anima's, as a filter."""
    return StoredStatus(shown.lower()) if shown else None


class SendTestResponse(View):
    """The test delivery that was queued."""

    success: Literal[True] = True
    delivery_id: str


class RecoverDeliveriesView(View):
    """The start of the time range to recover."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"since": "2026-01-15T00:00:00Z"}]})

    since: Timestamp = Field(description="A timestamp with a time zone. Deliveries lost since then are sent again.")

    @property
    def since_stored(self) -> str:
        """The stored form of the timestamp."""
        return clock.format_iso(clock.parse(self.since))


class RecoverDeliveriesResponse(View):
    """The recovery has started."""

    success: Literal[True] = True
