"""Notifications move the account to what the provider has now, in any order, and as often as they come."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import permutations

import pytest

from switchboard.accounts import organizations
from switchboard.accounts.plans import PlanName
from switchboard.billing import store, subscriptions
from switchboard.billing.jobs import ApplyPaymentEvent
from switchboard.carriers.outcomes import ThrottledError
from switchboard.carriers.payments.ports.payments import CustomerGoneError, PaidSubscription
from switchboard.carriers.payments.simulator import SimulatedPayments, actions
from switchboard.email import suppressions
from switchboard.kit import clock
from tests.conftest import Skips
from tests.fakes.stripe import serve_stripe, stripe_error
from tests.unit.billing.customer import Customer, types_of


def test_a_subscription_gives_the_plan_with_its_first_notification(acme: Customer) -> None:
    assert acme.org.plan is PlanName.FREE
    told = acme.pay(acme.order(PlanName.SCALE))
    assert types_of(told) == ["checkout.session.completed", "customer.subscription.created", "invoice.paid"]
    acme.deliver(told[:1])
    assert acme.state == ("active", "scale", False)
    assert acme.account.period_end == acme.at_provider.subscriptions[0].period_end
    assert acme.account.checkout is None


def test_a_notification_is_applied_once(acme: Customer, skipped: Skips) -> None:
    acme.subscribe()
    bodies = acme.renew()
    acme.deliver(bodies)
    version = acme.account.version
    acme.deliver(bodies)
    assert acme.account.version == version
    assert [reason for reason, _ in skipped].count("the notification was applied") == len(bodies)


def test_every_order_of_six_notifications_ends_in_the_same_state(acme: Customer) -> None:
    """The six come after all changes were made, each twice."""
    told = acme.pay(acme.order())
    told += acme.renew(works=False)
    told += acme.mend_card()[:1]
    assert len(told) == 6
    reached = set()
    for number, order in enumerate(permutations(told)):
        if number % 7:
            # Every seventh of the 720 orders: all first and last places occur.
            continue
        fresh = [json.dumps(json.loads(body) | {"id": f"evt_{number}_{place}"}) for place, body in enumerate(order)]
        acme.deliver([*fresh, *fresh])
        reached.add((acme.state, acme.account.unpaid_since, acme.account.period_end))
    assert reached == {(("active", "growth", False), None, acme.at_provider.subscriptions[0].period_end)}
    assert len(acme.recorded("billing.subscription_changed")) == 1, "nothing changed after the first notification"


def test_notifications_between_the_changes_may_come_in_any_order(acme: Customer) -> None:
    """A notification that is late finds the newer subscription, and not the one that it tells about."""
    created = acme.pay(acme.order())
    failed = acme.renew(works=False)
    acme.deliver(failed)
    assert acme.state == ("past_due", "growth", False)
    paid = acme.mend_card()
    acme.deliver(created)
    assert acme.state == ("active", "growth", False), "the late notification reads the payment"
    ended = acme.end()
    acme.deliver(ended)
    assert acme.state == ("canceled", "free", False)
    acme.deliver(paid)
    assert acme.state == ("canceled", "free", False)


def test_a_run_that_read_an_older_subscription_never_wins(acme: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the read at the provider and the commit another run reads a newer subscription, which changes nothing."""
    acme.subscribe()
    failed, fetch = acme.renew(works=False), SimulatedPayments.fetch_subscription
    met: list[int] = []

    def fetch_slowly(self: SimulatedPayments, org_id: str, customer_id: str) -> PaidSubscription | None:
        found = fetch(self, org_id, customer_id)
        if not met:
            met.append(1)
            acme.deliver(acme.mend_card())
        return found

    monkeypatch.setattr(SimulatedPayments, "fetch_subscription", fetch_slowly)
    acme.deliver(failed[:1])
    assert met
    assert acme.state == ("active", "growth", False)
    assert [one["status"] for one in acme.recorded("billing.subscription_changed")] == ["active", "active"]


def test_an_unpaid_subscription_gets_a_day_then_grace_and_then_may_not_send(
    acme: Customer, frozen: clock.FrozenClock
) -> None:
    acme.subscribe()
    acme.fail_to_pay()
    assert acme.state == ("past_due", "growth", False)
    org_id, due = acme.tenant.org_id, acme.account.next_check_at
    assert due == clock.format_iso(clock.now() + timedelta(days=1))
    frozen.advance(days=1)
    subscriptions.check_payment(org_id)
    assert acme.state == ("grace", "growth", False)
    frozen.advance(days=6, hours=23)
    subscriptions.check_payment(org_id)
    assert acme.state == ("grace", "growth", False)
    frozen.advance(hours=1)
    subscriptions.check_payment(org_id)
    assert acme.state == ("suspended", "growth", True)
    assert acme.account.next_check_at is None
    acme.deliver(acme.mend_card())
    assert acme.state == ("active", "growth", False)
    assert [subject.split()[-1] for subject in acme.mails()] == ["failed", "mailing", "mail", "again"]


def test_a_mail_tells_the_day_of_the_suspension_to_the_billing_address(
    acme: Customer, frozen: clock.FrozenClock
) -> None:
    acme.subscribe()
    acme.change(billing_email="money@acme.example")
    acme.fail_to_pay()
    frozen.advance(days=1)
    subscriptions.check_payment(acme.tenant.org_id)
    day = clock.format_iso(clock.now() + timedelta(days=7))[:10]
    assert acme.mails()[-1] == f"Pay by {day} to keep calling, texting and mailing"


def test_a_suppressed_address_does_not_hold_a_move(acme: Customer) -> None:
    acme.subscribe()
    acme.change(billing_email="money@acme.example")
    suppressions.add_suppression(acme.tenant.caller(master=True), "money@acme.example")
    acme.fail_to_pay()
    assert acme.state == ("past_due", "growth", False)
    assert acme.mails() == []


def test_an_ended_subscription_gives_the_free_plan_and_its_paid_invoice_lifts_the_stop(
    acme: Customer, frozen: clock.FrozenClock
) -> None:
    acme.subscribe()
    acme.fail_to_pay()
    frozen.advance(days=9)
    subscriptions.check_payment(acme.tenant.org_id)
    assert acme.state == ("suspended", "growth", True)
    acme.deliver(acme.end())
    assert acme.state == ("canceled", "free", True)
    acme.deliver(acme.mend_card())
    assert acme.state == ("canceled", "free", False)
    acme.subscribe(PlanName.STARTER)
    assert acme.state == ("active", "starter", False)


def test_a_plan_that_an_operator_has_set_survives_renewals_and_the_end(acme: Customer) -> None:
    acme.subscribe()
    organizations.set_plan(acme.tenant.caller(master=True), PlanName.ENTERPRISE)
    acme.deliver(acme.renew())
    assert acme.state == ("active", "enterprise", False)
    acme.deliver(acme.end())
    assert acme.state == ("canceled", "enterprise", False)


def test_a_change_in_the_portal_moves_the_plan(acme: Customer) -> None:
    acme.subscribe(PlanName.STARTER)
    acme.deliver(acme.act(lambda account: actions.change_plan(account, acme.subscription_id, "scale")))
    assert acme.state == ("active", "scale", False)
    acme.deliver(acme.act(lambda account: actions.set_cancellation(account, acme.subscription_id, at_period_end=True)))
    assert acme.account.cancel_at_period_end
    acme.deliver(acme.renew())
    assert acme.state == ("canceled", "free", False)


def test_a_notification_of_a_foreign_customer_changes_nothing(acme: Customer, skipped: Skips) -> None:
    acme.subscribe()
    subscriptions.apply_payment_event(
        ApplyPaymentEvent(event_id="evt_1", type="invoice.paid", customer_id="cus_foreign")
    )
    assert skipped[-1][0] == "the customer is not one of ours"


def test_a_refused_read_cancels_nobody(acme: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stripe refuses each read of a deployment with the key of another account, or with a version that is retired."""
    acme.subscribe(PlanName.SCALE)
    with monkeypatch.context() as patched, serve_stripe(lambda _: (0, None), patched) as server:
        for status, code in ((400, ""), (400, "parameter_unknown"), (404, "resource_missing"), (402, "no")):
            content = stripe_error("invalid_request_error", code)
            server.answer = lambda _, given=(status, content): given  # type: ignore[misc]
            subscriptions.check_payment(acme.tenant.org_id)
            assert acme.state == ("active", "scale", False)
        assert len(server.requests) == 4
    assert acme.mails() == []
    assert acme.account.use_day, "use is still reported"


def test_a_customer_that_is_gone_is_forgotten(acme: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    acme.subscribe(PlanName.SCALE)
    customer = acme.account.customer_id

    def find_nobody(*_: object) -> None:
        raise CustomerGoneError("deleted")

    monkeypatch.setattr(SimulatedPayments, "fetch_subscription", find_nobody)
    subscriptions.check_payment(acme.tenant.org_id)
    assert acme.state == ("canceled", "free", False)
    assert (acme.account.customer_id, acme.account.use_day) == (None, None)
    assert acme.recorded("billing.customer_deleted") == [{"customer": customer}]
    version = acme.account.version
    subscriptions.check_payment(acme.tenant.org_id)
    assert acme.account.version == version


def test_a_provider_that_does_not_answer_puts_the_notification_off(
    acme: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.order()

    def refuse(*_: object) -> None:
        raise ThrottledError("busy")

    with monkeypatch.context() as patched:
        patched.setattr(SimulatedPayments, "fetch_subscription", refuse)
        job = ApplyPaymentEvent(event_id="evt_1", type="invoice.paid", customer_id=acme.account.customer_id or "")
        subscriptions.apply_payment_event(job)
        assert not store.is_event_applied(acme.tenant.org_id, "evt_1")
        subscriptions.check_payment(acme.tenant.org_id)
    subscriptions.apply_payment_event(job)
    assert store.is_event_applied(acme.tenant.org_id, "evt_1")
    assert (acme.account.unread_since, acme.account.read_again_at) == (None, None)


def test_a_provider_that_never_answers_is_asked_by_one_job_until_a_deadline(
    acme: Customer,
    frozen: clock.FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
    skipped: Skips,
    caplog: pytest.LogCaptureFixture,
) -> None:
    acme.order()
    customer, org_id, asked = acme.account.customer_id or "", acme.tenant.org_id, 0

    def refuse(*_: object) -> None:
        nonlocal asked
        asked += 1
        raise ThrottledError("resource_missing")

    with monkeypatch.context() as patched:
        patched.setattr(SimulatedPayments, "fetch_subscription", refuse)
        for number in range(20):
            job = ApplyPaymentEvent(event_id=f"evt_{number}", type="invoice.paid", customer_id=customer)
            subscriptions.apply_payment_event(job)
        assert sum(reason == "a later job reads the subscription" for reason, *_ in skipped) == 19
        asked = 0
        while acme.account.read_again_at:
            assert not acme.account.unreadable
            frozen.advance(seconds=(clock.parse(acme.account.read_again_at) - clock.now()).total_seconds())
            subscriptions.check_payment(org_id)
        assert asked == 12 + 71
        assert acme.account.unreadable
        (told,) = [one for one in caplog.records if "does not tell a subscription" in one.getMessage()]
        assert told.__dict__["org_id"] == org_id
    subscriptions.check_payment(org_id)
    assert not acme.account.unreadable
