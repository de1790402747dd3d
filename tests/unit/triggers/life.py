"""One item of each kind of the noun `triggers`."""

from __future__ import annotations

from switchboard.team.permissions import Role
from switchboard.triggers import service, start_pace
from tests.actors import Tenant, member
from tests.unit.triggers.desk import fire, make_trigger, project_events


def live(acme: Tenant) -> None:
    """Write one item of each kind."""
    ada = member(acme.org_id, Role.ADMIN, "Trigger admin")
    made = make_trigger(ada)
    service.rotate_trigger_token(ada, made.trigger.id)
    fire(made)
    start_pace.reserve_starts(acme.org_id, 1)
    project_events(acme.org_id)
