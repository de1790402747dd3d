"""Stripe's notifications: `/stripe/webhook`.

A signed notification is parsed and queued; a worker applies it. So notifications may come twice, late or in any order.
"""

from __future__ import annotations

from switchboard.aws import queues
from switchboard.billing import notifications
from switchboard.carriers.payments.ports import webhook
from switchboard.carriers.payments.ports.webhook import UnreadableEventError
from switchboard.dialects.callbacks.dialect import Answer, answer_nothing
from switchboard.dialects.callbacks.stripe import StripeCallbacks
from switchboard.edge import signatures
from switchboard.edge.api import Api
from switchboard.edge.bodies import RawBody
from switchboard.errors import Invalid
from switchboard.kit import background

api = Api(StripeCallbacks(), "stripe", tag="Stripe")


@api.post(
    "/stripe/webhook",
    summary="Receive a notification of Stripe",
    operation_id="receiveStripeEvent",
    body=RawBody(verify=signatures.stripe_verifier("stripe", webhook.active_secrets)),
    responses={400: "The body is not a notification."},
)
def receive_event() -> Answer:
    try:
        job = notifications.read_notification(api.raw)
    except UnreadableEventError as error:
        raise Invalid(f"The body is not a notification: {error}.") from error
    if job:
        background.wait_for_guard()  # a request that the rate limiter refuses must not queue anything
        queues.send_messages([job.to_message()])
    return answer_nothing()


handler = api.handler
