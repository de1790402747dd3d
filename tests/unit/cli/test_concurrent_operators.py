"""Two operators change one organization at the same time: no change is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from switchboard.accounts import organizations
from switchboard.accounts.models import HardCap, Organization
from switchboard.accounts.plans import PlanName
from switchboard.aws import writes
from switchboard.aws.writes import Update
from switchboard.usage import service as usage
from tests.actors import Tenant, system
from tests.integration.sabotage import Sabotage
from tests.unit.cli.conftest import Run

#: More than the number of requests of any of these commands.
MANY = 60
METERS = {"email": True, "sms": False, "voice": True}

# The clock is frozen: a comparison of times alone would take the other change for the command's own.
pytestmark = pytest.mark.usefixtures("cloud", "frozen")


def run_concurrently(run: Run, acme: Tenant, act: Callable[[], None], *words: str) -> Iterator[Organization]:
    """Yields the organization after a command, once for each of its requests: `act` runs just before that request."""
    sabotage = Sabotage()
    for place in range(MANY):
        organizations.set_plan(system(acme.org_id), PlanName.GROWTH, {})
        organizations.set_hard_cap(system(acme.org_id), HardCap(enabled=True, monthly_cap_cents=100))
        met = False

        def act_before() -> None:
            nonlocal met
            met = True
            act()

        with sabotage.meeting(place, act_before):
            answer = run(*words)
        assert answer.code == 0, answer.err
        if not met:
            return
        yield organizations.get_organization(acme.org_id)
    raise AssertionError("the command makes more requests than the test expects: raise MANY")


def test_setting_a_quota_keeps_a_plan_that_is_set_at_the_same_time(run: Run, acme: Tenant) -> None:
    def change_plan() -> None:
        organizations.set_plan(system(acme.org_id), PlanName.SCALE, {"agents": 7})

    found = [
        (org.plan, tuple(sorted(org.limits.items())))
        for org in run_concurrently(run, acme, change_plan, "tenant", "quota", acme.org_id, "--monthly", "5")
    ]
    # The later command replaces all agreed limits, because it asks for that.
    assert set(found) == {
        (PlanName.SCALE, (("agents", 7), ("roleplays_per_month", 5))),
        (PlanName.SCALE, (("agents", 7),)),
    }


def test_two_limits_that_are_agreed_at_the_same_time_both_stay(run: Run, acme: Tenant) -> None:
    def agree_limit() -> None:
        organizations.set_limit(system(acme.org_id), "agents", 7)

    found = [
        org.limits for org in run_concurrently(run, acme, agree_limit, "tenant", "quota", acme.org_id, "--monthly", "5")
    ]
    assert len(found) > 2
    assert all(limits == {"agents": 7, "roleplays_per_month": 5} for limits in found)


def test_setting_a_cap_keeps_meters_that_its_owner_chooses_at_the_same_time(run: Run, acme: Tenant) -> None:
    def choose_meters() -> None:
        organizations.set_hard_cap(system(acme.org_id), HardCap(enabled=True, monthly_cap_cents=900, meters=METERS))

    for words in (("--cents", "500"), ("--off",)):
        found = [
            org.hard_cap for org in run_concurrently(run, acme, choose_meters, "org", "set-cap", acme.org_id, *words)
        ]
        assert all(cap.meters == METERS for cap in found)
        assert {cap.monthly_cap_cents for cap in found} <= {500, 900}
        assert {(cap.enabled, cap.monthly_cap_cents) for cap in found} >= (
            {(True, 500), (True, 900)} if "--off" not in words else {(False, 900), (True, 900)}
        )


def test_an_organization_without_newer_fields_can_be_changed(run: Run, acme: Tenant) -> None:
    writes.write_item(
        Update(
            table="core",
            key={"pk": acme.org_id, "sk": "org"},
            expression="REMOVE #limits, #plan, cap_mark",
            names={"#limits": "limits", "#plan": "plan"},
        )
    )
    assert run("tenant", "quota", acme.org_id, "--monthly", "5", "--json").json["quota"] == 5
    assert run("org", "set-cap", acme.org_id, "--cents", "5", "--json").json["cap_cents"] == 5
    assert organizations.get_organization(acme.org_id).limits == {"roleplays_per_month": 5}
    usage.change_hard_cap(system(acme.org_id), {"enabled": False})
    assert not organizations.get_organization(acme.org_id).hard_cap.enabled
