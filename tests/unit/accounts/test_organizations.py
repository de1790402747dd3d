"""An organization's profile, and the event of a change to it."""

from __future__ import annotations

from datetime import timedelta

from switchboard.accounts import organizations
from switchboard.events import service as events
from switchboard.kit import clock
from tests.actors import Tenant, tenant


def test_a_profile_change_event_holds_only_the_names_of_the_fields(cloud: dict[str, str]) -> None:
    acme: Tenant = tenant("acme")
    caller = acme.caller(master=True)
    changed = organizations.update_organization(caller, caller.organization, {"name": "A private name"})
    assert (changed.name, organizations.get_organization(acme.org_id).name) == ("A private name", "A private name")
    hour = timedelta(hours=1)
    told = list(
        events.events_between(clock.format_iso(clock.now() - hour), clock.format_iso(clock.now() + hour), acme.org_id)
    )
    (event,) = (event for event in told if event.type == "organization.updated")
    assert event.data == {"fields": ["name"]}
