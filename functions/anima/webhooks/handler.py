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
Cursor = Annotated[str | None, Query(description="`pagination.nextCursor` of the page before.")]
_MASTER = "This takes the master key."
_UNKNOWN = "There is no such webhook."


@api.post(
    "/v1/webhooks",
    summary="Register a webhook",
    operation_id="webhookCreate",
    tag="Webhooks",
    status=201,
    keys=MASTER,
    secret=True,
    responses={
        400: "The request is not valid, or nothing can be sent to the URL.",
        402: "There are as many webhooks as there may be.",
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
    summary="List what a webhook can be told of",
    operation_id="webhookEventTypes",
    tag="Webhooks",
    keys=MASTER,
    responses={403: _MASTER},
)
def event_types() -> EventTypes:
    return EventTypes(items=catalogue.event_types("anima"))


@api.get(
    "/v1/webhooks/dead-letters",
    summary="List deliveries that were lost, newest first",
    operation_id="webhookDeadLetters",
    tag="Webhooks",
    description="They failed for good, or were under way when their webhook was disabled. Events that happen while a"
    " webhook is disabled make no deliveries.",
    keys=MASTER,
    responses={400: "The limit or the cursor is not valid.", 403: _MASTER},
)
def dead_letters(limit: Limit = 20, cursor: Cursor = None) -> DeliveryList:
    return DeliveryList.of(*webhooks.dead_letters(api.caller.org_id, limit, cursor))


@api.get(
    "/v1/webhooks/<webhook_id>",
    summary="Read a webhook",
    operation_id="webhookGet",
    tag="Webhooks",
    keys=MASTER,
    responses={403: _MASTER, 404: _UNKNOWN},
)
def read(webhook_id: str) -> Webhook:
    return Webhook.of(webhooks.get(api.caller.org_id, webhook_id))


@api.patch(
    "/v1/webhooks/<webhook_id>",
    summary="Change a webhook",
    operation_id="webhookUpdate",
    tag="Webhooks",
    description="To make one active that was disabled is to forget its failures.",
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
    description="What is still to be delivered to it is given up.",
    keys=MASTER,
    responses={403: _MASTER, 404: _UNKNOWN},
)
def remove(webhook_id: str) -> Removed:
    caller = api.caller
    webhooks.remove(caller, webhook_id, caller.effect)
    return Removed(id=webhook_id)


@api.post(
    "/v1/webhooks/<webhook_id>/rotate",
    summary="Replace a webhook's secret; both sign for 24 hours",
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
    summary="Make a webhook active again, and forget its failures",
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
    summary="Send once more the deliveries that were lost since a moment",
    operation_id="webhookRecover",
    tag="Webhooks",
    description="Sends the deliveries that failed for good, and then those that were under way when the webhook was"
    " disabled. Events that happen while a webhook is disabled make no deliveries, and a recovery does not send them."
    " Read them from `GET /v1/audit/events`. A webhook that is disabled again during a recovery gets no more"
    " deliveries. Recover the rest later.",
    status=202,
    keys=MASTER,
    responses={400: "The moment is not valid.", 403: _MASTER, 404: _UNKNOWN, 409: "The webhook is disabled."},
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
    summary="Read a delivery",
    operation_id="webhookDeliveryGet",
    tag="Webhooks",
    keys=MASTER,
    responses={403: _MASTER, 404: "There is no such delivery."},
)
def delivery(delivery_id: str) -> Delivery:
    return Delivery.of(webhooks.find_delivery(api.caller.org_id, delivery_id))


@api.post(
    "/v1/webhooks/deliveries/<dlv:delivery_id>/replay",
    summary="Send a delivery once more",
    operation_id="webhookReplay",
    tag="Webhooks",
    description="Under the same id and by the whole schedule. A delivery that is still pending can be sent again when"
    " its next attempt is more than an hour overdue.",
    keys=MASTER,
    responses={
        403: _MASTER,
        404: "There is no such delivery.",
        409: "The delivery is still under way, or its webhook is disabled.",
    },
)
def replay(delivery_id: str) -> Delivery:
    caller = api.caller
    return Delivery.of(webhooks.redeliver(caller, delivery_id, caller.effect))


handler = api.handler
