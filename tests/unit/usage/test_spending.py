"""Spending: a limit is exact to the unit, on one item or in slices, also when the limit changes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.accounts.models import HardCap, Organization
from switchboard.accounts.plans import PlanName
from switchboard.aws.reads import get_item
from switchboard.aws.writes import ConditionFailedError, Put
from switchboard.errors import QuotaExceeded
from switchboard.kit import clock, ids
from switchboard.usage import charges, store
from switchboard.usage import service as usage
from switchboard.usage.models import Meter
from tests.unit.properties import example_settings

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

MONTH = "2026-01"
PLANS = st.sampled_from([PlanName.STARTER, PlanName.SCALE])
UNITS = st.sampled_from([1, 2, 5, 6, 13, 50])
#: A number of units, and a slice.
SPENDING = st.tuples(UNITS, st.integers(0, usage.SLICES - 1))
SPENDINGS = st.lists(SPENDING, min_size=1, max_size=8)
FEW = st.lists(SPENDING, min_size=1, max_size=3)


def make_organization(plan: PlanName, quota: int | None = None, cap_cents: int | None = None) -> Organization:
    cap = HardCap(enabled=cap_cents is not None, monthly_cap_cents=cap_cents or 0)
    limits = {} if quota is None else {"emails_per_month": quota}
    return Organization(
        id=ids.new_id("org"), name="", slug="", plan=plan, limits=limits, hard_cap=cap, created_at="", updated_at="1"
    )


def with_changed_terms(org: Organization, **changes: object) -> Organization:
    """The organization after a change of its terms, which moves `updated_at`."""
    return org.model_copy(update={**changes, "updated_at": f"{int(org.updated_at) + 1}"})


def spend_units(org: Organization, units: int = 1) -> bool:
    try:
        usage.commit_spending(org, Meter.EMAIL, units)
    except QuotaExceeded:
        return False
    return True


def load_used(org: Organization) -> int:
    return usage.get_monthly_usage(org.id, MONTH).units["email"]


@pytest.fixture
def choose(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    return lambda number: monkeypatch.setattr(charges, "choose_slice", lambda _: number)


@given(st.sampled_from([0, 1, 7, 25, 130, 700]), SPENDINGS)
@example_settings(20, slow=True)
def test_on_one_item_spending_is_refused_only_beyond_the_rest(quota: int, spendings: list[tuple[int, int]]) -> None:
    org, left = make_organization(PlanName.STARTER, quota), quota
    for units, _ in spendings:
        assert spend_units(org, units) is (units <= left)
        left = quota - load_used(org)
        assert left >= 0


@given(st.sampled_from([0, 1, 7, 25, 130, 700]), SPENDINGS)
@example_settings(20, slow=True)
def test_in_slices_spending_is_refused_only_beyond_the_rest(
    choose: Callable[[int], None], quota: int, spendings: list[tuple[int, int]]
) -> None:
    org = make_organization(PlanName.GROWTH, quota)
    for units, number in spendings:
        choose(number)
        before = load_used(org)
        lefts, unlent = list_held(org, quota)
        assert before + sum(lefts) + unlent == quota
        assert spend_units(org, units) is (units <= quota - before)
        assert load_used(org) in (before, before + units)


def list_held(org: Organization, quota: int) -> tuple[list[int], int]:
    """The units that each slice has left, and the units that are not lent."""
    items = store.list_counters(org.id, MONTH)
    lent = sum(item.get("taken_email", 0) for item in items)
    return [item["left_email"] for item in items if "left_email" in item], quota - lent


@given(PLANS, st.integers(15, 60), SPENDINGS)
@example_settings(20, slow=True)
def test_the_nearer_of_two_limits_holds_and_is_named(
    choose: Callable[[int], None], plan: PlanName, quota: int, spendings: list[tuple[int, int]]
) -> None:
    org = make_organization(plan, quota, cap_cents=1)  # twenty mails
    for units, number in spendings:
        choose(number)
        before = load_used(org)
        try:
            usage.commit_spending(org, Meter.EMAIL, units)
        except QuotaExceeded as refusal:
            assert before + units > min(quota, 20)
            assert before + units > {"plan_quota": quota, "hard_cap": 20}[refusal.code]  # noqa: PT017
        else:
            assert load_used(org) == before + units <= min(quota, 20)


@given(st.lists(st.tuples(st.one_of(st.none(), st.just(0)), FEW), min_size=1, max_size=2), FEW)
@example_settings(6, slow=True)
def test_a_cap_includes_earlier_spending(
    choose: Callable[[int], None], times: list[tuple[int | None, list[tuple[int, int]]]], last: list[tuple[int, int]]
) -> None:
    org = make_organization(PlanName.SCALE)
    for cents, spendings in [*times, (1, last)]:
        org = with_changed_terms(org, hard_cap=HardCap(enabled=cents is not None, monthly_cap_cents=cents or 0))
        for units, number in spendings:
            choose(number)
            fits = cents is None or load_used(org) + units <= cents * 20
            assert spend_units(org, units) is fits


def test_a_larger_plan_keeps_the_usage_of_the_smaller() -> None:
    org = make_organization(PlanName.STARTER, quota=10)
    assert spend_units(org, 10)
    org = with_changed_terms(org, plan=PlanName.SCALE, limits={"emails_per_month": 12})
    assert [spend_units(org, 3), spend_units(org, 2), spend_units(org, 1)] == [False, True, False]


@pytest.mark.parametrize("plan", [PlanName.STARTER, PlanName.SCALE])
def test_a_refusal_names_usage_and_limit(plan: PlanName) -> None:
    org = make_organization(plan, quota=10)
    spend_units(org, 8)
    with pytest.raises(QuotaExceeded) as refusal:
        usage.commit_spending(org, Meter.EMAIL, 3)
    assert refusal.value.code == "plan_quota"
    assert refusal.value.details == {"resource": "email", "current": 8, "cap": 10}
    capped = make_organization(plan, cap_cents=2)
    spend_units(capped, 30)
    with pytest.raises(QuotaExceeded) as refusal:
        usage.commit_spending(capped, Meter.EMAIL, 11)
    assert refusal.value.code == "hard_cap"
    assert refusal.value.details == {"resource": "email", "current": 1, "cap": 2}


@pytest.mark.parametrize("plan", [PlanName.STARTER, PlanName.SCALE])
def test_a_refused_commit_charges_nothing(plan: PlanName) -> None:
    org = make_organization(plan, quota=1)
    place = {"pk": org.id, "sk": "mail"}
    mail = Put(table="core", item=place, unless_exists=True)
    with pytest.raises(QuotaExceeded):
        usage.commit_spending(org, Meter.EMAIL, 2, mail)
    assert get_item("core", place) is None
    usage.commit_spending(org, Meter.EMAIL, 1, mail)
    other = with_changed_terms(org, limits={"emails_per_month": 10})
    with pytest.raises(ConditionFailedError):
        usage.commit_spending(other, Meter.EMAIL, 1, mail)
    assert load_used(org) == 1


@pytest.mark.parametrize("plan", [PlanName.STARTER, PlanName.SCALE])
def test_usage_resets_each_month(plan: PlanName, frozen: clock.FrozenClock) -> None:
    org = make_organization(plan, quota=2)
    assert [spend_units(org) for _ in range(3)] == [True, True, False]
    frozen.advance(days=20)
    assert spend_units(org)
    assert (load_used(org), usage.get_monthly_usage(org.id, "2026-02").units["email"]) == (2, 1)


def test_a_plan_without_limits_counts_and_refuses_nothing() -> None:
    org = make_organization(PlanName.ENTERPRISE)
    assert all(spend_units(org, 50) for _ in range(5))
    found = usage.get_monthly_usage(org.id, MONTH)
    assert (found.units["email"], found.spent_micros) == (250, 250 * 500)


def test_spending_outside_the_cap_is_not_stopped_by_it() -> None:
    org = make_organization(PlanName.SCALE)
    org = with_changed_terms(org, hard_cap=HardCap(enabled=True, monthly_cap_cents=0, meters={"email": False}))
    assert spend_units(org, 50)


def test_a_large_limit_is_lent_in_few_large_parts(choose: Callable[[int], None]) -> None:
    org = make_organization(PlanName.SCALE)
    choose(3)
    for _ in range(20):
        spend_units(org, 10)
    assert list_held(org, 1_000_000) == ([1_000_000 // 64 - 200], 1_000_000 - 1_000_000 // 64)


def test_a_lowered_cap_holds_in_every_slice_after_balancing(choose: Callable[[int], None]) -> None:
    org = make_organization(PlanName.SCALE, cap_cents=100)
    for number in range(usage.SLICES):
        choose(number)
        assert spend_units(org)
    lowered = with_changed_terms(org, hard_cap=HardCap(enabled=True, monthly_cap_cents=1))
    usage.rebalance(org.id)
    more = 0
    for number in list(range(usage.SLICES)) * 2:
        choose(number)
        more += spend_units(lowered)
    assert load_used(org) == usage.SLICES + more == 20, "a cent is twenty mails"


def test_a_smaller_plan_keeps_the_usage_of_the_larger_after_balancing() -> None:
    org = make_organization(PlanName.ENTERPRISE)
    for _ in range(30):
        assert spend_units(org)
    usage.rebalance(org.id)
    smaller = with_changed_terms(org, plan=PlanName.STARTER, limits={"emails_per_month": 35})
    assert [spend_units(smaller) for _ in range(6)] == [True] * 5 + [False]


@pytest.mark.parametrize(
    ("plan", "past_due", "refused"), [("free", False, True), ("growth", True, True), ("growth", False, False)]
)
def test_included_minutes_are_a_limit_where_nobody_pays_for_more(plan: str, past_due: bool, refused: bool) -> None:
    org = make_organization(PlanName(plan)).model_copy(update={"past_due": past_due})
    included = org.terms.voice_minutes_per_month
    assert included
    usage.commit_spending(org, Meter.VOICE_BASIC, included - 1)
    usage.commit_spending(org, Meter.VOICE_PREMIUM, 1)
    assert usage.remaining_micros(org, Meter.VOICE_BASIC) == (0 if refused else None)
    if refused:
        with pytest.raises(QuotaExceeded) as full:
            usage.commit_spending(org, Meter.VOICE_BASIC, 1)
        assert (full.value.code, full.value.details["cap"]) == ("plan_quota", included)
    else:
        usage.commit_spending(org, Meter.VOICE_BASIC, 1)


def test_an_operator_raises_what_a_free_plan_includes() -> None:
    org = make_organization(PlanName.FREE).model_copy(update={"limits": {"voice_minutes_per_month": 100}})
    usage.commit_spending(org, Meter.VOICE_BASIC, 100)
    with pytest.raises(QuotaExceeded, match="subscribe to a plan"):
        usage.commit_spending(org, Meter.VOICE_BASIC, 1)


def test_minutes_of_a_larger_plan_count_after_its_end(choose: Callable[[int], None]) -> None:
    org = make_organization(PlanName.SCALE)
    choose(3)
    usage.commit_spending(org, Meter.VOICE_BASIC, 8)
    usage.rebalance(org.id)
    free = with_changed_terms(org, plan=PlanName.FREE)
    usage.commit_spending(free, Meter.VOICE_BASIC, 2)
    with pytest.raises(QuotaExceeded):
        usage.commit_spending(free, Meter.VOICE_BASIC, 1)
