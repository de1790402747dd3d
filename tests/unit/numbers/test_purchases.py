"""Buying numbers: once, within limits, and through every fault."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from switchboard.accounts import organizations
from switchboard.accounts.models import HardCap
from switchboard.accounts.plans import PlanName
from switchboard.carriers.numbers.ports.inventory import Features
from switchboard.carriers.outcomes import OutcomeUnknownError, ThrottledError
from switchboard.errors import Forbidden, Invalid, Unavailable
from switchboard.flows import assignments
from switchboard.flows import service as flows
from switchboard.flows.models import FlowSettings
from switchboard.kit import clock
from switchboard.numbers import purchases, service, store
from switchboard.numbers.models import Number, PurchaseStatus
from switchboard.numbers.purchases import NumberOrder
from switchboard.usage import service as usage
from switchboard.usage.models import Meter
from tests.actors import Tenant, tenant, with_effect
from tests.unit.numbers.doubles import FakeInventory, KilledError

pytestmark = pytest.mark.usefixtures("cloud")

NUMBER, TOLL_FREE = "+14155550128", "+18885550123"


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock, provider: FakeInventory) -> Tenant:
    return tenant("acme")


def buy(who: Tenant, e164: str = NUMBER, key: str | None = None, **order: str) -> Number:
    caller = who.caller(master=True)
    return assignments.buy_number(
        with_effect(caller, key) if key else caller,
        NumberOrder(e164, **order),
        with_effect(caller, key).effect if key else None,
    )


def spent_cents(who: Tenant) -> int:
    return usage.get_monthly_usage(who.org_id).spent_micros // 10_000


def counted(who: Tenant) -> int:
    return organizations.get_gauge(who.org_id, "numbers")


def test_a_bought_number_is_recorded_charged_and_found(acme: Tenant, provider: FakeInventory) -> None:
    number = buy(acme, friendly_name="Front desk")
    assert (number.e164, number.friendly_name, number.monthly_cost_cents) == (NUMBER, "Front desk", 200)
    assert service.find_number(number.id) == service.find_number_by_e164(NUMBER) == number
    assert service.list_numbers(acme.org_id) == [number]
    assert (spent_cents(acme), counted(acme), provider.purchases) == (200, 1, 1)


def test_a_toll_free_number_costs_more(acme: Tenant) -> None:
    assert buy(acme, TOLL_FREE).monthly_cost_cents == 300
    assert usage.get_monthly_usage(acme.org_id).units[Meter.NUMBER_TOLL_FREE] == 1


@pytest.mark.parametrize("key", [None, "once"])
def test_a_repeated_purchase_returns_the_same_number(acme: Tenant, provider: FakeInventory, key: str | None) -> None:
    assert buy(acme, key=key) == buy(acme, key=key)
    assert (spent_cents(acme), provider.purchases) == (200, 1)


def test_one_of_two_organizations_gets_a_number(acme: Tenant, provider: FakeInventory) -> None:
    other = tenant("other")
    buy(acme)
    with pytest.raises(Invalid) as refused:
        buy(other)
    assert (refused.value.code, spent_cents(other), counted(other)) == ("number_unavailable", 0, 0)


def test_a_rival_during_the_purchase_is_refused(acme: Tenant, provider: FakeInventory) -> None:
    other, refusals = tenant("other"), []

    def rival() -> None:
        provider.before = lambda: None
        with pytest.raises(Invalid) as refused:
            buy(other)
        refusals.append(refused.value.code)

    provider.before = rival
    assert buy(acme).org_id == acme.org_id
    assert (refusals, spent_cents(other), provider.purchases) == (["number_unavailable"], 0, 1)


def test_the_spending_cap_refuses_before_the_provider_is_asked(acme: Tenant, provider: FakeInventory) -> None:
    usage.change_hard_cap(acme.caller(master=True), HardCap(enabled=True, monthly_cap_cents=399).model_dump())
    buy(acme)
    with pytest.raises(Forbidden) as refused:
        buy(acme, "+14155550146")
    assert (refused.value.code, provider.purchases, counted(acme)) == ("hard_cap", 1, 1)
    assert store.find_holder("+14155550146") is None


def test_the_plan_limits_the_numbers(cloud: dict[str, str], frozen: clock.FrozenClock, provider: FakeInventory) -> None:
    small = tenant("small", PlanName.FREE, numbers=1)
    buy(small)
    with pytest.raises(Forbidden) as refused:
        buy(small, "+14155550146")
    assert (refused.value.code, provider.purchases, spent_cents(small)) == ("number_limit", 1, 200)


def test_a_number_that_is_not_on_sale_costs_nothing(acme: Tenant, provider: FakeInventory) -> None:
    provider.give("somebody else", NUMBER)
    with pytest.raises(Invalid) as refused:
        buy(acme)
    assert (refused.value.code, spent_cents(acme), counted(acme)) == ("number_unavailable", 0, 0)
    provider.owned.clear()
    assert buy(acme).e164 == NUMBER


def test_numbers_of_other_countries_are_not_on_sale(acme: Tenant) -> None:
    for e164 in ("+442079460018", "+18765550123", "+15005550006"):
        with pytest.raises(Invalid) as refused:
            buy(acme, e164)
        assert refused.value.code == "number_not_for_sale"


def test_a_throttled_purchase_costs_nothing_and_may_be_repeated(acme: Tenant, provider: FakeInventory) -> None:
    provider.before = fail(ThrottledError("429"))
    with pytest.raises(Unavailable) as refused:
        buy(acme, key="once")
    assert refused.value.details["retry_after"]
    assert (spent_cents(acme), counted(acme)) == (0, 0)
    provider.before = lambda: None
    assert buy(acme, key="once").e164 == NUMBER


def test_an_unknown_outcome_is_settled_by_asking(acme: Tenant, provider: FakeInventory) -> None:
    provider.after = fail(OutcomeUnknownError("timeout"))
    with pytest.raises(Unavailable) as refused:
        buy(acme)
    assert refused.value.code == "purchase_unconfirmed"
    assert buy(acme).e164 == NUMBER
    assert (provider.purchases, spent_cents(acme)) == (1, 200)


def test_a_request_that_may_still_arrive_is_not_repeated(
    acme: Tenant, provider: FakeInventory, frozen: clock.FrozenClock
) -> None:
    provider.before = fail(OutcomeUnknownError("timeout"))
    for seconds in (0, 30, 25):
        frozen.advance(seconds=seconds)
        with pytest.raises(Unavailable):
            buy(acme)
    provider.before = lambda: None
    with pytest.raises(Unavailable):
        buy(acme)
    assert provider.purchases == 0
    frozen.advance(seconds=10)
    assert buy(acme).e164 == NUMBER
    assert (provider.purchases, spent_cents(acme)) == (1, 200)


def test_a_timer_gives_up_a_purchase_that_never_arrived(
    acme: Tenant, provider: FakeInventory, frozen: clock.FrozenClock
) -> None:
    provider.before = fail(OutcomeUnknownError("timeout"))
    with pytest.raises(Unavailable):
        buy(acme)
    holder = store.find_holder(NUMBER)
    assert holder
    assignments.settle_purchase(*holder)
    assert store.find_holder(NUMBER) == holder
    frozen.advance(seconds=120)
    provider.silent = True
    assignments.settle_purchase(*holder)
    assert store.find_holder(NUMBER) == holder
    provider.silent = False
    assignments.settle_purchase(*holder)
    assignments.settle_purchase(*holder)
    purchase = store.PURCHASES.get_object(*holder)
    assert purchase
    assert purchase.status is PurchaseStatus.REFUSED
    assert (store.find_holder(NUMBER), spent_cents(acme), counted(acme)) == (None, 0, 0)


def test_a_number_of_our_own_inventory_is_adopted(acme: Tenant, provider: FakeInventory) -> None:
    provider.give(acme.org_id, NUMBER)
    assert buy(acme).sid == provider.list_owned(acme.org_id)[0].sid


def test_a_flow_that_goes_away_during_the_purchase_does_not_lose_the_number(
    acme: Tenant, provider: FakeInventory
) -> None:
    flow = flows.create_flow(acme.caller(master=True), FlowSettings(name="Desk"))
    provider.after = lambda: delete_flow(acme.org_id, flow.id)
    number = buy(acme, flow_id=flow.id)
    assert (number.flow_id, service.list_numbers(acme.org_id)) == (None, [number])


def test_a_bought_number_has_no_flow_that_it_cannot_serve(acme: Tenant, provider: FakeInventory) -> None:
    flow = flows.create_flow(acme.caller(master=True), FlowSettings(name="Desk"))
    provider.features = Features(voice=False, sms=True, mms=False)
    number = buy(acme, flow_id=flow.id, sms_flow_id=flow.id)
    assert (number.flow_id, number.sms_flow_id, provider.purchases) == (None, flow.id, 1)


def test_a_premium_number_is_refused_as_such(acme: Tenant, provider: FakeInventory) -> None:
    with pytest.raises(Invalid, match="Premium and other special numbers are not on sale") as refused:
        buy(acme, "+19005550123")
    assert (refused.value.code, provider.purchases) == ("number_not_for_sale", 0)


def test_an_unknown_flow_is_refused_before_money_is_spent(acme: Tenant, provider: FakeInventory) -> None:
    with pytest.raises(Invalid) as refused:
        buy(acme, flow_id="0197a000-0000-7000-8000-000000000000")
    assert (refused.value.code, provider.purchases, spent_cents(acme)) == ("unknown_flow", 0, 0)


def test_a_purchase_by_a_timer_keeps_its_flow(acme: Tenant, provider: FakeInventory, frozen: clock.FrozenClock) -> None:
    flow = flows.create_flow(acme.caller(master=True), FlowSettings(name="Desk"))
    provider.after = fail(KilledError())
    with pytest.raises(KilledError):
        buy(acme, flow_id=flow.id)
    holder = store.find_holder(NUMBER)
    assert holder
    frozen.advance(seconds=120)
    assignments.settle_purchase(*holder)
    assert [one.e164 for one in service.list_numbers_of_flow(acme.org_id, flow.id)] == [NUMBER]
    assert spent_cents(acme) == 200


FAULTS = {
    "refused before": ("before", ThrottledError("429")),
    "lost before": ("before", OutcomeUnknownError("timeout")),
    "lost after": ("after", OutcomeUnknownError("timeout")),
    "killed before": ("before", KilledError()),
    "killed after": ("after", KilledError()),
}


@given(st.lists(st.tuples(st.sampled_from(sorted(FAULTS)), st.sampled_from([0, 61, 600]), st.booleans()), max_size=6))
@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
def test_after_any_faults_the_number_is_bought_and_charged_once(
    acme: Tenant, provider: FakeInventory, frozen: clock.FrozenClock, faults: list[tuple[str, int, bool]]
) -> None:
    """Each round has a fault and a pause, and maybe the timer. In the end a request without faults buys the number."""
    property_e164 = next_number()
    bought_before, spent_before, counted_before = provider.purchases, spent_cents(acme), counted(acme)
    for fault, pause, timer in faults:
        place, error = FAULTS[fault]
        setattr(provider, place, fail(error))
        with suppress(Unavailable, KilledError):
            buy(acme, property_e164)
        provider.before = provider.after = lambda: None
        frozen.advance(seconds=pause)
        if timer and (holder := store.find_holder(property_e164)):
            assignments.settle_purchase(*holder)
    frozen.advance(seconds=61)
    number = buy(acme, property_e164)
    assert service.find_number_by_e164(property_e164) == number
    assert provider.purchases == bought_before + 1
    assert (spent_cents(acme), counted(acme)) == (spent_before + 200, counted_before + 1)


_taken = iter(range(100, 10_000))


def next_number() -> str:
    return f"+1415{next(_taken) + 2_000_000:07d}"


def fail(error: BaseException) -> Callable[[], NoReturn]:
    def raise_error() -> NoReturn:
        raise error

    return raise_error


def delete_flow(org_id: str, flow_id: str) -> None:
    from switchboard.aws.writes import Delete, commit
    from switchboard.flows.store import FLOWS

    commit(Delete(table="core", key=FLOWS.key(org_id, flow_id)))


def test_the_purchase_of_another_organization_cannot_be_settled(acme: Tenant, provider: FakeInventory) -> None:
    buy(acme)
    holder = store.find_holder(NUMBER)
    assert holder
    purchases.settle_purchase("org_other", holder.number_id)
    assert service.find_number_by_e164(NUMBER)


def test_where_nobody_pays_numbers_end_at_what_the_plan_includes(
    cloud: dict[str, str], frozen: clock.FrozenClock, provider: FakeInventory
) -> None:
    free = tenant("free", PlanName.FREE)
    buy(free)
    with pytest.raises(Forbidden, match="subscribe to a plan") as refused:
        buy(free, "+14155550146")
    assert (refused.value.code, provider.purchases, counted(free)) == ("number_limit", 1, 1)
