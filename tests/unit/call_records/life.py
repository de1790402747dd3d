"""One item of each kind of the console of calls."""

from __future__ import annotations

from switchboard.calls import inbox, notes, tags
from switchboard.team.permissions import Role
from tests.actors import Tenant, member
from tests.unit.call_records.desk import save_call


def live(acme: Tenant) -> None:
    """Write one item of each kind."""
    reader = member(acme.org_id, Role.ADMIN, "Reader")
    call = save_call(acme.org_id, "+14155550188", summary="A refund")
    inbox.record_view(reader, call.id)
    tags.add_tag(reader, call.id, "Refund", None, recolor=False)
    notes.create_note(reader, call.id, "Call back on Monday.")
