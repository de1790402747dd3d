"""An organization that is suspended for an unpaid subscription sends nothing, and gets everything."""

from __future__ import annotations

from datetime import timedelta

import pytest

from switchboard.accounts import organizations
from switchboard.accounts.plans import PlanName
from switchboard.aws.writes import commit
from switchboard.billing import subscriptions
from switchboard.billing.models import GRACE_PERIOD, PAST_DUE_PERIOD
from switchboard.carriers import mail
from switchboard.carriers.numbers.ports.inventory import NumberSearch
from switchboard.carriers.payments.simulator import actions
from switchboard.email import delivery
from switchboard.email import service as email
from switchboard.email.models import MailDraft, MailState, Message
from switchboard.email.store import get_message
from switchboard.errors import Conflict, Forbidden, QuotaExceeded
from switchboard.flows import assignments
from switchboard.kit import clock
from switchboard.numbers import available
from switchboard.numbers.purchases import NumberOrder
from switchboard.usage import service as usage
from switchboard.usage.models import Meter
from tests.actors import with_effect
from tests.fakes.mail import MailCarrier
from tests.unit.billing.customer import Customer


@pytest.fixture
def carrier(monkeypatch: pytest.MonkeyPatch) -> MailCarrier:
    provider = MailCarrier()
    monkeypatch.setattr(mail, "mail_carrier", lambda: provider)
    return provider


def suspend(acme: Customer, frozen: clock.FrozenClock) -> None:
    """Leaves an invoice unpaid until the end of grace."""
    acme.fail_to_pay()
    frozen.advance(seconds=(PAST_DUE_PERIOD + GRACE_PERIOD + timedelta(minutes=2)).total_seconds())
    subscriptions.check_payment(acme.tenant.org_id)
    assert acme.state == ("suspended", "growth", True)


def send_mail(acme: Customer, key: str | None = None) -> Message:
    caller = acme.tenant.caller()
    return email.send_message(
        with_effect(caller, key) if key else caller, MailDraft(to=["you@example.com"], subject="s", body="b")
    )


def test_no_mail_is_accepted_or_sent_and_the_next_one_is_after_the_payment(
    acme: Customer, frozen: clock.FrozenClock, carrier: MailCarrier
) -> None:
    acme.subscribe()
    accepted = send_mail(acme, "first")
    suspend(acme, frozen)
    frozen.advance(seconds=61)  # cached keys are read again
    with pytest.raises(QuotaExceeded) as refused:
        send_mail(acme)
    assert refused.value.code == "subscription_unpaid"
    delivery.send_queued(accepted.org_id, accepted.id)
    found = get_message(accepted.org_id, accepted.id)
    assert found
    assert (found.state, carrier.sent) == (MailState.FAILED, [])
    acme.deliver(acme.mend_card())
    frozen.advance(seconds=61)
    queued = send_mail(acme)
    delivery.send_queued(queued.org_id, queued.id)
    assert len(carrier.sent) == 1


def test_a_repeated_request_gets_its_mail_also_after_the_suspension(acme: Customer, frozen: clock.FrozenClock) -> None:
    acme.subscribe()
    accepted = send_mail(acme, "first")
    acme.fail_to_pay()
    # Markers of requests end after a day, and grace takes longer.
    frozen.advance(hours=1)
    commit(organizations.terms_writes(acme.tenant.caller(master=True), None, unpaid=True))
    frozen.advance(seconds=61)
    assert send_mail(acme, "first").id == accepted.id


def test_the_platforms_own_mail_goes_out(acme: Customer, frozen: clock.FrozenClock, carrier: MailCarrier) -> None:
    acme.subscribe()
    suspend(acme, frozen)
    ids = acme.mail_ids()
    for message_id in ids:
        delivery.send_queued(acme.tenant.org_id, message_id)
    assert len(carrier.sent) == len(ids) == 2


def test_no_number_is_bought(acme: Customer, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_NUMBERS_CARRIER", "simulator")
    acme.subscribe()
    suspend(acme, frozen)
    offered = available.search_available_numbers(NumberSearch(limit=1))[0].number.e164
    with pytest.raises(Forbidden) as refused:
        assignments.buy_number(acme.tenant.caller(master=True), NumberOrder(offered))
    assert refused.value.code == "subscription_unpaid"


def test_what_comes_in_is_still_counted(acme: Customer, frozen: clock.FrozenClock) -> None:
    acme.subscribe()
    suspend(acme, frozen)
    org = acme.org
    with pytest.raises(QuotaExceeded):
        usage.commit_within([usage.spending_charge(org, Meter.VOICE_BASIC, 1)])
    usage.commit_within([usage.spending_charge(org, Meter.VOICE_BASIC, 1, sends=False)])
    assert usage.get_monthly_usage(org.id).units[Meter.VOICE_BASIC] == 1


def test_while_a_payment_is_late_the_plan_ends_at_what_it_includes(acme: Customer, frozen: clock.FrozenClock) -> None:
    acme.subscribe()
    acme.fail_to_pay()
    assert acme.org.past_due
    usage.commit_spending(acme.org, Meter.VOICE_BASIC, 600)
    with pytest.raises(QuotaExceeded, match="pay the open invoice"):
        usage.commit_spending(acme.org, Meter.VOICE_BASIC, 1)
    acme.deliver(acme.mend_card())
    assert not acme.org.past_due
    usage.commit_spending(acme.org, Meter.VOICE_BASIC, 1)


def test_the_end_of_a_subscription_pays_no_invoice(acme: Customer, frozen: clock.FrozenClock) -> None:
    acme.subscribe()
    suspend(acme, frozen)
    acme.deliver(acme.end())
    assert acme.state == ("canceled", "free", True)
    with pytest.raises(Conflict) as refused:
        acme.order(PlanName.SCALE)
    assert refused.value.code == "subscription_unpaid"
    acme.deliver(acme.mend_card())
    assert acme.state == ("canceled", "free", False)
    acme.subscribe()
    assert acme.state == ("active", "growth", False)


def test_who_ends_a_subscription_with_an_open_invoice_sends_nothing_until_it_is_voided(acme: Customer) -> None:
    acme.subscribe()
    acme.fail_to_pay()
    acme.deliver(acme.end())
    assert acme.state == ("canceled", "free", True)
    acme.deliver(acme.act(actions.void_invoices))
    assert acme.state == ("canceled", "free", False)
