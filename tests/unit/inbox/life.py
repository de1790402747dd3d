"""One item of each kind of the noun `inbox`."""

from __future__ import annotations

from switchboard.aws.writes import commit
from switchboard.inbox import service as inbox
from switchboard.kit import clock
from tests.actors import Tenant
from tests.unit.inbox.model import KIND, count_thing, new_thing


def live(acme: Tenant) -> None:
    """Write one item of each kind."""
    old, new = new_thing(), new_thing()._replace(created_at=clock.format_iso(clock.now().replace(year=2099)))
    for thing in (old, new):
        count_thing(thing, acme.org_id)
    inbox.mark_all_read(acme.org_id, KIND, "usr_a")
    inbox.set_read(acme.org_id, KIND, "usr_a", old, read=False)
    inbox.set_read(acme.org_id, KIND, "usr_a", new, read=True)
    commit(inbox.removal_write(acme.org_id, KIND, new_thing()))
