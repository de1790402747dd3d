"""HUM: `/api/webhooks*`: the organization's webhooks, their deliveries, the catalog of events, and previews."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.hum.webhooks.schemas import (
    NewOutboundWebhookView,
    OutboundWebhookList,
    OutboundWebhookView,
    RotatedSecretView,
    SentDeliveryView,
    WebhookChanges,
    WebhookDeliveryList,
    WebhookDeliveryStatus,
    WebhookDeliveryView,
    WebhookEventTypeList,
    WebhookEventTypeView,
    WebhookInput,
    WebhookPreviewInput,
    WebhookPreviewView,
)
from switchboard.dialects.hum.dialect import Hum
from switchboard.dialects.hum.shapes import DONE, Cursor, Limit, Ok
from switchboard.dialects.hum.webhook_catalog import catalog
from switchboard.dialects.hum.webhooks import render_test
from switchboard.edge.api import Api
from switchboard.team.permissions import Permission
from switchboard.webhooks import deliveries, models, previews
from switchboard.webhooks import service as webhooks

api = Api(Hum(), "webhooks", tags={"Webhooks": "Signed deliveries of events to your own systems."})

_LIMIT = "`webhook_limit`: the organization has 50 webhooks, or ten at the host of the URL."
_UNKNOWN = "There is no such webhook."
_INVALID = "The settings are not valid, or the URL is not publicly reachable: `details` names the field."
_TEMPLATE = " A problem of the template has its line, column and path."


@api.get(
    "/api/webhooks",
    summary="List webhooks",
    operation_id="listWebhooks",
    description="The newest first.",
    permission=Permission.WEBHOOKS_READ,
)
def list_endpoints(limit: Limit = 50, cursor: Cursor = None) -> OutboundWebhookList:
    found, after = webhooks.list_endpoints(api.member.org_id, "hum", limit, cursor)
    return OutboundWebhookList(webhooks=[OutboundWebhookView.of(seen) for seen in found], next_cursor=after)


@api.post(
    "/api/webhooks",
    summary="Create a webhook",
    operation_id="createWebhook",
    description="The answer has the signing secret, which is shown only once. A template may use values that at least"
    " one of the chosen events has.",
    status=201,
    secret=True,
    permission=Permission.WEBHOOKS_WRITE,
    responses={400: _INVALID + _TEMPLATE, 402: _LIMIT},
)
def create_endpoint(request: WebhookInput) -> NewOutboundWebhookView:
    member = api.member
    made = webhooks.create_endpoint(member, "hum", request.to_settings(), member.effect, catalog())
    return NewOutboundWebhookView.with_secret(made)


@api.get(
    "/api/webhooks/event-types",
    summary="List the events of webhooks",
    operation_id="listWebhookEventTypes",
    description="Each event has a description, the JSON Schema of its body, and an example.",
    permission=Permission.WEBHOOKS_READ,
)
def list_event_types(
    q: Annotated[
        str | None, Query(max_length=200, description="Words that the name or the description must have.")
    ] = None,
) -> WebhookEventTypeList:
    return WebhookEventTypeList(event_types=[WebhookEventTypeView.of(entry) for entry in catalog().search(q)])


@api.post(
    "/api/webhooks/preview",
    summary="Preview a template",
    operation_id="previewWebhookTemplate",
    description="Returns the body that a template makes of the example of an event, or of a body that you send. Nothing"
    " is stored or sent.",
    permission=Permission.WEBHOOKS_READ,
    responses={400: "The template is not valid, or there is no such event." + _TEMPLATE},
)
def preview_template(request: WebhookPreviewInput) -> WebhookPreviewView:
    found = previews.preview_template(
        catalog(), request.template, event=request.event, body=request.body, filters=request.events
    )
    return WebhookPreviewView.of(found)


@api.get(
    "/api/webhooks/<wh:webhook_id>",
    summary="Get a webhook",
    operation_id="getWebhook",
    permission=Permission.WEBHOOKS_READ,
    responses={404: _UNKNOWN},
)
def get_endpoint(webhook_id: str) -> OutboundWebhookView:
    return OutboundWebhookView.of(webhooks.get_endpoint(api.member.org_id, webhook_id, "hum"))


@api.patch(
    "/api/webhooks/<wh:webhook_id>",
    summary="Update a webhook",
    operation_id="updateWebhook",
    description="A missing field stays unchanged, and the secret stays. Activating a disabled webhook resets its count"
    " of failures.",
    permission=Permission.WEBHOOKS_WRITE,
    responses={400: _INVALID + _TEMPLATE, 402: _LIMIT, 404: _UNKNOWN},
)
def update_endpoint(webhook_id: str, request: WebhookChanges) -> OutboundWebhookView:
    member = api.member
    changed = webhooks.update_endpoint(
        member, webhook_id, request.given(), member.effect, kind="hum", catalog=catalog()
    )
    return OutboundWebhookView.of(changed)


@api.delete(
    "/api/webhooks/<wh:webhook_id>",
    summary="Delete a webhook",
    operation_id="deleteWebhook",
    description="Its pending deliveries are canceled.",
    permission=Permission.WEBHOOKS_WRITE,
    responses={404: _UNKNOWN},
)
def delete_endpoint(webhook_id: str) -> Ok:
    webhooks.delete_endpoint(api.member, webhook_id, api.member.effect, kind="hum")
    return DONE


@api.post(
    "/api/webhooks/<wh:webhook_id>/test",
    summary="Send a test delivery",
    operation_id="testWebhook",
    description="Sends the event `webhook.test`, signed like any other. The list of deliveries has its result.",
    permission=Permission.WEBHOOKS_WRITE,
    responses={404: _UNKNOWN, 409: "`webhook_disabled`: the webhook is not active."},
)
def send_test_delivery(webhook_id: str) -> SentDeliveryView:
    member = api.member
    sent = deliveries.send_test_delivery(member, webhook_id, member.effect, kind="hum", render=render_test)
    return SentDeliveryView.of(sent)


@api.post(
    "/api/webhooks/<wh:webhook_id>/rotate-secret",
    summary="Rotate the secret of a webhook",
    operation_id="rotateWebhookSecret",
    description="The answer has the new secret, which is shown only once. For 24 hours, deliveries are signed with both"
    " secrets.",
    secret=True,
    permission=Permission.WEBHOOKS_WRITE,
    responses={404: _UNKNOWN},
)
def rotate_endpoint_secret(webhook_id: str) -> RotatedSecretView:
    member = api.member
    return RotatedSecretView.of(webhooks.rotate_endpoint_secret(member, webhook_id, member.effect, kind="hum"))


@api.get(
    "/api/webhooks/<wh:webhook_id>/deliveries",
    summary="List the deliveries of a webhook",
    operation_id="listWebhookDeliveries",
    description="The newest first, with their attempts. Deliveries of the last 30 days are kept. With `event`, a page"
    " may be short or even empty although more pages follow: check `next_cursor`.",
    permission=Permission.WEBHOOKS_READ,
    responses={404: _UNKNOWN},
)
def list_deliveries(
    webhook_id: str,
    status: Annotated[WebhookDeliveryStatus | None, Query(description="Only deliveries with this status.")] = None,
    event: Annotated[str | None, Query(max_length=130, description="Only deliveries of this event.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> WebhookDeliveryList:
    wanted = models.DeliveryStatus(status) if status else None
    found, after = deliveries.list_deliveries(
        api.member.org_id, webhook_id, wanted, limit, cursor, event=event, kind="hum"
    )
    return WebhookDeliveryList(deliveries=[WebhookDeliveryView.of(one) for one in found], next_cursor=after)


@api.post(
    "/api/webhooks/<wh:webhook_id>/redeliver/<dlv:delivery_id>",
    summary="Send a delivery again",
    operation_id="redeliverWebhook",
    description="The delivery keeps its id and its body, and starts a new series of attempts.",
    permission=Permission.WEBHOOKS_WRITE,
    responses={
        404: "There is no such webhook, or it has no such delivery.",
        409: "`delivery_pending`: the delivery is not over. `webhook_disabled`: the webhook is not active.",
    },
)
def redeliver_delivery(webhook_id: str, delivery_id: str) -> SentDeliveryView:
    member = api.member
    sent = deliveries.redeliver_endpoint_delivery(member, "hum", webhook_id, delivery_id, member.effect)
    return SentDeliveryView.of(sent)


handler = api.handler
