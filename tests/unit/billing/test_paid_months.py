"""The included units of a plan in a month that it is paid for in part."""

from __future__ import annotations

import pytest

from switchboard.accounts.plans import PlanName
from switchboard.billing import paid_months, service
from switchboard.billing.checkout import new_account
from switchboard.billing.models import BillingAccount
from switchboard.kit import clock
from switchboard.usage import service as usage
from switchboard.usage.models import Meter
from tests.unit.billing.customer import Customer
from tests.unit.billing.test_use_reports import go_to, reported, run_day, run_days_until


def account(**first_days: int) -> BillingAccount:
    paid = {"2026-01": {PlanName(plan): day for plan, day in first_days.items()}}
    return new_account("org_1").model_copy(update={"paid_plans": paid})


@pytest.mark.parametrize(
    ("first_days", "minutes", "segments"),
    [
        ({"starter": 1}, 110, 500),
        ({"scale": 1}, 1_800, 25_000),
        # One of 31 days of a plan that includes 1,790 minutes more than the free one.
        ({"scale": 31}, 10 + 58, 10 + 807),
        ({"starter": 1, "scale": 31}, 110 + 55, 500 + 791),
        ({"starter": 16, "scale": 31}, 117, 1_054),
        # A smaller plan that begins later adds nothing to a larger one, and takes nothing away.
        ({"scale": 1, "starter": 20}, 1_800, 25_000),
        ({"scale": 11, "growth": 20, "starter": 30}, 1_223, 16_939),
    ],
)
def test_a_plan_includes_minutes_and_texts_for_the_days_that_are_paid(
    first_days: dict[str, int], minutes: int, segments: int
) -> None:
    made = account(**first_days)
    plans = paid_months.plans_of_month(made, "2026-01")
    found = paid_months.included_in_month(made, "2026-01", plans)
    assert (found.minutes, found.sms) == (minutes, segments)


def test_one_day_of_a_large_plan_does_not_pay_a_month_of_use(acme: Customer, frozen: clock.FrozenClock) -> None:
    go_to(frozen, "2026-01-31T10:00:00Z")
    acme.subscribe(PlanName.SCALE)
    usage.commit_spending(acme.org, Meter.VOICE_PREMIUM, 1_800)
    usage.commit_spending(acme.org, Meter.SMS, 25_000)
    found = service.get_summary(acme.org)
    assert found.included == (68, 817, 10)
    assert found.overage_cents > 24_900
    run_day(acme, frozen)
    assert reported(acme) == [("2026-01-31:voice_premium", 1_732), ("2026-01-31:sms", 24_183)]
    acme.deliver(acme.renew())
    assert service.get_summary(acme.org).included == (1_800, 25_000, 10), "the next month is paid in full"


def test_a_change_to_a_larger_plan_includes_more_for_the_days_that_are_left(
    acme: Customer, frozen: clock.FrozenClock
) -> None:
    go_to(frozen, "2026-01-20T10:00:00Z")
    acme.subscribe(PlanName.STARTER)
    run_days_until(acme, frozen, "2026-01-31")
    go_to(frozen, "2026-02-01T01:00:00Z")
    run_day(acme, frozen)
    acme.deliver(acme.renew())
    go_to(frozen, "2026-02-15T10:00:00Z")
    acme.change(plan=PlanName.SCALE)
    assert acme.account.paid_plans["2026-02"] == {PlanName.STARTER: 1, PlanName.SCALE: 15}
    # Half of the 28 days.
    assert service.get_summary(acme.org).included == (955, 12_750, 10)


def test_a_first_notification_that_comes_late_shortens_nothing(acme: Customer, frozen: clock.FrozenClock) -> None:
    told = acme.pay(acme.order(PlanName.SCALE))
    frozen.advance(days=3)
    acme.deliver(told)
    assert acme.account.paid_plans["2026-01"] == {PlanName.SCALE: 15}
