"""Setting the cap on a sliced plan: in one commit with the units that slices hold, even while others spend."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.local.pool import Context
from switchboard.accounts import organizations
from switchboard.accounts.models import HardCap, Organization
from switchboard.accounts.plans import PlanName
from switchboard.aws import dynamodb
from switchboard.aws.dynamodb import Item, decode_item
from switchboard.errors import QuotaExceeded
from switchboard.kit import clock
from switchboard.usage import charges, store
from switchboard.usage import service as usage
from switchboard.usage.models import PRICE_MICROS, Meter
from tests.actors import Tenant, tenant
from tests.integration.sabotage import Dying, Sabotage, invoke, scan_items

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


def load_organization(acme: Tenant) -> Organization:
    return organizations.get_organization(acme.org_id)


def set_cap(acme: Tenant, cents: int | None) -> None:
    cap = HardCap(enabled=cents is not None, monthly_cap_cents=cents or 0)
    usage.set_hard_cap(acme.caller(master=True), load_organization(acme), cap)


def spend_units(org: Organization, units: int = 1) -> bool:
    try:
        usage.commit_spending(org, Meter.EMAIL, units)
    except QuotaExceeded:
        return False
    return True


def load_used(acme: Tenant) -> int:
    return usage.get_monthly_usage(acme.org_id, MONTH).units["email"]


def spend_all(acme: Tenant, choose: Callable[[int], None]) -> int:
    """Spend on the used slices until all refuse. Returns the total spent."""
    org = load_organization(acme)
    for number in SLICES:
        choose(number)
        while spend_units(org):
            pass
    return load_used(acme)


def sum_lent(acme: Tenant) -> dict[str, int]:
    """The units of the cap that slices still hold, or owe."""
    items = store.list_counters(acme.org_id, MONTH)
    return {item["sk"]: item["left_capped"] for item in items if item.get("left_capped")}


def count_cap_events(acme: Tenant) -> int:
    """The number of events about a changed cap."""
    items = [decode_item(item) for item in scan_items("activity")]
    return sum(item.get("type") == "billing.hard_cap_changed" and item["org_id"] == acme.org_id for item in items)


def test_the_cap_and_the_books_change_in_one_commit(acme: Tenant, choose: Callable[[int], None]) -> None:
    set_cap(acme, 100)
    org = load_organization(acme)
    for number in SLICES:
        choose(number)
        assert spend_units(org)
    assert len(sum_lent(acme)) == len(SLICES)
    with Sabotage().counting() as calls:
        usage.set_hard_cap(acme.caller(master=True), org, HardCap(enabled=True, monthly_cap_cents=1))
        assert calls.count("TransactWriteItems") == 1
    assert (sum_lent(acme), count_cap_events(acme)) == ({}, 2)
    assert spend_all(acme, choose) == CENT


def test_a_plan_that_is_not_sliced_has_no_books_to_balance() -> None:
    acme = tenant(plan=PlanName.STARTER)
    master, org = acme.caller(master=True), load_organization(acme)
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
def test_spending_between_read_and_commit_exceeds_no_limit(
    acme: Tenant,
    choose: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    before: int | None,
    where: int,
) -> None:
    set_cap(acme, before)
    old = load_organization(acme)
    choose(SLICES[0])
    assert spend_units(old, 2)
    look, meanwhile = store.list_counters, [where]

    def interrupted(org_id: str, period: str) -> list[Item]:
        found = look(org_id, period)
        if meanwhile:
            choose(meanwhile.pop())
            assert spend_units(old, 5)
        return found

    monkeypatch.setattr(store, "list_counters", interrupted)
    set_cap(acme, 1)
    assert meanwhile == []
    monkeypatch.undo()
    assert load_organization(acme).hard_cap.monthly_cap_cents == 1
    assert all(left <= 0 for left in sum_lent(acme).values())
    assert spend_all(acme, choose) == CENT


def test_a_cap_is_set_despite_continuous_spending(acme: Tenant, choose: Callable[[int], None]) -> None:
    set_cap(acme, 100)
    assert spend_units(load_organization(acme))
    sabotage = Sabotage()
    sabotage.fail(
        "TransactWriteItems",
        "TransactionCanceledException",
        times=dynamodb.MAX_ATTEMPTS,
        reasons=["TransactionConflict"],
    )
    set_cap(acme, 1)
    assert (load_organization(acme).hard_cap.monthly_cap_cents, count_cap_events(acme)) == (1, 2)
    assert spend_all(acme, choose) == CENT


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
def test_a_cap_request_killed_anywhere_and_repeated_sets_the_cap_once(
    choose: Callable[[int], None], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch, contended: bool
) -> None:
    look = store.list_counters

    def prepared(name: str) -> Tenant:
        acme = tenant(name, plan=PlanName.SCALE)
        set_cap(acme, 100)
        choose(SLICES[0])
        assert spend_units(load_organization(acme))
        acme.caller(master=True)
        if contended:
            meanwhile = [load_organization(acme)]
            monkeypatch.setattr(
                store, "list_counters", lambda *at: (look(*at), meanwhile and spend_units(meanwhile.pop()))[0]
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
        assert (load_organization(acme).hard_cap.monthly_cap_cents, count_cap_events(acme)) == (1, 2)
        total = store.list_counters(acme.org_id, MONTH)[-1]
        assert (sum_lent(acme), total["taken_capped"]) == ({}, load_used(acme) * PRICE_MICROS[Meter.EMAIL])
