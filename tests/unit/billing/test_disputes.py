"""A cardholder who takes a payment back: the organization sends nothing until the dispute is over."""

from __future__ import annotations

import pytest

from switchboard.billing import subscriptions
from switchboard.billing.jobs import ApplyPaymentEvent
from switchboard.carriers.outcomes import ThrottledError
from switchboard.carriers.payments.simulator import SimulatedPayments, actions
from switchboard.errors import Conflict, QuotaExceeded
from switchboard.usage import service as usage
from switchboard.usage.models import Meter
from tests.conftest import Skips
from tests.unit.billing.customer import Customer, types_of


def test_a_dispute_stops_what_is_sent_until_it_is_won(acme: Customer, metrics: list[str]) -> None:
    acme.subscribe()
    told = acme.act(actions.dispute_payment)
    assert types_of(told) == ["charge.dispute.created"]
    acme.deliver(told)
    assert acme.state == ("active", "growth", True)
    assert metrics.count("PaymentDisputed") == 1
    with pytest.raises(QuotaExceeded, match="dispute"):
        usage.commit_spending(acme.org, Meter.SMS, 1)
    acme.deliver(acme.renew())
    assert acme.state == ("active", "growth", True), "another payment ends no dispute"
    acme.deliver(acme.act(actions.win_dispute))
    assert acme.state == ("active", "growth", False)
    assert metrics.count("PaymentDisputed") == 1
    assert acme.mails() == ["A payment for Acme is disputed"]


def test_a_dispute_outlives_the_subscription(acme: Customer) -> None:
    acme.subscribe()
    acme.deliver(acme.act(actions.dispute_payment))
    acme.deliver(acme.end())
    assert acme.state == ("canceled", "free", True)
    with pytest.raises(Conflict, match="disputed"):
        acme.order()


def test_a_dispute_that_cannot_be_read_stops_with_the_next_read(
    acme: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.subscribe()
    told = acme.act(actions.dispute_payment)

    def fail(*_: object) -> None:
        raise ThrottledError("no answer")

    with monkeypatch.context() as patched:
        patched.setattr(SimulatedPayments, "fetch_subscription", fail)
        acme.deliver(told)
    assert acme.state == ("active", "growth", False)
    subscriptions.check_payment(acme.tenant.org_id)
    assert acme.state == ("active", "growth", True)


def test_a_dispute_without_its_customer_is_repeated_by_the_queue(
    acme: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ThrottledError("no answer")

    monkeypatch.setattr(SimulatedPayments, "find_payer", fail)
    with pytest.raises(ThrottledError):
        subscriptions.apply_payment_event(
            ApplyPaymentEvent(event_id="evt_1", type="charge.dispute.created", charge_id="ch_1")
        )


def test_a_dispute_of_another_seller_changes_nothing(acme: Customer, skipped: Skips) -> None:
    subscriptions.apply_payment_event(
        ApplyPaymentEvent(event_id="evt_1", type="charge.dispute.created", charge_id="ch_other")
    )
    assert [reason for reason, _ in skipped] == ["the customer is not one of ours"]


def test_an_invoice_that_cannot_be_issued_alarms(acme: Customer, metrics: list[str]) -> None:
    acme.subscribe()
    customer = acme.account.customer_id or ""
    subscriptions.apply_payment_event(
        ApplyPaymentEvent(event_id="evt_1", type="invoice.finalization_failed", customer_id=customer)
    )
    assert metrics == ["InvoiceNotFinalized"]
    assert acme.state == ("active", "growth", False)
