"""Setting the cap on a sliced plan: at once with what slices hold of the old one, whoever spends meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.local.pool import Context
from switchboard.accounts import organizations
from switchboard.accounts.models import HardCap, Organization
from switchboard.accounts.plans import PlanName
from switchboard.aws import retries
from switchboard.aws.attributes import Item, decode_item
from switchboard.errors import QuotaExceeded
from switchboard.kit import clock
from switchboard.usage import charges, store
from switchboard.usage import service as usage
from switchboard.usage.models import PRICE_MICROS, Meter
from tests.actors import Tenant, tenant
from tests.integration.sabotage import Dying, Sabotage, everything, invoke

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

MONTH = "2026-01"
#: A cent is twenty mails.
CENT = 20
SLICES = (3, 9)


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    return tenant(plan=PlanName.SCALE)


@pytest.fixture
def choose(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    return lambda number: monkeypatch.setattr(charges, "choose_slice", lambda _: number)


def organization(acme: Tenant) -> Organization:
    return organizations.get_organization(acme.org_id)


def set_cap(acme: Tenant, cents: int | None) -> None:
    cap = HardCap(enabled=cents is not None, monthly_cap_cents=cents or 0)
    usage.set_hard_cap(acme.caller(master=True), organization(acme), cap)


def spend(org: Organization, units: int = 1) -> bool:
    try:
        usage.commit_spending(org, Meter.EMAIL, units)
    except QuotaExceeded:
        return False
    return True


def used(acme: Tenant) -> int:
    return usage.get_monthly_usage(acme.org_id, MONTH).units["email"]


def exhaust(acme: Tenant, choose: Callable[[int], None]) -> int:
    """Spend on the slices that were used until none takes more. Answers how many were spent in all."""
    org = organization(acme)
    for number in SLICES:
        choose(number)
        while spend(org):
            pass
    return used(acme)


def lent(acme: Tenant) -> dict[str, int]:
    """What slices have left of the cap, or owe it."""
    items = store.list_counters(acme.org_id, MONTH)
    return {item["sk"]: item["left_capped"] for item in items if item.get("left_capped")}


def told(acme: Tenant) -> int:
    """How often it was told that the cap was changed."""
    items = [decode_item(item) for item in everything("activity")]
    return sum(item.get("type") == "billing.hard_cap_changed" and item["org_id"] == acme.org_id for item in items)


def test_the_cap_and_the_books_change_in_one_commit(acme: Tenant, choose: Callable[[int], None]) -> None:
    set_cap(acme, 100)
    org = organization(acme)
    for number in SLICES:
        choose(number)
        assert spend(org)
    assert len(lent(acme)) == len(SLICES)
    with Sabotage().counting() as calls:
        usage.set_hard_cap(acme.caller(master=True), org, HardCap(enabled=True, monthly_cap_cents=1))
        assert calls.count("TransactWriteItems") == 1
    assert (lent(acme), told(acme)) == ({}, 2)
    assert exhaust(acme, choose) == CENT


def test_a_plan_that_is_not_sliced_has_no_books_to_balance() -> None:
    acme = tenant(plan=PlanName.STARTER)
    master, org = acme.caller(master=True), organization(acme)
    with Sabotage().counting() as calls:
        usage.set_hard_cap(master, org, HardCap(enabled=True, monthly_cap_cents=1))
    assert calls == ["TransactWriteItems"]


@pytest.mark.parametrize(
    ("before", "where"),
    [
        pytest.param(100, SLICES[0], id="from a slice that has something left"),
        pytest.param(100, SLICES[1], id="from one that borrows for it"),
        pytest.param(None, SLICES[0], id="from one that owes, without a cap"),
        pytest.param(None, SLICES[1], id="from a new one, without a cap"),
    ],
)
def test_who_spends_between_the_look_at_the_books_and_the_commit_lifts_no_limit(
    acme: Tenant,
    choose: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    before: int | None,
    where: int,
) -> None:
    set_cap(acme, before)
    old = organization(acme)
    choose(SLICES[0])
    assert spend(old, 2)
    look, meanwhile = store.list_counters, [where]

    def interrupted(org_id: str, period: str) -> list[Item]:
        found = look(org_id, period)
        if meanwhile:
            choose(meanwhile.pop())
            assert spend(old, 5)
        return found

    monkeypatch.setattr(store, "list_counters", interrupted)
    set_cap(acme, 1)
    assert meanwhile == []
    monkeypatch.undo()
    assert organization(acme).hard_cap.monthly_cap_cents == 1
    assert all(left <= 0 for left in lent(acme).values())
    assert exhaust(acme, choose) == CENT


def test_a_cap_is_set_though_the_books_are_never_still(acme: Tenant, choose: Callable[[int], None]) -> None:
    set_cap(acme, 100)
    assert spend(organization(acme))
    sabotage = Sabotage()
    sabotage.fail(
        "TransactWriteItems",
        "TransactionCanceledException",
        times=retries.MAX_ATTEMPTS,
        reasons=["TransactionConflict"],
    )
    set_cap(acme, 1)
    assert (organization(acme).hard_cap.monthly_cap_cents, told(acme)) == (1, 2)
    assert exhaust(acme, choose) == CENT


def put_cap(acme: Tenant, key: str, context: type[Context] = Context) -> dict[str, Any]:
    event = {
        "httpMethod": "PUT",
        "path": "/v1/billing/hard-cap",
        "headers": {
            "authorization": f"Bearer {acme.master_key}",
            "content-type": "application/json",
            "idempotency-key": key,
        },
        "requestContext": {"identity": {"sourceIp": "192.0.2.1"}},
        "body": json.dumps({"enabled": True, "monthlyCapCents": 1}),
    }
    answer: dict[str, Any] = invoke("anima/management", event, context)
    return answer


@pytest.mark.parametrize("contended", [False, True])
def test_a_cap_whose_request_is_killed_anywhere_and_repeated_with_its_key_is_set_once_with_balanced_books(
    choose: Callable[[int], None], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch, contended: bool
) -> None:
    look = store.list_counters

    def prepared(name: str) -> Tenant:
        acme = tenant(name, plan=PlanName.SCALE)
        set_cap(acme, 100)
        choose(SLICES[0])
        assert spend(organization(acme))
        acme.caller(master=True)
        if contended:
            meanwhile = [organization(acme)]
            monkeypatch.setattr(
                store, "list_counters", lambda *at: (look(*at), meanwhile and spend(meanwhile.pop()))[0]
            )
        return acme

    saboteur, first = Sabotage(), prepared("undisturbed")
    with saboteur.counting() as calls:
        assert put_cap(first, "a-key")["statusCode"] == 200
    commits = calls.count("TransactWriteItems")
    assert commits > 2 if contended else commits == 1
    for done in range(calls.index("TransactWriteItems"), len(calls)):
        acme = prepared(f"killed-after-{done}")
        with saboteur.killing(after=done):
            put_cap(acme, "a-key", Dying)
        assert put_cap(acme, "a-key")["statusCode"] == 200
        monkeypatch.setattr(store, "list_counters", look)
        assert (organization(acme).hard_cap.monthly_cap_cents, told(acme)) == (1, 2)
        total = store.list_counters(acme.org_id, MONTH)[-1]
        assert (lent(acme), total["taken_capped"]) == ({}, used(acme) * PRICE_MICROS[Meter.EMAIL])
