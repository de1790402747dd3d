"""The cost of use beyond a plan."""

from __future__ import annotations

from switchboard.accounts.plans import PlanName
from switchboard.billing import catalog
from switchboard.billing.models import PLANS_ON_SALE
from switchboard.carriers.payments.simulator.models import PRICES_CENTS
from switchboard.usage.models import Meter


def test_what_a_plan_includes_covers_the_dearest_units_first() -> None:
    units = {"voice_basic": 100, "voice_premium": 20, "sms": 490, "sms_toll_free": 20, "number_local": 2}
    assert {
        meter: count
        for meter, count in catalog.overage_units(catalog.included_in(PlanName.STARTER), units).items()
        if count
    } == {
        Meter.VOICE_BASIC: 10,
        Meter.SMS: 10,
        Meter.NUMBER_LOCAL: 1,
    }
    assert catalog.overage_cents(catalog.included_in(PlanName.STARTER), units) == 70 + 15 + 200


def test_use_within_the_plan_and_an_agreement_cost_nothing_more() -> None:
    assert (
        catalog.overage_cents(
            catalog.included_in(PlanName.SCALE), {"voice_basic": 1_800, "sms": 25_000, "number_local": 10}
        )
        == 0
    )
    assert catalog.overage_cents(catalog.included_in(PlanName.ENTERPRISE), {"voice_premium": 10**6, "sms": 10**6}) == 0


def test_corrections_below_zero_cost_nothing() -> None:
    assert catalog.overage_cents(catalog.included_in(PlanName.FREE), {"voice_basic": -5, "sms": 0}) == 0


def test_the_simulator_has_the_prices_of_the_plans() -> None:
    assert {plan.id.value: plan.price_cents for plan in catalog.plans_on_sale()} == PRICES_CENTS
    assert tuple(plan.id for plan in catalog.plans_on_sale()) == PLANS_ON_SALE
