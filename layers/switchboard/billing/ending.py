"""Ends the subscription of an organization that is deleted."""

from __future__ import annotations

from switchboard.billing import store, subscriptions
from switchboard.billing.asking import asking_provider
from switchboard.carriers.payments import get_payments
from switchboard.events.models import Origin


def end_subscription(origin: Origin) -> str | None:
    """Ends the subscription at once, and closes an open page for paying. Returns its id, `None` without one.

    The subscription is read at the provider first, and again after it. So a second run finds that it has ended. Raises
    Unavailable and Conflict.
    """
    before = store.get_account(origin.org_id)
    if before is None or before.customer_id is None:
        return None
    payments = get_payments(patient=True)
    with asking_provider():
        if before.checkout and before.checkout.id:
            # A subscription that somebody has just paid there is found below.
            payments.close_checkout(origin.org_id, before.checkout.id)
        account = subscriptions.sync_account(origin, payments)
        if account is None or not account.is_live or account.subscription_id is None:
            return None
        payments.end_subscription(origin.org_id, account.subscription_id, f"end:{account.subscription_id}")
        subscriptions.sync_account(origin, payments)
    return account.subscription_id
