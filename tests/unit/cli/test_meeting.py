"""Two people change one organization at the same moment: neither loses a change of the other."""

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

#: More than the requests of any of these commands.
MANY = 60
METERS = {"email": True, "sms": False, "voice": True}

# The clock stands still: who compares times alone takes another's change for their own.
pytestmark = pytest.mark.usefixtures("cloud", "frozen")


def meetings(run: Run, acme: Tenant, act: Callable[[], None], *words: str) -> Iterator[Organization]:
    """The organization after a command, for each of its requests: another acts just before that request."""
    sabotage = Sabotage()
    for place in range(MANY):
        organizations.set_plan(system(acme.org_id), PlanName.GROWTH, {})
        organizations.set_hard_cap(system(acme.org_id), HardCap(enabled=True, monthly_cap_cents=100))
        met = False

        def meet() -> None:
            nonlocal met
            met = True
            act()

        with sabotage.meeting(place, meet):
            answer = run(*words)
        assert answer.code == 0, answer.err
        if not met:
            return
        yield organizations.get_organization(acme.org_id)
    raise AssertionError("the command makes more requests than the test counts on: raise MANY")


def test_a_quota_keeps_the_plan_that_another_sets_meanwhile(run: Run, acme: Tenant) -> None:
    def move() -> None:
        organizations.set_plan(system(acme.org_id), PlanName.SCALE, {"agents": 7})

    found = [
        (org.plan, tuple(sorted(org.limits.items())))
        for org in meetings(run, acme, move, "tenant", "quota", acme.org_id, "--monthly", "5")
    ]
    # Whoever comes later replaces all that was agreed on: it is asked for so.
    assert set(found) == {
        (PlanName.SCALE, (("agents", 7), ("roleplays_per_month", 5))),
        (PlanName.SCALE, (("agents", 7),)),
    }


def test_two_figures_that_are_agreed_on_at_once_both_stand(run: Run, acme: Tenant) -> None:
    def agree() -> None:
        organizations.set_limit(system(acme.org_id), "agents", 7)

    found = [org.limits for org in meetings(run, acme, agree, "tenant", "quota", acme.org_id, "--monthly", "5")]
    assert len(found) > 2
    assert all(limits == {"agents": 7, "roleplays_per_month": 5} for limits in found)


def test_a_cap_keeps_the_meters_that_its_owner_chooses_meanwhile(run: Run, acme: Tenant) -> None:
    def choose() -> None:
        organizations.set_hard_cap(system(acme.org_id), HardCap(enabled=True, monthly_cap_cents=900, meters=METERS))

    for words in (("--cents", "500"), ("--off",)):
        found = [org.hard_cap for org in meetings(run, acme, choose, "org", "set-cap", acme.org_id, *words)]
        assert all(cap.meters == METERS for cap in found)
        assert {cap.monthly_cap_cents for cap in found} <= {500, 900}
        assert {(cap.enabled, cap.monthly_cap_cents) for cap in found} >= (
            {(True, 500), (True, 900)} if "--off" not in words else {(False, 900), (True, 900)}
        )


def test_an_organization_that_is_older_than_its_fields_is_changed_too(run: Run, acme: Tenant) -> None:
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
