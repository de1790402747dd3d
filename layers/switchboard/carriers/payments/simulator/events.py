"""The simulator's notifications: Stripe's bodies, Stripe's signature, and their posting."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, Literal

from switchboard.aws import queues
from switchboard.carriers.payments.ports import webhook
from switchboard.carriers.payments.simulator.models import (
    SimulatedAccount,
    SimulatedInvoice,
    SimulatedSubscription,
    new_simulated_id,
)
from switchboard.kit import clock, ids, settings
from switchboard.kit.jobs import QueueMessage

#: The path of our endpoint.
WEBHOOK_PATH = "/stripe/webhook"
#: How the notifications of one action are delivered: as they should be, each one twice, or the last one first.
Delivery = Literal["once", "twice", "reversed"]
_POST_SECONDS = 15.0
#: The queue of the worker that posts notifications, and the field of a message with the JSON of one.
_QUEUE, _FIELD = "billing", "payment_event"


class EventRefusedError(RuntimeError):
    """The notification was not accepted. The queue posts it again."""


def make_event(kind: str, account: SimulatedAccount, facts: dict[str, Any]) -> str:
    """Returns the JSON of a notification about an object with these facts."""
    event = {
        "id": ids.new_id("evt"),
        "object": "event",
        "type": kind,
        "created": int(clock.epoch()),
        "livemode": False,
        "data": {"object": {"customer": account.customer_id, **facts}},
    }
    return json.dumps(event, separators=(",", ":"))


def subscription_facts(found: SimulatedSubscription) -> dict[str, Any]:
    """Returns a subscription as it is in a notification."""
    return {
        "id": found.id,
        "object": "subscription",
        "status": found.status,
        "cancel_at_period_end": found.cancel_at_period_end,
    }


def invoice_facts(found: SimulatedInvoice) -> dict[str, Any]:
    """Returns an invoice as it is in a notification."""
    return {"id": found.id, "object": "invoice", "status": found.status, "amount_due": found.amount_cents}


def dispute_facts(account: SimulatedAccount, status: str) -> dict[str, Any]:
    """Returns a dispute as it is in a notification. It names its charge, and no customer."""
    charge = new_simulated_id("ch", account.org_id)
    return {"id": ids.new_id("du"), "object": "dispute", "status": status, "charge": charge, "customer": None}


def sign_body(body: bytes, secret: str, at: int) -> str:
    """Returns the header `Stripe-Signature` of a body (docs/contracts/providers.md#stripe-signature)."""
    made = hmac.digest(secret.encode(), f"{at}.".encode() + body, "sha256").hex()
    return f"t={at},v1={made}"


def queue_events(org_id: str, bodies: Sequence[str], delivery: Delivery) -> None:
    """Queues the notifications of one action. A delay in seconds puts them in order, as far as a queue keeps order."""
    ordered = list(reversed(bodies)) if delivery == "reversed" else list(bodies)
    sent = [(body, place) for place, body in enumerate(ordered)]
    if delivery == "twice":
        sent += [(body, len(ordered) + place) for place, body in enumerate(ordered)]
    queues.send_messages(
        QueueMessage(queue=_QUEUE, body={"org_id": org_id, _FIELD: body}, group=org_id, delay=delay)
        for body, delay in sent
    )


def post_event(message: dict[str, Any], receive: Callable[[bytes, str], bool]) -> None:
    """Posts the signed notification in a message to the setting CALLBACKS_URL. Raises EventRefusedError.

    Without this setting, `receive` gets the body and the header in this process, and returns whether it accepts them.
    """
    body, base = str(message[_FIELD]).encode(), settings.text("CALLBACKS_URL", "")
    header = sign_body(body, webhook.simulated_secret(), int(clock.epoch()))
    if not base:
        if not receive(body, header):
            raise EventRefusedError("the notification's signature is invalid")
        return
    status = asyncio.run(_send(base.rstrip("/") + WEBHOOK_PATH, body, header))
    if status != HTTPStatus.OK:
        raise EventRefusedError(f"the endpoint answered with status {status}")


async def _send(url: str, body: bytes, header: str) -> int:
    from switchboard.outbound.client import GuardedClient  # for cold start: loaded with the first notification

    headers = {"content-type": "application/json", "stripe-signature": header}
    async with GuardedClient() as web:
        return (await web.post(url, headers, body, _POST_SECONDS)).status
