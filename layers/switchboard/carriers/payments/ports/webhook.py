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

#: The notifications of a payment that its cardholder disputes. They name a charge, and no customer.
DISPUTES = frozenset({"charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed"})
#: The notification of an invoice that the provider cannot issue, for example without an address for its tax.
NOT_FINALIZED = "invoice.finalization_failed"
#: The notifications of use that the provider accepted at first and does not bill.
USE_FAULTS = frozenset({"v1.billing.meter.error_report_triggered", "v1.billing.meter.no_meter_found"})
#: The types of notifications that can change a subscription or a debt. The others have no effect.
HANDLED = frozenset(
    {
        *DISPUTES,
        NOT_FINALIZED,
        "checkout.session.completed",
        "customer.deleted",
        "customer.subscription.created",
        "customer.subscription.updated",
        "customer.subscription.deleted",
        "customer.subscription.paused",
        "customer.subscription.resumed",
        "invoice.paid",
        "invoice.payment_failed",
        "invoice.payment_action_required",
        "invoice.voided",
        "invoice.marked_uncollectible",
    }
)
_LONGEST_ID = 255


class UnreadableEventError(ValueError):
    """The body is not a notification."""


@dataclass(frozen=True, slots=True)
class PaymentEvent:
    """A notification: its id, its type, and its customer, charge or meter, if it has one."""

    id: str
    type: str
    customer_id: str | None
    charge_id: str | None = None
    meter_id: str | None = None

    @property
    def has_effect(self) -> bool:
        """Whether the notification can change a subscription or a debt."""
        named = self.charge_id if self.type in DISPUTES else self.customer_id
        return self.type in HANDLED and named is not None


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
    facts = found if isinstance(found, dict) else {}
    is_customer = facts.get("object") == "customer"
    return PaymentEvent(
        str(event_id),
        str(kind),
        customer_id=_id_of(facts.get("id") if is_customer else facts.get("customer")),
        charge_id=_id_of(facts.get("charge")),
        meter_id=_id_of(body.get("related_object")),
    )


def _id_of(named: Any) -> str | None:
    """Returns the id of an object. The provider may expand it."""
    found = named.get("id") if isinstance(named, dict) else named
    return str(found) if _is_id(found) else None


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_ID and value.isascii() and value.isprintable()
