"""The table of moves, and what a subscription makes of an account."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from switchboard.accounts.organizations import new_organization
from switchboard.accounts.plans import PlanName
from switchboard.billing import moves
from switchboard.billing.models import LIVE, MOVES, UNPAID, BillingAccount, BillingStatus
from switchboard.carriers.payments.ports.payments import PaidSubscription, choose_subscription
from switchboard.kit import clock

pytestmark = pytest.mark.usefixtures("frozen")

WORDS = ("incomplete", "incomplete_expired", "trialing", "active", "past_due", "unpaid", "canceled", "paused")


def subscription(status: str, plan: str | None = "growth", created: int = 1, id_: str = "sub_1") -> PaidSubscription:
    return PaidSubscription(id_, status, plan, "2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z", False, created)


def account(status: BillingStatus, unpaid_for: timedelta = timedelta(0)) -> BillingAccount:
    now = clock.now_iso()
    since = clock.format_iso(clock.now() - unpaid_for) if status in UNPAID else None
    plan = PlanName.GROWTH if status in LIVE else None
    return BillingAccount(
        id="account", org_id="org_1", status=status, plan=plan, unpaid_since=since, created_at=now, updated_at=now
    )


def test_every_word_of_the_provider_is_a_legal_move_from_every_state() -> None:
    org = new_organization("Acme", "acme", PlanName.GROWTH)
    reached: dict[BillingStatus, set[BillingStatus]] = {status: set() for status in BillingStatus}
    ages = (timedelta(0), timedelta(hours=25), timedelta(days=30))
    for status, word, age in product(BillingStatus, (*WORDS, None), ages):
        before = account(status, age)
        after = moves.decide_outcome(before, org, subscription(word) if word else None)
        if after.status is not status:
            reached[status].add(after.status)
        assert (after.unpaid_since is None) == (after.status not in UNPAID)
        assert (after.plan_paid is None) == (after.status not in LIVE)
        assert (after.next_check_at is None) == (after.status not in (BillingStatus.PAST_DUE, BillingStatus.GRACE))
    for status, found in reached.items():
        assert found <= MOVES[status]
    assert reached[BillingStatus.ACTIVE] == {BillingStatus.TRIALING, BillingStatus.PAST_DUE, BillingStatus.CANCELED}


def test_a_move_that_the_table_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MOVES, BillingStatus.NONE, frozenset())
    org = new_organization("Acme", "acme", PlanName.FREE)
    with pytest.raises(moves.IllegalMoveError, match="none to active"):
        moves.decide_outcome(account(BillingStatus.NONE), org, subscription("active"))


def test_an_unknown_price_leaves_the_plan() -> None:
    org = new_organization("Acme", "acme", PlanName.GROWTH)
    after = moves.decide_outcome(account(BillingStatus.ACTIVE), org, subscription("active", plan=None))
    assert (after.plan, after.plan_paid) == (None, PlanName.GROWTH)


def test_a_subscription_that_runs_counts_more_than_a_younger_one_that_ended() -> None:
    first, second = subscription("active", created=1), subscription("canceled", created=2, id_="sub_2")
    assert choose_subscription([second, first]) == first
    assert choose_subscription([second]) == second
    assert choose_subscription([]) is None
