"""The deletion of an organization: what ends at once, what ends in its jobs, and what does not stop it."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.access import keys as access
from switchboard.accounts import organizations
from switchboard.agents import service as agents
from switchboard.carriers.numbers import get_inventory
from switchboard.dialects.anima import dialect
from switchboard.errors import Conflict, Forbidden, NotFound, Unavailable
from switchboard.kit import clock
from switchboard.numbers import registration
from switchboard.offboarding import deleting, service
from switchboard.offboarding.endings import ENDINGS
from switchboard.offboarding.models import Phase
from tests.actors import Tenant, system
from tests.unit.messaging.texts_out import waiting_jobs
from tests.unit.offboarding.property import create_rich_organization, find_left
from tests.unit.offboarding.running import finish_deletion, get_deletion, list_items, run_job

NUMBER = "+14155550128"


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return create_rich_organization("acme", NUMBER)


def begin(acme: Tenant) -> None:
    service.begin_deletion(system(acme.org_id))


def test_its_keys_are_refused_before_the_first_job(acme: Tenant) -> None:
    begin(acme)
    access.clear_cache()
    for key in (acme.agent_key, acme.master_key):
        with pytest.raises(Forbidden, match="not active"):
            access.authenticate_key(key, dialect.KEYS)
    assert waiting_jobs("ContinueDeletion") == 1, "a worker does the rest"


def test_everything_that_acts_or_costs_money_ends(acme: Tenant, frozen: clock.FrozenClock) -> None:
    before = find_left(acme.org_id)
    assert set(before) == {*ENDINGS} - {"account at the carrier"}, "add the new thing to find_left and to the property"
    assert all(before.values()), before
    begin(acme)
    found = run_job(acme.org_id, frozen)
    assert found.phase is Phase.WAITING
    assert found.ended == before
    assert not any(find_left(acme.org_id).values())
    assert agents.find_agent_by_address(agents.get_agent(acme.org_id, acme.agent_id).address) is None


def test_the_data_go_an_hour_later_and_what_came_late_with_a_later_pass(
    acme: Tenant, frozen: clock.FrozenClock
) -> None:
    begin(acme)
    found = run_job(acme.org_id, frozen)
    assert found.due == clock.format_iso(clock.now() + deleting._QUIET)
    begun = clock.now()
    found = run_job(acme.org_id, frozen)
    assert (found.passes, found.erased_at) == (1, None)
    found = run_job(acme.org_id, frozen)
    assert (found.passes, bool(found.erased_at)) == (2, True)
    found = finish_deletion(acme.org_id, frozen)
    assert clock.now() - begun > deleting._LAST_PASS
    assert organizations.get_organization(acme.org_id).status == "deleted"


def test_a_second_deletion_continues_the_first(acme: Tenant, frozen: clock.FrozenClock) -> None:
    begin(acme)
    begin(acme)
    assert waiting_jobs("ContinueDeletion") == 2
    finish_deletion(acme.org_id, frozen)
    before = list_items()
    begin(acme)
    deleting.continue_deletion(acme.org_id)
    assert list_items() == before, "nothing is left to do"


def test_a_job_that_comes_early_or_twice_does_nothing(acme: Tenant, frozen: clock.FrozenClock) -> None:
    begin(acme)
    run_job(acme.org_id, frozen)
    before = list_items()
    deleting.continue_deletion(acme.org_id)
    assert list_items() == before


def test_a_job_that_takes_long_is_followed_by_another(
    acme: Tenant, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deleting, "_STEPS_PER_JOB", 3)
    begin(acme)
    deleting.continue_deletion(acme.org_id)
    assert get_deletion(acme.org_id).version == 4
    assert waiting_jobs("ContinueDeletion") == 2
    finish_deletion(acme.org_id, frozen)


def test_it_never_becomes_active_again(acme: Tenant, frozen: clock.FrozenClock) -> None:
    begin(acme)
    finish_deletion(acme.org_id, frozen)
    for status in ("active", "suspended"):
        with pytest.raises(Conflict, match="create a new one"):
            organizations.set_status(system(acme.org_id), status)
    assert organizations.get_organization(acme.org_id).status == "deleted"


def test_its_profile_names_no_person(acme: Tenant, frozen: clock.FrozenClock) -> None:
    changes: dict[str, Any] = {"contact_name": "Ada Park", "address_line1": "1 Main St"}
    organizations.update_organization(system(acme.org_id), organizations.get_organization(acme.org_id), changes)
    begin(acme)
    finish_deletion(acme.org_id, frozen)
    org = organizations.get_organization(acme.org_id)
    assert (org.contact_name, org.address_line1, org.owner_email, org.name) == (None, None, None, "Acme")


def test_an_organization_that_nobody_deleted_has_no_deletion(acme: Tenant) -> None:
    with pytest.raises(NotFound, match="Nobody has deleted"):
        service.get_deletion(acme.org_id)
    deleting.continue_deletion(acme.org_id)
    assert all(find_left(acme.org_id).values())


def test_a_silent_provider_of_numbers_delays_only_its_own_ending(
    acme: Tenant, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: str) -> None:
        raise Unavailable("The provider does not answer.")

    begin(acme)
    with monkeypatch.context() as patch:
        patch.setattr(type(get_inventory()), "release", refuse)
        found = run_job(acme.org_id, frozen)
        assert found.trouble == {"number": "The provider does not answer."}
        left = find_left(acme.org_id)
        assert {kind for kind, number in left.items() if number} == {"number"}
        # The data go, and the number is tried again.
        found = run_job(acme.org_id, frozen)
        assert (found.phase, found.passes, bool(found.trouble)) == (Phase.ENDING, 1, True)
        found = run_job(acme.org_id, frozen)
        assert (found.passes, bool(found.trouble)) == (1, True), "no pass is repeated meanwhile"
    begin(acme)
    assert get_deletion(acme.org_id).due is None, "an operator does not have to wait"
    found = finish_deletion(acme.org_id, frozen)
    assert (found.trouble, found.ended["number"]) == ({}, 1)


def test_a_number_at_a_provider_that_is_not_configured_is_told(
    acme: Tenant, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Other:
        name = "other"

        @staticmethod
        def close(_: str) -> bool:
            return False

    monkeypatch.setattr(registration, "get_inventory", Other)
    begin(acme)
    found = run_job(acme.org_id, frozen)
    assert "release it there" in found.trouble["number"]
    assert find_left(acme.org_id)["number"] == 1
