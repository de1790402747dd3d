"""The billing summary, and the changes of a subscription."""

from __future__ import annotations

import pytest

from switchboard.accounts import organizations
from switchboard.accounts.models import HardCap
from switchboard.accounts.plans import PlanName
from switchboard.aws.writes import commit
from switchboard.billing import service
from switchboard.carriers.outcomes import OutcomeUnknownError
from switchboard.carriers.payments.ports.payments import AuthenticationRequiredError, SubscriptionChange
from switchboard.carriers.payments.simulator import SimulatedPayments, actions
from switchboard.errors import Conflict, DomainError, Invalid, QuotaExceeded, Unavailable
from switchboard.kit import clock
from switchboard.usage import service as usage
from switchboard.usage.models import Meter, SpendingReceipt
from tests.unit.billing.customer import Customer


def refusal_of(acme: Customer, **changes: object) -> DomainError:
    with pytest.raises(DomainError) as refused:
        acme.change(**changes)
    return refused.value


def test_the_summary_counts_what_the_caps_count(acme: Customer) -> None:
    usage.commit_spending(acme.org, Meter.VOICE_BASIC, 10)
    # A call took longer than its prepaid time.
    commit(usage.correction_write(acme.org, Meter.VOICE_BASIC, 2, SpendingReceipt(period="2026-01", capped=True)))
    usage.commit_spending(acme.org, Meter.SMS, 4)
    usage.commit_spending(acme.org, Meter.SMS_TOLL_FREE, 3)
    found = service.get_summary(acme.org)
    assert (found.minutes, found.sms, found.numbers, found.overage_cents) == (12, 7, 0, 14)
    assert found.cost_cents == usage.get_monthly_usage(acme.org.id).spent_micros // 10_000 > 14
    assert found.included == (10, 10, 1)
    assert found.period == ("2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z")
    assert (found.status, found.suspends_at) == ("none", None)


def test_the_period_is_that_of_the_subscription(acme: Customer) -> None:
    acme.subscribe()
    found = service.get_summary(acme.org)
    assert found.period == ("2026-01-15T17:00:00.000Z", "2026-02-01T00:00:00.000Z")
    acme.fail_to_pay()
    assert service.get_summary(acme.org).suspends_at == "2026-01-23T17:00:00.000Z"


def test_a_plan_changes_at_once_and_once(acme: Customer) -> None:
    acme.subscribe(PlanName.STARTER)
    assert acme.change(plan=PlanName.SCALE).organization.plan is PlanName.SCALE
    acme.change(plan=PlanName.SCALE)
    assert [one.amount_cents for one in acme.at_provider.invoices] == [2_900, 22_000]


def test_a_larger_plan_is_paid_until_the_end_of_its_month(acme: Customer, frozen: clock.FrozenClock) -> None:
    acme.subscribe(PlanName.SCALE)
    acme.change(plan=PlanName.STARTER)
    assert acme.state == ("active", "starter", False)
    acme.change(plan=PlanName.GROWTH)
    assert [one.amount_cents for one in acme.at_provider.invoices] == [24_900], "nothing is returned or paid twice"
    # The month is paid from its 15th day on, 17 of 31 days.
    usage.commit_spending(acme.org, Meter.VOICE_BASIC, 1_002)
    found = service.get_summary(acme.org)
    assert (found.included, found.overage_cents) == ((992, 5_000, 10), 70)
    frozen.advance(days=20)
    acme.deliver(acme.renew())
    assert service.get_summary(acme.org).included == (600, 5_000, 3)
    acme.change(plan=PlanName.SCALE)
    assert [one.amount_cents for one in acme.at_provider.invoices] == [24_900, 9_900, 15_000]


def test_a_change_whose_answer_was_lost_is_made_once_by_its_repetition(
    acme: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.subscribe(PlanName.STARTER)
    change = SimulatedPayments.change_subscription

    def change_and_lose(self: SimulatedPayments, wanted: SubscriptionChange) -> None:
        change(self, wanted)
        raise OutcomeUnknownError("lost")

    with monkeypatch.context() as patched:
        patched.setattr(SimulatedPayments, "change_subscription", change_and_lose)
        with pytest.raises(Unavailable):
            acme.change(plan=PlanName.GROWTH)
    assert acme.change(plan=PlanName.GROWTH).organization.plan is PlanName.GROWTH
    assert [one.amount_cents for one in acme.at_provider.invoices] == [2_900, 7_000]


def test_a_plan_that_is_too_small_says_what_to_reduce(acme: Customer) -> None:
    acme.subscribe(PlanName.SCALE)
    commit(organizations.gauge_write(acme.org.id, "numbers", 30, None, None))
    refused = refusal_of(acme, plan=PlanName.STARTER)
    assert (type(refused), refused.code) == (Conflict, "plan_too_small")
    assert refused.details["fields"] == {"numbers": "30 telephone numbers, and the plan starter allows 25: remove 5"}
    assert acme.change(plan=PlanName.GROWTH).organization.plan is PlanName.GROWTH


def test_negotiated_limits_count_for_the_smaller_plan(acme: Customer) -> None:
    acme.subscribe(PlanName.SCALE)
    commit(organizations.gauge_write(acme.org.id, "numbers", 30, None, None))
    organizations.set_limit(acme.tenant.caller(master=True), "numbers", 40)
    assert acme.change(plan=PlanName.STARTER).organization.plan is PlanName.STARTER


def test_a_subscription_ends_with_its_period_and_resumes(acme: Customer) -> None:
    acme.subscribe()
    found = acme.change(cancel_at_period_end=True).account
    assert found
    assert found.cancel_at_period_end
    found = acme.change(cancel_at_period_end=False).account
    assert found
    assert not found.cancel_at_period_end
    acme.deliver(acme.renew())
    assert acme.state == ("active", "growth", False)


def test_a_declined_card_keeps_the_plan(acme: Customer) -> None:
    acme.subscribe(PlanName.STARTER)
    acme.act(lambda account: actions.change_card(account, works=False))
    refused = refusal_of(acme, plan=PlanName.SCALE)
    assert (type(refused), refused.code) == (QuotaExceeded, "payment_declined")
    assert acme.state == ("active", "starter", False)


def test_a_bank_that_asks_the_cardholder_is_told_with_the_invoice(
    acme: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.subscribe(PlanName.STARTER)

    def ask(*_: object) -> None:
        raise AuthenticationRequiredError("https://invoice.example/1")

    monkeypatch.setattr(SimulatedPayments, "change_subscription", ask)
    refused = refusal_of(acme, plan=PlanName.SCALE)
    assert (type(refused), refused.code) == (QuotaExceeded, "authentication_required")
    assert refused.details == {"url": "https://invoice.example/1"}
    assert acme.state == ("active", "starter", False)


def test_an_open_invoice_keeps_the_plan(acme: Customer) -> None:
    acme.subscribe(PlanName.STARTER)
    acme.fail_to_pay()
    assert refusal_of(acme, plan=PlanName.SCALE).code == "subscription_unpaid"
    acme.change(cancel_at_period_end=True)
    assert acme.account.cancel_at_period_end


def test_without_a_subscription_there_is_no_plan_to_change(acme: Customer) -> None:
    assert refusal_of(acme, plan=PlanName.SCALE).code == "no_subscription"
    assert refusal_of(acme, cancel_at_period_end=True).code == "no_subscription"


def test_the_cap_is_the_hard_cap_of_all_apis(acme: Customer) -> None:
    acme.change(overage_cap_cents=500)
    assert acme.org.hard_cap == HardCap(enabled=True, monthly_cap_cents=500)
    acme.change(hard_cap_enabled=False)
    assert acme.org.hard_cap == HardCap(enabled=False, monthly_cap_cents=500)
    acme.change(hard_cap_enabled=True)
    assert acme.org.hard_cap.enabled
    acme.change(overage_cap_cents=None)
    assert acme.org.hard_cap == HardCap(enabled=False, monthly_cap_cents=0)
    for changes in ({"hard_cap_enabled": True}, {"hard_cap_enabled": True, "overage_cap_cents": None}):
        assert "overage_cap_cents" in refusal_of(acme, **changes).details["fields"]
    assert len(acme.recorded("billing.hard_cap_changed")) == 4


def test_a_cap_needs_an_amount(acme: Customer) -> None:
    refused = refusal_of(acme, hard_cap_enabled=True)
    assert isinstance(refused, Invalid)
    assert "overage_cap_cents" in refused.details["fields"]
    assert not acme.org.hard_cap.enabled


def test_an_empty_change_is_refused(acme: Customer) -> None:
    assert isinstance(refusal_of(acme), Invalid)


def test_the_billing_address_reaches_the_provider(acme: Customer) -> None:
    acme.change(billing_email="money@acme.example")
    acme.order()
    assert acme.at_provider.email == "money@acme.example"
    acme.change(billing_email="cash@acme.example")
    acme.change(billing_email="cash@acme.example")
    assert acme.at_provider.email == acme.account.email == "cash@acme.example"
    assert len(acme.recorded("billing.address_changed")) == 2
