"""HUM: `/api/triggers/inbound/{token}`: other systems fire triggers here."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Header

from switchboard.dialects.hum import trigger_inbox
from switchboard.dialects.hum.shapes import DONE, Ok
from switchboard.dialects.hum.trigger_inbox import EventBody, TriggerInbox, read_fired_event
from switchboard.edge.api import Api
from switchboard.edge.document_headers import IDEMPOTENCY_KEY
from switchboard.triggers import firing

api = Api(TriggerInbox(), "trigger_inbox", tags={"Triggers": "Addresses at which other systems fire events."})

#: For the document: `trigger_inbox.require_valid_key` refuses an invalid key before, with the code of all operations.
DeliveryKey = Annotated[
    str | None,
    Header(
        alias=IDEMPOTENCY_KEY["name"],
        description="The sender's own id of the event. A repetition within 24 hours changes nothing.",
        json_schema_extra=IDEMPOTENCY_KEY["schema"],
    ),
]


@api.post(
    "/api/triggers/inbound/<any:token>",
    summary="Fire an inbound event trigger",
    operation_id="fireInboundTrigger",
    description="For another system, such as a webhook of GitHub or a cron job. The token in the path is the only proof"
    " of identity. The body is any JSON of at most 256 KB, or a form whose parameter `payload` is JSON. An empty body"
    " is `{}`. The event becomes a webhook, an event of the audit, and the start of the flows that wait for it. A"
    " sender that repeats an event names it in `Idempotency-Key`, `X-GitHub-Delivery`, `webhook-id`, `svix-id` or"
    " `X-Shopify-Webhook-Id`; an event of Stripe has its own `id`. A repetition within 24 hours changes nothing, and"
    " gets the same answer. A trigger takes 60 events a minute. All triggers of an organization take 600 together,"
    " where a body counts once for each 8 KB that it begins.",
    status=202,
    public=True,
    scheme=trigger_inbox.TOKEN,
    body=EventBody(),
    responses={
        400: "`invalid_json`: the body is not JSON, or has more than 32 levels. `invalid_form`: the form has no"
        " `payload`. `invalid_idempotency_key`.",
        403: "`loop`: the request is a delivery of our own webhook, which may not fire a trigger.",
        404: "No active trigger has this token. A paused trigger and a token that was rotated more than an hour ago"
        " answer the same.",
        415: "The body is neither JSON nor a form.",
        503: "The event could not be recorded: send it again.",
    },
)
def fire_trigger(token: str, key: DeliveryKey = None) -> Ok:  # noqa: ARG001 the scheme and the edge have read them
    firing.fire_trigger(api.exchange.bearer, read_fired_event(api.exchange))
    return DONE


handler = api.handler
