"""A deletion of an organization that dies between any two AWS calls is completed by the next run."""

from __future__ import annotations

from itertools import count

from switchboard.accounts import organizations
from switchboard.kit import clock
from switchboard.offboarding import service
from tests.actors import system
from tests.integration.sabotage import Sabotage
from tests.unit.offboarding.property import create_rich_organization, find_left


def test_a_deletion_that_dies_anywhere_is_completed_by_the_next_run(
    cloud: dict[str, str], frozen: clock.FrozenClock
) -> None:
    sabotage = Sabotage()
    for calls in count():
        acme = create_rich_organization(f"acme{calls}", f"+1415555{calls:04d}")
        has_ended = False
        with sabotage.killing(calls):
            list(service.delete_organization(system(acme.org_id)))
            has_ended = True
        list(service.delete_organization(system(acme.org_id)))
        assert organizations.get_organization(acme.org_id).status == "deleted"
        assert not any(find_left(acme.org_id).values()), f"killed after {calls} calls"
        if has_ended:
            break
    assert calls > 30, "each step was interrupted"
