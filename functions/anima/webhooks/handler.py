"""Anima: `/v1/webhooks*`."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.anima.webhooks.schemas import (
    CreateWebhook,
    DeliveryList,
    DeliveryStatus,
    DeliveryView,
    EventTypes,
    FeedApi,
    NewWebhookView,
    RecoverDeliveriesResponse,
    RecoverDeliveriesView,
    RemoveWebhookResponse,
    SendTestResponse,
    UpdateWebhook,
    WebhookFeedView,
    WebhookList,
    WebhookView,
    to_status,
)
from switchboard.dialects.anima.dialect import MASTER, Anima
from switchboard.dialects.anima.shapes import Cursor, Limit
from switchboard.edge.api import Api
from switchboard.webhooks import deliveries, event_names
from switchboard.webhooks import service as webhooks

api = Api(Anima(), "webhooks", tag="Webhooks", keys=MASTER)

_LIMIT = "The organization has 50 webhooks, or ten at the host of the URL."
_UNKNOWN = "The organization has no webhook with this id."


@api.post(
    "/v1/webhooks",
    summary="Create a webhook",
    operation_id="webhookCreate",
    status=201,
    secret=True,
    responses={
        400: "The request is not valid, or the URL is not publicly reachable.",
        402: _LIMIT,
    },
)
def create_endpoint(request: CreateWebhook) -> NewWebhookView:
    caller = api.caller
    return NewWebhookView.with_secret(webhooks.create_endpoint(caller, "anima", request.to_settings(), caller.effect))


@api.get(
    "/v1/webhooks",
    summary="List webhooks, newest first",
    operation_id="webhookList",
    responses={400: "The limit or the cursor is not valid."},
)
def list_endpoints(limit: Limit = 20, cursor: Cursor = None) -> WebhookList:
    return WebhookList.of(*webhooks.list_endpoints(api.caller.org_id, "anima", limit, cursor))


@api.get(
    "/v1/webhooks/event-types",
    summary="List the event names for webhooks",
    operation_id="webhookEventTypes",
)
def list_event_types() -> EventTypes:
    return EventTypes(items=event_names.event_types("anima"))


@api.get(
    "/v1/webhooks/dead-letters",
    summary="List lost deliveries, newest first",
    operation_id="webhookDeadLetters",
    description="A delivery is lost if its last attempt failed, or if it was pending when its webhook was disabled."
    " Events that happen while a webhook is disabled create no deliveries.",
    responses={400: "The limit or the cursor is not valid."},
)
def list_dead_letters(limit: Limit = 20, cursor: Cursor = None) -> DeliveryList:
    return DeliveryList.of(*deliveries.list_dead_letters(api.caller.org_id, limit, cursor))


@api.get(
    "/v1/webhooks/feed",
    summary="List new events as webhook bodies",
    operation_id="webhookFeed",
    description="For a program on a machine that the platform cannot reach. Without `after`, the answer has no items"
    " and the current end. Ask again with `next_after` about once a second: no event is missed or repeated."
    " `switchboard listen` does so, signs each body and forwards it.",
    responses={400: "The API, the place or the limit is not valid."},
)
def list_webhook_feed(
    api_name: Annotated[FeedApi, Query(alias="api", description="The API whose bodies are wanted.")] = "anima",
    after: Annotated[int | None, Query(ge=0, description="The `next_after` of the previous answer.")] = None,
    limit: Annotated[int, Query(ge=1, le=50, description="The largest number of events to read.")] = 50,
) -> WebhookFeedView:
    # Loaded late for a shorter cold start: no other route needs the bodies of all APIs.
    from switchboard.fanout.webhook_feed import read_webhook_feed

    return WebhookFeedView.of(read_webhook_feed(api.caller.org_id, api_name, after, limit))


@api.get(
    "/v1/webhooks/<webhook_id>",
    summary="Get a webhook",
    operation_id="webhookGet",
    responses={404: _UNKNOWN},
)
def get_endpoint(webhook_id: str) -> WebhookView:
    return WebhookView.of(webhooks.get_endpoint(api.caller.org_id, webhook_id))


@api.patch(
    "/v1/webhooks/<webhook_id>",
    summary="Update a webhook",
    operation_id="webhookUpdate",
    description="Activating a disabled webhook resets its count of failures.",
    responses={400: "The request is not valid.", 402: _LIMIT, 404: _UNKNOWN},
)
def update_endpoint(webhook_id: str, request: UpdateWebhook) -> WebhookView:
    caller = api.caller
    return WebhookView.of(webhooks.update_endpoint(caller, webhook_id, request.changes(), caller.effect))


@api.delete(
    "/v1/webhooks/<webhook_id>",
    summary="Remove a webhook",
    operation_id="webhookDelete",
    description="Its pending deliveries are canceled.",
    responses={404: _UNKNOWN},
)
def remove_endpoint(webhook_id: str) -> RemoveWebhookResponse:
    caller = api.caller
    webhooks.delete_endpoint(caller, webhook_id, caller.effect)
    return RemoveWebhookResponse(id=webhook_id)


@api.post(
    "/v1/webhooks/<webhook_id>/rotate",
    summary="Rotate a webhook's secret",
    description="Creates a new secret. For 24 hours, deliveries are signed with both secrets.",
    operation_id="webhookRotate",
    secret=True,
    responses={404: _UNKNOWN},
)
def rotate_endpoint_secret(webhook_id: str) -> NewWebhookView:
    caller = api.caller
    return NewWebhookView.with_secret(webhooks.rotate_endpoint_secret(caller, webhook_id, caller.effect))


@api.post(
    "/v1/webhooks/<webhook_id>/reenable",
    summary="Activate a webhook and reset its count of failures",
    operation_id="webhookReenable",
    responses={404: _UNKNOWN},
)
def reenable_endpoint(webhook_id: str) -> WebhookView:
    caller = api.caller
    return WebhookView.of(webhooks.update_endpoint(caller, webhook_id, {"active": True}, caller.effect))


@api.post(
    "/v1/webhooks/<webhook_id>/test",
    summary="Send a test delivery",
    operation_id="webhookTest",
    responses={404: _UNKNOWN, 409: "The webhook is disabled."},
)
def send_test_delivery(webhook_id: str) -> SendTestResponse:
    caller = api.caller
    return SendTestResponse(delivery_id=deliveries.send_test_delivery(caller, webhook_id, caller.effect).id)


@api.post(
    "/v1/webhooks/<webhook_id>/recover",
    summary="Send lost deliveries again",
    operation_id="webhookRecover",
    description="Sends the deliveries lost since a time: first those that failed after their last attempt, then those"
    " that were pending when the webhook was disabled. Events that happen while a webhook is disabled create no"
    " deliveries, so a recovery does not send them. Get them from `GET /v1/audit/events`. If the webhook is disabled"
    " again during the recovery, the rest stays lost: recover it later.",
    status=202,
    responses={400: "The timestamp is not valid.", 404: _UNKNOWN, 409: "The webhook is disabled."},
)
def recover_deliveries(webhook_id: str, request: RecoverDeliveriesView) -> RecoverDeliveriesResponse:
    caller = api.caller
    deliveries.start_recovery(caller, webhook_id, request.since_stored, caller.effect)
    return RecoverDeliveriesResponse()


@api.get(
    "/v1/webhooks/<webhook_id>/deliveries",
    summary="List a webhook's deliveries, newest first",
    operation_id="webhookDeliveries",
    responses={400: "A filter, the limit or the cursor is not valid.", 404: _UNKNOWN},
)
def list_deliveries(
    webhook_id: str,
    status: Annotated[DeliveryStatus | None, Query()] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> DeliveryList:
    return DeliveryList.of(*deliveries.list_deliveries(api.caller.org_id, webhook_id, to_status(status), limit, cursor))


@api.get(
    "/v1/webhooks/deliveries/<dlv:delivery_id>",
    summary="Get a delivery",
    operation_id="webhookDeliveryGet",
    responses={404: "The organization has no delivery with this id."},
)
def get_delivery(delivery_id: str) -> DeliveryView:
    return DeliveryView.of(deliveries.get_delivery(api.caller.org_id, delivery_id))


@api.post(
    "/v1/webhooks/deliveries/<dlv:delivery_id>/replay",
    summary="Send a delivery again",
    operation_id="webhookReplay",
    description="The delivery keeps its id and starts a new series of attempts. A pending delivery can be sent again"
    " if its next attempt is more than an hour overdue.",
    responses={
        404: "The organization has no delivery with this id.",
        409: "The delivery is still pending, or its webhook is disabled.",
    },
)
def replay_delivery(delivery_id: str) -> DeliveryView:
    caller = api.caller
    return DeliveryView.of(deliveries.redeliver_delivery(caller, delivery_id, caller.effect))


handler = api.handler
