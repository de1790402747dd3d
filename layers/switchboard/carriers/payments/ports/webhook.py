"""The provider's notifications: their secrets, and the facts in them.

A notification is a hint only: the subscription is read again (docs/contracts/providers.md#stripe).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from switchboard.aws import secret
from switchboard.carriers.payments.ports.choice import payments_name
from switchboard.kit import settings

#: The types of notifications that can change a subscription or a debt. The others have no effect.
HANDLED = frozenset(
    {
        "checkout.session.completed",
        "customer.subscription.created",
        "customer.subscription.updated",
        "customer.subscription.deleted",
        "customer.subscription.paused",
        "customer.subscription.resumed",
        "invoice.paid",
        "invoice.payment_failed",
        "invoice.voided",
        "invoice.marked_uncollectible",
    }
)
_LONGEST_ID = 255


class UnreadableEventError(ValueError):
    """The body is not a notification."""


@dataclass(frozen=True, slots=True)
class PaymentEvent:
    """A notification: its id, its type, and its customer, if it has one."""

    id: str
    type: str
    customer_id: str | None

    @property
    def has_effect(self) -> bool:
        """Whether the notification can change a subscription."""
        return self.type in HANDLED and self.customer_id is not None


def active_secrets() -> Sequence[str]:
    """Returns the secrets of the endpoint, newest first. Without a provider there is none, so no signature is valid."""
    name = payments_name()
    if name == "stripe":
        return secret.active_secrets(settings.text("STRIPE_WEBHOOK_SECRET"))
    return (simulated_secret(),) if name == "simulator" else ()


def simulated_secret() -> str:
    """Returns the secret with which the simulator signs."""
    return f"whsec_{secret.derive('simulated-payments', length=24).hex()}"


def parse_event(body: Any) -> PaymentEvent:
    """Returns the facts of a notification. Raises UnreadableEventError."""
    if not isinstance(body, dict):
        raise UnreadableEventError("it is not an object")
    event_id, kind, data = body.get("id"), body.get("type"), body.get("data")
    if not _is_id(event_id) or not _is_id(kind):
        raise UnreadableEventError("it has no id or no type")
    found = data.get("object") if isinstance(data, dict) else None
    customer = found.get("customer") if isinstance(found, dict) else None
    # The provider may expand the customer to an object.
    named = customer.get("id") if isinstance(customer, dict) else customer
    return PaymentEvent(str(event_id), str(kind), str(named) if _is_id(named) else None)


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_ID and value.isascii() and value.isprintable()
