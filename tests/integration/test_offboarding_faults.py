"""A deletion of an organization that dies between any two AWS calls is completed by the jobs that follow."""

from __future__ import annotations

from itertools import count

import pytest

from switchboard.accounts import organizations
from switchboard.kit import clock
from switchboard.offboarding import deleting, service, store, sweeping
from tests.actors import system
from tests.integration.sabotage import Sabotage
from tests.unit.offboarding.property import create_rich_organization, find_left
from tests.unit.offboarding.running import finish_deletion, list_of_organization, run_job


def test_a_deletion_that_dies_anywhere_is_completed_by_the_next_jobs(
    cloud: dict[str, str], frozen: clock.FrozenClock
) -> None:
    """Each round dies one AWS call later: first in the begin, then in the endings."""
    sabotage = Sabotage()
    for calls in count():
        acme = create_rich_organization(f"acme{calls}", f"+1415555{calls:04d}")
        has_ended = False
        with sabotage.killing(calls):
            service.begin_deletion(system(acme.org_id))
            deleting.continue_deletion(acme.org_id)
            has_ended = True
        if store.get_deletion(acme.org_id) is None:
            assert organizations.get_organization(acme.org_id).status == "active", "the begin is one commit"
            service.begin_deletion(system(acme.org_id))
        run_job(acme.org_id, frozen)
        assert not any(find_left(acme.org_id).values()), f"killed after {calls} calls"
        if has_ended:
            break
    assert calls > 60, "each step was interrupted"


def test_a_sweep_that_dies_anywhere_is_completed_by_the_next_jobs(
    cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The jobs die after one, two and more AWS calls, until the deletion is complete."""
    monkeypatch.setattr(sweeping, "PAGE_ITEMS", 7)
    acme = create_rich_organization("acme", "+14155550128")
    service.begin_deletion(system(acme.org_id))
    run_job(acme.org_id, frozen)
    assert len(list_of_organization(acme.org_id)) > 80
    frozen.advance(hours=1)
    sabotage = Sabotage()
    for calls in count(1):
        with sabotage.killing(calls):
            deleting.continue_deletion(acme.org_id)
        found = service.get_deletion(acme.org_id)
        if found.passes:
            break
    assert calls > 12, "the sweep was interrupted often"
    assert finish_deletion(acme.org_id, frozen).is_complete
