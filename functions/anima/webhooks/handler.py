"""Anima: `/v1/webhooks*`."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.anima.webhooks.schemas import (
    CreateWebhookRequest,
    Delivery,
    DeliveryList,
    DeliveryStatus,
    EventTypes,
    NewWebhook,
    Recovering,
    RecoverRequest,
    Removed,
    Tested,
    UpdateWebhookRequest,
    Webhook,
    WebhookList,
    status_of,
)
from switchboard.edge.api import Api
from switchboard.edge.dialects.anima import MASTER, Anima
from switchboard.webhooks import catalogue
from switchboard.webhooks import service as webhooks

api = Api(Anima(), "webhooks")

Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(description="`pagination.nextCursor` of the previous page.")]
_MASTER = "This operation requires the master key."
_UNKNOWN = "The organization has no webhook with this id."


@api.post(
    "/v1/webhooks",
    summary="Create a webhook",
    operation_id="webhookCreate",
    tag="Webhooks",
    status=201,
    keys=MASTER,
    secret=True,
    responses={
        400: "The request is not valid, or the URL is not publicly reachable.",
        402: "The limit of webhooks is reached.",
        403: _MASTER,
    },
)
def create(request: CreateWebhookRequest) -> NewWebhook:
    caller = api.caller
    return NewWebhook.made(webhooks.register(caller, "anima", request.settings(), caller.effect))


@api.get(
    "/v1/webhooks",
    summary="List webhooks, newest first",
    operation_id="webhookList",
    tag="Webhooks",
    keys=MASTER,
    responses={400: "The limit or the cursor is not valid.", 403: _MASTER},
)
def listing(limit: Limit = 20, cursor: Cursor = None) -> WebhookList:
    return WebhookList.of(*webhooks.listing(api.caller.org_id, "anima", limit, cursor))


@api.get(
    "/v1/webhooks/event-types",
    summary="List the event names for webhooks",
    operation_id="webhookEventTypes",
    tag="Webhooks",
    keys=MASTER,
    responses={403: _MASTER},
)
def event_types() -> EventTypes:
    return EventTypes(items=catalogue.event_types("anima"))


@api.get(
    "/v1/webhooks/dead-letters",
    summary="List lost deliveries, newest first",
    operation_id="webhookDeadLetters",
    tag="Webhooks",
    description="A delivery is lost if its last attempt failed, or if it was pending when its webhook was disabled."
    " Events that happen while a webhook is disabled create no deliveries.",
    keys=MASTER,
    responses={400: "The limit or the cursor is not valid.", 403: _MASTER},
)
def dead_letters(limit: Limit = 20, cursor: Cursor = None) -> DeliveryList:
    return DeliveryList.of(*webhooks.dead_letters(api.caller.org_id, limit, cursor))


@api.get(
    "/v1/webhooks/<webhook_id>",
    summary="Get a webhook",
    operation_id="webhookGet",
    tag="Webhooks",
    keys=MASTER,
    responses={403: _MASTER, 404: _UNKNOWN},
)
def read(webhook_id: str) -> Webhook:
    return Webhook.of(webhooks.get(api.caller.org_id, webhook_id))


@api.patch(
    "/v1/webhooks/<webhook_id>",
    summary="Update a webhook",
    operation_id="webhookUpdate",
    tag="Webhooks",
    description="Activating a disabled webhook resets its count of failures.",
    keys=MASTER,
    responses={400: "The request is not valid.", 403: _MASTER, 404: _UNKNOWN},
)
def update(webhook_id: str, request: UpdateWebhookRequest) -> Webhook:
    caller = api.caller
    return Webhook.of(webhooks.change(caller, webhook_id, request.changes(), caller.effect))


@api.delete(
    "/v1/webhooks/<webhook_id>",
    summary="Remove a webhook",
    operation_id="webhookDelete",
    tag="Webhooks",
    description="Its pending deliveries are canceled.",
    keys=MASTER,
    responses={403: _MASTER, 404: _UNKNOWN},
)
def remove(webhook_id: str) -> Removed:
    caller = api.caller
    webhooks.remove(caller, webhook_id, caller.effect)
    return Removed(id=webhook_id)


@api.post(
    "/v1/webhooks/<webhook_id>/rotate",
    summary="Rotate a webhook's secret",
    description="Creates a new secret. For 24 hours, deliveries are signed with both secrets.",
    operation_id="webhookRotate",
    tag="Webhooks",
    keys=MASTER,
    secret=True,
    responses={403: _MASTER, 404: _UNKNOWN},
)
def rotate(webhook_id: str) -> NewWebhook:
    caller = api.caller
    return NewWebhook.made(webhooks.rotate(caller, webhook_id, caller.effect))


@api.post(
    "/v1/webhooks/<webhook_id>/reenable",
    summary="Activate a webhook and reset its count of failures",
    operation_id="webhookReenable",
    tag="Webhooks",
    keys=MASTER,
    responses={403: _MASTER, 404: _UNKNOWN},
)
def reenable(webhook_id: str) -> Webhook:
    caller = api.caller
    return Webhook.of(webhooks.change(caller, webhook_id, {"active": True}, caller.effect))


@api.post(
    "/v1/webhooks/<webhook_id>/test",
    summary="Send a test delivery",
    operation_id="webhookTest",
    tag="Webhooks",
    keys=MASTER,
    responses={403: _MASTER, 404: _UNKNOWN, 409: "The webhook is disabled."},
)
def test(webhook_id: str) -> Tested:
    caller = api.caller
    return Tested(delivery_id=webhooks.send_test(caller, webhook_id, caller.effect).id)


@api.post(
    "/v1/webhooks/<webhook_id>/recover",
    summary="Send lost deliveries again",
    operation_id="webhookRecover",
    tag="Webhooks",
    description="Sends the deliveries lost since a time: first those that failed after their last attempt, then those"
    " that were pending when the webhook was disabled. Events that happen while a webhook is disabled create no"
    " deliveries, so a recovery does not send them. Get them from `GET /v1/audit/events`. If the webhook is disabled"
    " again during the recovery, the rest stays lost: recover it later.",
    status=202,
    keys=MASTER,
    responses={400: "The timestamp is not valid.", 403: _MASTER, 404: _UNKNOWN, 409: "The webhook is disabled."},
)
def recover(webhook_id: str, request: RecoverRequest) -> Recovering:
    caller = api.caller
    webhooks.recover(caller, webhook_id, request.moment, caller.effect)
    return Recovering()


@api.get(
    "/v1/webhooks/<webhook_id>/deliveries",
    summary="List a webhook's deliveries, newest first",
    operation_id="webhookDeliveries",
    tag="Webhooks",
    keys=MASTER,
    responses={400: "A filter, the limit or the cursor is not valid.", 403: _MASTER, 404: _UNKNOWN},
)
def deliveries(
    webhook_id: str,
    status: Annotated[DeliveryStatus | None, Query()] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> DeliveryList:
    return DeliveryList.of(*webhooks.deliveries(api.caller.org_id, webhook_id, status_of(status), limit, cursor))


@api.get(
    "/v1/webhooks/deliveries/<dlv:delivery_id>",
    summary="Get a delivery",
    operation_id="webhookDeliveryGet",
    tag="Webhooks",
    keys=MASTER,
    responses={403: _MASTER, 404: "The organization has no delivery with this id."},
)
def delivery(delivery_id: str) -> Delivery:
    return Delivery.of(webhooks.find_delivery(api.caller.org_id, delivery_id))


@api.post(
    "/v1/webhooks/deliveries/<dlv:delivery_id>/replay",
    summary="Send a delivery again",
    operation_id="webhookReplay",
    tag="Webhooks",
    description="The delivery keeps its id and starts a new series of attempts. A pending delivery can be sent again"
    " if its next attempt is more than an hour overdue.",
    keys=MASTER,
    responses={
        403: _MASTER,
        404: "The organization has no delivery with this id.",
        409: "The delivery is still pending, or its webhook is disabled.",
    },
)
def replay(delivery_id: str) -> Delivery:
    caller = api.caller
    return Delivery.of(webhooks.redeliver(caller, delivery_id, caller.effect))


handler = api.handler
