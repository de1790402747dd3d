"""The rent of numbers: each month after the purchase is charged once."""

from __future__ import annotations

from typing import Any

import pytest

from functions.hum.numbers.schemas import NumberView
from switchboard.accounts.models import HardCap
from switchboard.accounts.plans import PlanName
from switchboard.aws import queues
from switchboard.aws.writes import commit
from switchboard.errors import Forbidden
from switchboard.flows import assignments
from switchboard.kit import clock
from switchboard.numbers import registration, rent, service, store
from switchboard.numbers.models import Number
from switchboard.numbers.purchases import NumberOrder
from switchboard.persistence.collection import next_version
from switchboard.usage import models as usage_models
from switchboard.usage import service as usage
from switchboard.usage.models import Meter
from tests.actors import Tenant, tenant
from tests.conftest import Skips
from tests.integration.sabotage import Later
from tests.unit.numbers.doubles import FakeInventory
from tests.unit.numbers.renting import list_rent_charges, list_rent_timers, run_due_work, set_clock, spent_cents

pytestmark = pytest.mark.usefixtures("cloud", "provider")

NUMBER, OTHER, TOLL_FREE = "+14155550128", "+14155550146", "+18885550123"
BOUGHT, FEBRUARY, MARCH = "2026-01-31T17:00:00.000Z", "2026-02-28T17:00:00.000Z", "2026-03-31T17:00:00.000Z"


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    set_clock(frozen, BOUGHT)
    return tenant()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    held = Later(queues.try_send_messages)
    monkeypatch.setattr(queues, "try_send_messages", held)
    return held


def buy(who: Tenant, e164: str = NUMBER) -> Number:
    return assignments.buy_number(who.caller(master=True), NumberOrder(e164))


def sync(who: Tenant) -> registration.SyncCount:
    return registration.sync_numbers(who.caller(master=True))


def forget_rent(number: Number) -> Number:
    """The number as one that was bought before the platform charged rent."""
    earlier = next_version(number, rent=None)
    commit(store.NUMBERS.save_write(earlier))
    return earlier


def list_charged_periods(number: Number) -> list[str]:
    return [event.data["period"] for event in list_rent_charges(number.id)]


@pytest.mark.parametrize(
    ("since", "month", "due"),
    [
        (BOUGHT, 1, FEBRUARY),
        (BOUGHT, 2, MARCH),
        (BOUGHT, 11, "2026-12-31T17:00:00.000Z"),
        (BOUGHT, 12, "2027-01-31T17:00:00.000Z"),
        (BOUGHT, 25, "2028-02-29T17:00:00.000Z"),
        ("2028-02-29T00:00:00.000Z", 12, "2029-02-28T00:00:00.000Z"),
        ("2028-02-29T00:00:00.000Z", 48, "2032-02-29T00:00:00.000Z"),
        ("2026-12-01T23:59:59.999Z", 1, "2027-01-01T23:59:59.999Z"),
        # The day counts in UTC, wherever the buyer is.
        ("2026-03-31T22:00:00-05:00", 1, "2026-05-01T03:00:00.000Z"),
    ],
)
def test_a_month_begins_on_the_day_of_the_purchase_or_at_the_end_of_the_month(since: str, month: int, due: str) -> None:
    assert clock.format_iso(rent.due_of_month(since, month)) == due


def test_each_month_after_the_purchase_is_charged_once(acme: Tenant, frozen: clock.FrozenClock, later: Later) -> None:
    number = buy(acme)
    assert (spent_cents(acme, "2026-01"), list_rent_timers(number.id)) == (200, [(FEBRUARY, 1)])
    for period, due, following in (("2026-02", FEBRUARY, MARCH), ("2026-03", MARCH, "2026-04-30T17:00:00.000Z")):
        set_clock(frozen, due)
        run_due_work(later, due)
        assert usage.get_monthly_usage(acme.org_id, period).units[Meter.NUMBER_LOCAL] == 1
        assert spent_cents(acme, period) == 200
        assert [timer for timer, _ in list_rent_timers(number.id)] == [following]
    assert list_charged_periods(number) == ["2026-02", "2026-03"]
    shown = service.get_number(acme.org_id, number.id)
    assert shown.updated_at == number.updated_at, "for its owner the number is unchanged"


def test_nothing_is_charged_before_the_month_begins(acme: Tenant, frozen: clock.FrozenClock, later: Later) -> None:
    number = buy(acme)
    set_clock(frozen, "2026-02-28T16:58:00Z")
    run_due_work(later, "2026-02-28T16:50:00Z")
    assert (spent_cents(acme, "2026-02"), list_rent_charges(number.id)) == (0, [])


def test_a_repeated_job_charges_nothing(acme: Tenant, frozen: clock.FrozenClock, skipped: Skips) -> None:
    number = buy(acme)
    set_clock(frozen, FEBRUARY)
    for _ in range(3):
        rent.charge_rent(acme.org_id, number.id, 1)
    assert (spent_cents(acme, "2026-02"), len(list_rent_charges(number.id))) == (200, 1)
    assert [(due, month) for due, month in list_rent_timers(number.id) if month == 2] == [(MARCH, 2)]
    assert skipped == [("the month is charged", {"number_id": number.id, "month": 1})] * 2


def test_a_charge_names_the_number_by_ids_the_price_and_the_month(acme: Tenant, frozen: clock.FrozenClock) -> None:
    number = buy(acme, TOLL_FREE)
    set_clock(frozen, FEBRUARY)
    rent.charge_rent(acme.org_id, number.id, 1)
    (event,) = list_rent_charges(number.id)
    assert NUMBER not in str(event)
    assert (event.actor.id, event.subject.id) == ("numbers", number.id)
    known = {name: event.data[name] for name in ("cost_cents", "period", "begins")}
    assert known == {"cost_cents": 300, "period": "2026-02", "begins": FEBRUARY}
    assert usage.get_monthly_usage(acme.org_id, "2026-02").units[Meter.NUMBER_TOLL_FREE] == 1


def test_after_an_outage_each_missed_month_is_charged_once_in_its_own_month(
    acme: Tenant, frozen: clock.FrozenClock, later: Later
) -> None:
    number = buy(acme)
    set_clock(frozen, "2026-06-10T09:00:00Z")
    run_due_work(later, FEBRUARY)
    periods = ["2026-02", "2026-03", "2026-04", "2026-05"]
    assert list_charged_periods(number) == periods
    assert [spent_cents(acme, period) for period in [*periods, "2026-06"]] == [200] * 4 + [0]
    assert list_rent_timers(number.id) == [("2026-06-30T17:00:00.000Z", 5)]


@pytest.mark.parametrize("plan", [PlanName.STARTER, PlanName.GROWTH], ids=["one counter", "sliced counters"])
def test_rent_is_booked_above_the_cap_which_then_refuses_a_purchase(
    cloud: dict[str, str], frozen: clock.FrozenClock, provider: FakeInventory, plan: PlanName
) -> None:
    set_clock(frozen, BOUGHT)
    acme = tenant("capped", plan, numbers=9)
    number = buy(acme)
    usage.change_hard_cap(acme.caller(master=True), HardCap(enabled=True, monthly_cap_cents=150).model_dump())
    set_clock(frozen, FEBRUARY)
    rent.charge_rent(acme.org_id, number.id, 1)
    assert spent_cents(acme, "2026-02") == 200
    usage.change_hard_cap(acme.caller(master=True), {"monthly_cap_cents": 399})
    with pytest.raises(Forbidden) as refused:
        buy(acme, OTHER)
    assert (refused.value.code, provider.purchases) == ("hard_cap", 1)
    usage.change_hard_cap(acme.caller(master=True), {"monthly_cap_cents": 400})
    assert buy(acme, OTHER).active


def test_a_release_ends_the_rent_and_deletes_the_timer(
    acme: Tenant, provider: FakeInventory, frozen: clock.FrozenClock, skipped: Skips
) -> None:
    number = buy(acme)
    set_clock(frozen, "2026-02-27T17:00:00Z")
    provider.owned.clear()
    assert sync(acme).released == 1
    assert list_rent_timers(number.id) == []
    set_clock(frozen, FEBRUARY)
    rent.charge_rent(acme.org_id, number.id, 1)  # a job that was under way
    assert (spent_cents(acme, "2026-02"), list_rent_charges(number.id)) == (0, [])
    assert ("the number was released", {"number_id": number.id, "month": 1}) in skipped


def test_a_release_leaves_the_charge_of_a_month_that_had_begun(
    acme: Tenant, provider: FakeInventory, frozen: clock.FrozenClock, later: Later
) -> None:
    number = buy(acme)
    set_clock(frozen, "2026-04-01T00:00:00Z")
    provider.owned.clear()
    sync(acme)
    set_clock(frozen, "2026-06-10T09:00:00Z")
    run_due_work(later, FEBRUARY)
    assert list_charged_periods(number) == ["2026-02", "2026-03"]
    assert (spent_cents(acme, "2026-04"), list_rent_timers(number.id)) == (0, [])


def test_a_sync_brings_a_new_price_which_the_next_month_costs(
    acme: Tenant, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = buy(acme)
    monkeypatch.setitem(usage_models.PRICE_MICROS, Meter.NUMBER_LOCAL, 2_500_000)
    set_clock(frozen, FEBRUARY)
    rent.charge_rent(acme.org_id, number.id, 1)
    assert spent_cents(acme, "2026-02") == 200, "nobody pays a price that the number does not show"
    assert (sync(acme).updated, sync(acme).updated) == (1, 0)
    assert service.get_number(acme.org_id, number.id).monthly_cost_cents == 250
    set_clock(frozen, MARCH)
    rent.charge_rent(acme.org_id, number.id, 2)
    assert spent_cents(acme, "2026-03") == 250


def test_a_registered_number_costs_nothing(acme: Tenant, provider: FakeInventory) -> None:
    owned = provider.give(acme.org_id, NUMBER)
    number = assignments.register_number(acme.caller(master=True), owned.sid, NUMBER)
    assert rent.begin_missing_rents(acme.caller(master=True)) == []
    assert (number.rent, list_rent_timers(number.id), spent_cents(acme, "2026-01")) == (None, [], 0)


def test_the_rent_of_a_number_that_was_bought_earlier_begins_with_its_next_month(
    acme: Tenant, frozen: clock.FrozenClock
) -> None:
    number = forget_rent(buy(acme))
    set_clock(frozen, "2026-03-31T16:59:59Z")
    (begun,) = rent.begin_missing_rents(acme.caller(master=True))
    assert begun.id == number.id
    assert rent.begin_missing_rents(acme.caller(master=True)) == []
    # The timer that the number lost with its rent is still there: its job finds nothing to do.
    rent.charge_rent(acme.org_id, number.id, 1)
    assert list_rent_charges(number.id) == []
    set_clock(frozen, MARCH)
    rent.charge_rent(acme.org_id, number.id, 2)
    assert list_charged_periods(number) == ["2026-03"]


def test_a_number_of_another_organization_cannot_be_charged(acme: Tenant, frozen: clock.FrozenClock) -> None:
    number, other = buy(acme), tenant("other")
    set_clock(frozen, FEBRUARY)
    rent.charge_rent(other.org_id, number.id, 1)
    assert (spent_cents(acme, "2026-02"), spent_cents(other, "2026-02")) == (0, 0)


def test_the_view_of_a_number_has_no_rent(acme: Tenant) -> None:
    shown: dict[str, Any] = NumberView.of(buy(acme)).model_dump()
    assert "rent" not in shown
