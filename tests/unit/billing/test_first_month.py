"""The credit of a new payer: what its use may cost before a month of use was paid."""

from __future__ import annotations

import pytest

from switchboard.accounts import organizations
from switchboard.accounts.plans import PLANS, PlanName
from switchboard.billing import catalog, subscriptions
from switchboard.errors import QuotaExceeded
from switchboard.kit import clock
from switchboard.usage import service as usage
from switchboard.usage.models import MICROS_PER_CENT, Meter
from tests.unit.billing.customer import Customer

#: More minutes than a new payer may use in a month, and fewer than an old one does.
_MANY = 3_000


def use(acme: Customer, minutes: int, meter: Meter = Meter.VOICE_PREMIUM) -> None:
    usage.commit_spending(acme.org, meter, minutes)


def months_later(acme: Customer, frozen: clock.FrozenClock, days: int) -> None:
    """Renews the subscription, and reads it again some days later, as the daily job does."""
    begins = clock.parse(acme.account.period_end or "")
    frozen.advance(seconds=(begins - clock.now()).total_seconds() + 2)
    acme.deliver(acme.renew())
    frozen.advance(days=days)
    subscriptions.check_payment(acme.org.id)


@pytest.mark.parametrize("plan", catalog.PRICES_CENTS)
def test_a_new_payer_uses_what_the_plan_includes_and_a_little_more(acme: Customer, plan: PlanName) -> None:
    acme.subscribe(plan)
    credit = PLANS[plan].first_month_cents
    assert credit is not None
    included = catalog.included_in(plan)
    dearest = (
        (included.minutes or 0) * usage.price_micros(Meter.VOICE_PREMIUM)
        + (included.sms or 0) * usage.price_micros(Meter.SMS_TOLL_FREE)
        + (included.numbers or 0) * usage.price_micros(Meter.NUMBER_TOLL_FREE)
    ) // MICROS_PER_CENT
    beyond = credit - dearest
    assert catalog.PRICES_CENTS[plan] <= beyond <= 3 * catalog.PRICES_CENTS[plan]
    use(acme, included.minutes or 0)
    with pytest.raises(QuotaExceeded) as refused:
        use(acme, 20 * _MANY)
    assert (refused.value.code, refused.value.details["cap"]) == ("credit_limit", credit)


def test_all_that_is_billed_counts_together(acme: Customer) -> None:
    acme.subscribe(PlanName.STARTER)
    use(acme, 500)
    usage.commit_spending(acme.org, Meter.SMS, 400)
    with pytest.raises(QuotaExceeded) as refused:
        use(acme, 100)
    assert refused.value.code == "credit_limit"
    left = usage.remaining_micros(acme.org, Meter.VOICE_PREMIUM)
    assert left == 8_700 * MICROS_PER_CENT - 500 * 150_000 - 400 * 15_000
    usage.commit_spending(acme.org, Meter.EMAIL, 20_000)


def test_a_month_that_was_paid_in_full_lifts_the_limit(acme: Customer, frozen: clock.FrozenClock) -> None:
    acme.subscribe(PlanName.STARTER)
    assert acme.org.new_payer
    months_later(acme, frozen, days=4)
    assert acme.org.new_payer, "the first invoice was for some days of a month only"
    months_later(acme, frozen, days=1)
    assert acme.org.new_payer, "a card is charged an hour after the month begins, and may be declined later"
    frozen.advance(days=2)
    subscriptions.check_payment(acme.org.id)
    assert not acme.org.new_payer
    use(acme, _MANY)


def test_a_failed_payment_lifts_nothing(acme: Customer, frozen: clock.FrozenClock) -> None:
    acme.subscribe(PlanName.STARTER)
    months_later(acme, frozen, days=4)
    begins = clock.parse(acme.account.period_end or "")
    frozen.advance(seconds=(begins - clock.now()).total_seconds() + 2)
    acme.fail_to_pay()
    frozen.advance(days=5)
    subscriptions.check_payment(acme.org.id)
    assert (acme.state[0], acme.org.new_payer) == ("grace", True)


def test_a_second_subscription_of_a_known_payer_has_no_limit(acme: Customer, frozen: clock.FrozenClock) -> None:
    acme.subscribe(PlanName.STARTER)
    months_later(acme, frozen, days=4)
    months_later(acme, frozen, days=4)
    acme.deliver(acme.end())
    acme.subscribe(PlanName.STARTER)
    assert not acme.org.new_payer


def test_a_new_subscription_of_who_ended_the_first_at_once_has_the_limit(acme: Customer) -> None:
    acme.subscribe(PlanName.STARTER)
    acme.deliver(acme.end())
    acme.subscribe(PlanName.GROWTH)
    assert acme.org.new_payer


def test_an_operator_may_agree_on_more_and_plans_of_operators_have_no_limit(acme: Customer) -> None:
    origin = acme.tenant.caller(master=True)
    acme.subscribe(PlanName.STARTER)
    organizations.set_plan(origin, PlanName.STARTER, {"first_month_cents": 1_000_000})
    use(acme, _MANY)
    organizations.set_plan(origin, PlanName.ENTERPRISE, {})
    use(acme, _MANY)
