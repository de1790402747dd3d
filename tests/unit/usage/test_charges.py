"""Charges per day, key and month: sliced for large plans, exact at the limit, and refunded in full."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from switchboard.accounts.models import Organization
from switchboard.accounts.plans import PLANS, PlanName
from switchboard.aws.dynamodb import Item
from switchboard.aws.reads import get_item
from switchboard.aws.writes import Put, commit
from switchboard.errors import QuotaExceeded
from switchboard.kit import clock, ids
from switchboard.persistence.idempotency import EarlierEffect, IdempotencyKey
from switchboard.usage import charges, store
from switchboard.usage import service as usage
from switchboard.usage.models import Meter
from switchboard.usage.service import Charge
from tests.integration.sabotage import Sabotage

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

MONTH, DAY = "2026-01", "2026-01-15"
BOTH = pytest.mark.parametrize("name", [PlanName.STARTER, PlanName.GROWTH])
LARGE = [PlanName.GROWTH, PlanName.SCALE, PlanName.ENTERPRISE]


def make_organization(name: PlanName) -> Organization:
    return Organization(id=ids.new_id("org"), name="", slug="", plan=name, created_at="", updated_at="")


@pytest.fixture
def choose(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    return lambda number: monkeypatch.setattr(charges, "choose_slice", lambda _: number)


def find_full_counters() -> QuotaExceeded:
    return QuotaExceeded("Full.", code="daily_cap", resource="key", current=0, cap=0)


def list_counts(charge: Charge) -> bool:
    try:
        usage.commit_within([charge])
    except QuotaExceeded:
        return False
    return True


def list_touched(items: list[Item]) -> set[str]:
    return {item["sk"] for item in items}


def test_large_plans_are_sliced_from_growth_on() -> None:
    assert [PLANS[name].sliced for name in PlanName] == [False, False, True, True, True]


KINDS: dict[str, Callable[[Organization, int], Charge]] = {
    "a day": lambda org, limit: usage.daily_charge(org, "basic_calls", limit),
    "a key's day": lambda org, limit: usage.daily_charge_of_key(org, "key_1", limit, find_full_counters()),
    "a month": lambda org, limit: usage.monthly_charge(org, MONTH, "roleplays", limit),
}


@BOTH
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("limit", [0, 1, 5, 40])
def test_exactly_the_limit_is_counted_across_slices(
    choose: Callable[[int], None], name: PlanName, kind: str, limit: int
) -> None:
    org = make_organization(name)
    done = 0
    for number in range(limit + 3):
        choose(number * 5 % charges.SLICES)
        done += list_counts(KINDS[kind](org, limit))
    assert done == limit
    found = store.list_counters(org.id, KINDS[kind](org, limit).book.period)
    assert (list_touched(found) > {"total"}) is (name is PlanName.GROWTH and limit > 0)


@pytest.mark.parametrize("kind", KINDS)
def test_on_a_large_plan_a_busy_counter_touches_its_total_once_for_many(
    choose: Callable[[int], None], kind: str
) -> None:
    org = make_organization(PlanName.SCALE)
    choose(4)
    charge = KINDS[kind](org, 1_000)
    assert list_counts(charge)
    total = get_item("core", store.total_ref(org.id, charge.book.period))
    for _ in range(20):
        assert list_counts(KINDS[kind](org, 1_000))
    assert get_item("core", store.total_ref(org.id, charge.book.period)) == total, (
        "borrowed in one part, and not touched again"
    )


@BOTH
def test_a_repeated_request_is_charged_once_and_gets_the_first_result(name: PlanName) -> None:
    org = make_organization(name)
    charge = KINDS["a day"](org, 1)
    first, again = (IdempotencyKey("agt_1", "key", "same", salt=salt) for salt in ("one", "two"))
    assert usage.commit_within([charge], once=first, subject_id="call_1") is None
    # The limit is used up, and the repeated run gets the first one's result instead of a refusal.
    assert usage.commit_within([charge], once=again, subject_id="call_2") == EarlierEffect("call_1", "one")
    assert not list_counts(charge)


def test_a_repeat_gets_the_first_result_even_if_the_limit_is_used_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    org = make_organization(PlanName.GROWTH)
    charge = KINDS["a day"](org, 1)
    first, again = (IdempotencyKey("agt_1", "key", "same", salt=salt) for salt in ("one", "two"))
    read = store.get_books

    def overtaken(*args: Any) -> list[list[Item]]:
        monkeypatch.setattr(store, "get_books", read)
        assert usage.commit_within([charge], once=first, subject_id="call_1") is None
        return read(*args)

    monkeypatch.setattr(store, "get_books", overtaken)
    assert usage.commit_within([charge], once=again, subject_id="call_2") == EarlierEffect("call_1", "one")


@BOTH
def test_refunded_units_can_all_be_used_again(choose: Callable[[int], None], name: PlanName) -> None:
    org = make_organization(name)
    for number in range(4):
        choose(number)
        assert list_counts(usage.monthly_charge(org, MONTH, "roleplays", 4))
    assert not list_counts(usage.monthly_charge(org, MONTH, "roleplays", 4))
    choose(9)
    commit(usage.refund_write(org.id, MONTH, "roleplays", sliced=org.terms.sliced))
    assert usage.used_in_month(org.id, MONTH, "roleplays") == 3
    choose(2)
    assert [list_counts(usage.monthly_charge(org, MONTH, "roleplays", 4)) for _ in range(2)] == [True, False]
    items = {item["sk"]: item for item in store.list_counters(org.id, MONTH)}
    assert ("slice#09" in items) is (name is PlanName.GROWTH), "refunded on a slice if the plan is sliced"


@pytest.mark.parametrize(("before", "after"), [("starter", "growth"), ("growth", "starter")])
def test_units_refunded_after_a_change_of_plan_are_not_lost(
    choose: Callable[[int], None], before: PlanName, after: PlanName
) -> None:
    org = make_organization(PlanName(before))
    assert [list_counts(usage.monthly_charge(org, MONTH, "roleplays", 3)) for _ in range(4)] == [True] * 3 + [False]
    changed = org.model_copy(update={"plan": PlanName(after)})
    choose(9)
    commit(usage.refund_write(org.id, MONTH, "roleplays", sliced=org.terms.sliced))
    choose(2)
    assert [list_counts(usage.monthly_charge(changed, MONTH, "roleplays", 3)) for _ in range(2)] == [True, False]


def test_the_rest_of_a_limit_is_found_across_slices(choose: Callable[[int], None]) -> None:
    org = make_organization(PlanName.GROWTH)
    org = org.model_copy(update={"limits": {"emails_per_month": 32}})  # each slice's share is two
    for number in range(charges.SLICES):
        choose(number)
        usage.commit_spending(org, Meter.EMAIL, 1)
    assert {item.get("left_email") for item in store.list_counters(org.id, MONTH) if item["sk"] != "total"} == {1}
    with pytest.raises(QuotaExceeded):
        usage.commit_spending(org, Meter.EMAIL, 17)
    usage.commit_spending(org, Meter.EMAIL, 16)
    assert usage.get_monthly_usage(org.id, MONTH).units["email"] == 32


def test_a_smaller_plan_finds_the_units_that_slices_still_hold(choose: Callable[[int], None]) -> None:
    org = make_organization(PlanName.GROWTH)
    for number in range(3):
        choose(number)
        assert list_counts(usage.daily_charge_of_key(org, "key_1", 200, find_full_counters()))
    smaller = org.model_copy(update={"plan": PlanName.STARTER})
    assert (
        sum(list_counts(usage.daily_charge_of_key(smaller, "key_1", 20, find_full_counters())) for _ in range(25)) == 17
    )


def test_charges_of_several_counters_are_all_or_nothing() -> None:
    org = make_organization(PlanName.GROWTH)
    mark = Put(table="core", item={"pk": org.id, "sk": "call"}, unless_exists=True)
    both = [usage.daily_charge(org, "basic_calls", 5), usage.daily_charge_of_key(org, "key_1", 0, find_full_counters())]
    with pytest.raises(QuotaExceeded) as refusal:
        usage.commit_spending(org, Meter.VOICE_BASIC, 1, mark, beside=both)
    assert refusal.value.details["resource"] == "key"
    assert get_item("core", {"pk": org.id, "sk": "call"}) is None
    assert (
        usage.used_in_month(org.id, DAY, "basic_calls"),
        usage.get_monthly_usage(org.id, MONTH).units["voice_basic"],
    ) == (0, 0)


def test_a_first_use_of_slices_costs_one_refused_commit_and_one_read() -> None:
    org = make_organization(PlanName.SCALE)
    both = [
        usage.daily_charge(org, "basic_calls", 5),
        usage.daily_charge_of_key(org, "key_1", 10, find_full_counters()),
    ]
    with Sabotage().counting() as calls:
        usage.commit_spending(org, Meter.VOICE_BASIC, 1, beside=both)
    assert calls == ["TransactWriteItems", "BatchGetItem", "TransactWriteItems"]


@BOTH
def test_limits_are_read_before_anything_is_charged(name: PlanName, choose: Callable[[int], None]) -> None:
    org = make_organization(name)
    charge = usage.daily_charge(org, "basic_calls", 2)
    for number in range(2):
        usage.require_room([charge])
        choose(number)
        assert list_counts(charge)
    with pytest.raises(QuotaExceeded) as refusal:
        usage.require_room([charge])
    assert refusal.value.details == {"resource": "basic_calls", "current": 2, "cap": 2}
    usage.require_room([usage.monthly_charge(org, MONTH, "roleplays", None)])


@BOTH
def test_the_counters_of_a_day_carry_their_end_and_those_of_a_month_do_not(name: PlanName) -> None:
    org = make_organization(name)
    usage.commit_within([usage.daily_charge(org, "basic_calls", 50), usage.monthly_charge(org, MONTH, "roleplays", 50)])
    day, month = (store.list_counters(org.id, period) for period in (DAY, MONTH))
    assert {item.get("expires") for item in day} == {int(clock.now().timestamp()) + 35 * 86_400}
    assert {item.get("expires") for item in month} == {None}


def test_balancing_covers_the_day_and_every_counter(choose: Callable[[int], None]) -> None:
    org = make_organization(PlanName.GROWTH)
    choose(3)
    assert list_counts(usage.daily_charge(org, "basic_calls", 200))
    assert list_counts(usage.monthly_charge(org, MONTH, "roleplays", 1_000))
    usage.rebalance(org.id)
    for period, counter in ((DAY, "basic_calls"), (MONTH, "roleplays")):
        total = get_item("core", store.total_ref(org.id, period)) or {}
        assert total[f"taken_{counter}"] == 1, "unused units return to the total"


@pytest.mark.parametrize("spenders", [1, 3, 15])
def test_balancing_retries_after_concurrent_spending_and_ends(
    choose: Callable[[int], None], monkeypatch: pytest.MonkeyPatch, spenders: int
) -> None:
    org = make_organization(PlanName.GROWTH)
    choose(3)
    usage.commit_spending(org, Meter.EMAIL, 5)
    look, meanwhile, looks = store.list_counters, [2] * spenders, list[str]()

    def interrupted(org_id: str, period: str) -> list[Item]:
        found = look(org_id, period)
        if period == MONTH:
            looks.append(period)
            if meanwhile:
                usage.commit_spending(org, Meter.EMAIL, meanwhile.pop())
        return found

    monkeypatch.setattr(store, "list_counters", interrupted)
    usage.rebalance(org.id)
    monkeypatch.undo()
    assert len(looks) == min(spenders + 1, 12), "repeated as often as needed, twelve times at most"
    lefts = {item.get("left_email", 0) for item in store.list_counters(org.id, MONTH)}
    assert (lefts == {0}) is (spenders < 12)
