"""A change of a plan that waits for its payment (Stripe calls it a pending update).

Stripe keeps such a change for 23 hours, and makes it as soon as its invoice is paid.
"""

from __future__ import annotations

from typing import Any

from switchboard.carriers.payments.ports.payments import AuthenticationRequiredError, DeclinedError
from switchboard.carriers.payments.stripe_answers import reading, send_once, writing

#: The state of a payment whose card was declined. In each other state of an unpaid one, the cardholder has to act.
_DECLINED = "requires_payment_method"


def require_change_made(client: Any, subscription: Any) -> None:
    """Raises AuthenticationRequiredError for a change that waits for the cardholder, and DeclinedError.

    The change of a declined card is withdrawn. Otherwise a later payment of its invoice would change the plan.
    """
    if not getattr(subscription, "pending_update", None):
        return
    latest = subscription.latest_invoice
    invoice_id = str(latest if isinstance(latest, str) else latest.id)
    if _is_declined(client, invoice_id):
        with writing():
            key = f"void:{invoice_id}"
            send_once(key, lambda options: client.invoices.void_invoice(invoice_id, {}, options))
        raise DeclinedError("card_declined")
    with reading():
        url = client.invoices.retrieve(invoice_id).hosted_invoice_url or ""
    raise AuthenticationRequiredError(str(url))


def _is_declined(client: Any, invoice_id: str) -> bool:
    with reading():
        given = {"invoice": invoice_id, "expand": ["data.payment.payment_intent"]}
        states = [_state_of(one) for one in client.invoice_payments.list(given).data]
    return _DECLINED in states


def _state_of(payment: Any) -> str | None:
    intent = getattr(payment.payment, "payment_intent", None)
    return getattr(intent, "status", None)
