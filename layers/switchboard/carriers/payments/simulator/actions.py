"""The actions of a customer on the simulator's pages, and the provider's monthly renewal.

Each action is a pure change of the customer's account. It returns the next version and the notifications to send.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from switchboard.carriers.payments.simulator import events
from switchboard.carriers.payments.simulator.models import (
    MAX_INVOICES,
    PRICES_CENTS,
    SimulatedAccount,
    SimulatedInvoice,
    SimulatedSubscription,
    new_simulated_id,
    next_month,
)
from switchboard.carriers.payments.simulator.state import ACCOUNT, ACCOUNTS
from switchboard.kit import clock, ids
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import Decision

#: The next version of an account and its notifications, or `None` if nothing changes.
Change = tuple[SimulatedAccount, list[str]] | None
_COMPLETED = "checkout.session.completed"
_PAID, _FAILED, _VOIDED = "invoice.paid", "invoice.payment_failed", "invoice.voided"
_DISPUTED, _DISPUTE_CLOSED = "charge.dispute.created", "charge.dispute.closed"
_CREATED, _UPDATED, _DELETED = (f"customer.subscription.{word}" for word in ("created", "updated", "deleted"))


def apply_action(org_id: str, action: Callable[[SimulatedAccount], Change], delivery: events.Delivery) -> bool:
    """Does an action, and queues its notifications. Returns False if it changes nothing."""
    made: list[str] = []

    def decide(before: SimulatedAccount) -> Decision[SimulatedAccount]:
        changed = action(before)
        if changed is None:
            return None
        made[:] = changed[1]
        return next_version(changed[0]), None

    if ACCOUNTS.change_object(org_id, ACCOUNT, decide) is None:
        return False
    events.queue_events(org_id, made, delivery)
    return True


def pay_checkout(account: SimulatedAccount, checkout_id: str) -> Change:
    """Subscribes on a page for paying, with a card that works."""
    found = account.find_checkout(checkout_id)
    if found is None or not found.is_open:
        return None
    now = clock.now()
    made = SimulatedSubscription(
        id=new_simulated_id("sub", account.org_id),
        plan=found.plan,
        period_start=clock.format_iso(now),
        period_end=clock.format_iso(clock.from_epoch(found.renews_at) if found.renews_at else next_month(now)),
        created=int(clock.epoch()),
    )
    invoice = _invoice(made, f"The plan {found.plan}", PRICES_CENTS[found.plan], paid=True)
    done = found.model_copy(update={"status": "complete"})
    after = _with_invoice(account, invoice).model_copy(
        update={
            "card_works": True,
            "checkouts": [done if one.id == found.id else one for one in account.checkouts],
            "subscriptions": [*account.subscriptions, made],
        }
    )
    session = {"id": found.id, "object": "checkout.session", "status": "complete", "subscription": made.id}
    return after, [
        events.make_event(_COMPLETED, after, session),
        events.make_event(_CREATED, after, events.subscription_facts(made)),
        events.make_event(_PAID, after, events.invoice_facts(invoice)),
    ]


def change_plan(account: SimulatedAccount, subscription_id: str, plan: str, *, paid: bool = False) -> Change:
    """Moves a subscription to another plan, and charges the difference, if the plan is not `paid`. Returns no money."""
    found = account.find_subscription(subscription_id)
    if found is None or found.status != "active" or found.plan == plan or plan not in PRICES_CENTS:
        return None
    difference = PRICES_CENTS[plan] - PRICES_CENTS[found.plan]
    if difference > 0 and not paid and not account.card_works:
        return None
    after = _with_subscription(account, found.model_copy(update={"plan": plan}))
    if difference > 0 and not paid:
        after = _with_invoice(after, _invoice(found, f"From {found.plan} to {plan}", difference, paid=True))
    return _updated(after, subscription_id)


def set_cancellation(account: SimulatedAccount, subscription_id: str, *, at_period_end: bool) -> Change:
    """Cancels a subscription at the end of its period, or resumes it."""
    found = account.find_subscription(subscription_id)
    if found is None or found.status == "canceled" or found.cancel_at_period_end == at_period_end:
        return None
    after = _with_subscription(account, found.model_copy(update={"cancel_at_period_end": at_period_end}))
    return _updated(after, subscription_id)


def change_card(account: SimulatedAccount, *, works: bool) -> Change:
    """Replaces the card. A card that works pays the open invoices at once."""
    after = account.model_copy(update={"card_works": works})
    unpaid = [one for one in account.invoices if one.status == "open"]
    if not works or not unpaid:
        return after, []
    paid = [one.model_copy(update={"status": "paid"}) for one in unpaid]
    by_id = {one.id: one for one in paid}
    owing = {one.subscription for one in paid}
    after = after.model_copy(
        update={
            "invoices": [by_id.get(one.id, one) for one in account.invoices],
            "subscriptions": [
                one.model_copy(update={"status": "active"}) if one.id in owing and one.status == "past_due" else one
                for one in account.subscriptions
            ],
        }
    )
    told = [events.make_event(_PAID, after, events.invoice_facts(one)) for one in paid]
    for one in after.subscriptions:
        if one.id in owing:
            told.append(events.make_event(_UPDATED, after, events.subscription_facts(one)))
    return after, told


def void_invoices(account: SimulatedAccount) -> Change:
    """Voids the open invoices, as the seller may do. Nothing is owed for them any more."""
    voided = [one.model_copy(update={"status": "void"}) for one in account.invoices if one.status == "open"]
    if not voided:
        return None
    by_id = {one.id: one for one in voided}
    after = account.model_copy(update={"invoices": [by_id.get(one.id, one) for one in account.invoices]})
    return after, [events.make_event(_VOIDED, after, events.invoice_facts(one)) for one in voided]


def dispute_payment(account: SimulatedAccount) -> Change:
    """Lets the cardholder take the last payment back through the bank."""
    if account.disputed or not any(one.status == "paid" for one in account.invoices):
        return None
    return _disputed(account, _DISPUTED, "needs_response", disputed=True)


def win_dispute(account: SimulatedAccount) -> Change:
    """Lets the bank decide for the seller."""
    return _disputed(account, _DISPUTE_CLOSED, "won", disputed=False) if account.disputed else None


def _disputed(account: SimulatedAccount, kind: str, status: str, *, disputed: bool) -> Change:
    after = account.model_copy(update={"disputed": disputed})
    return after, [events.make_event(kind, after, events.dispute_facts(after, status))]


def renew(account: SimulatedAccount, subscription_id: str) -> Change:
    """Begins the next period of a subscription now: charges the card, or ends what was canceled."""
    found = account.find_subscription(subscription_id)
    if found is None or found.status == "canceled":
        return None
    if found.cancel_at_period_end:
        return end_subscription(account, subscription_id)
    begins = clock.parse(found.period_end)
    facts: dict[str, Any] = {
        "period_start": found.period_end,
        "period_end": clock.format_iso(next_month(begins)),
        "status": "active" if account.card_works else "past_due",
    }
    renewed = found.model_copy(update=facts)
    invoice = _invoice(found, f"The plan {found.plan}", PRICES_CENTS[found.plan], paid=account.card_works)
    after = _with_invoice(_with_subscription(account, renewed), invoice)
    return after, [
        events.make_event(_PAID if account.card_works else _FAILED, after, events.invoice_facts(invoice)),
        events.make_event(_UPDATED, after, events.subscription_facts(renewed)),
    ]


def end_subscription(account: SimulatedAccount, subscription_id: str) -> Change:
    """Ends a subscription at once."""
    found = account.find_subscription(subscription_id)
    if found is None or found.status == "canceled":
        return None
    ended = found.model_copy(update={"status": "canceled", "ended_at": clock.now_iso()})
    after = _with_subscription(account, ended)
    return after, [events.make_event(_DELETED, after, events.subscription_facts(ended))]


def _updated(after: SimulatedAccount, subscription_id: str) -> Change:
    found = after.find_subscription(subscription_id)
    assert found is not None, "the caller has found it"
    return after, [events.make_event(_UPDATED, after, events.subscription_facts(found))]


def _with_subscription(account: SimulatedAccount, changed: SimulatedSubscription) -> SimulatedAccount:
    kept = [changed if one.id == changed.id else one for one in account.subscriptions]
    return account.model_copy(update={"subscriptions": kept})


def _with_invoice(account: SimulatedAccount, invoice: SimulatedInvoice) -> SimulatedAccount:
    return account.model_copy(update={"invoices": [*account.invoices, invoice][-MAX_INVOICES:]})


def _invoice(of: SimulatedSubscription, what: str, amount_cents: int, *, paid: bool) -> SimulatedInvoice:
    return SimulatedInvoice(
        id=ids.new_id("in"),
        subscription=of.id,
        what=what,
        amount_cents=amount_cents,
        status="paid" if paid else "open",
        created_at=clock.now_iso(),
    )
