"""One item of each kind of the console of calls."""

from __future__ import annotations

from datetime import timedelta

from switchboard.calls import inbox, notes, summarizing, tags
from switchboard.kit import clock
from switchboard.team.permissions import Role
from tests.actors import Tenant, member
from tests.unit.call_records.desk import save_call
from tests.unit.calls.console_calls import place, save_flow


def live(acme: Tenant) -> None:
    """Write one item of each kind."""
    reader = member(acme.org_id, Role.ADMIN, "Reader")
    call = save_call(acme.org_id, "+14155550188", summary="A refund")
    inbox.record_view(reader, call.id)
    tags.add_tag(reader, call.id, "Refund", None, recolor=False)
    notes.create_note(reader, call.id, "Call back on Monday.")
    place(reader, save_flow(acme.org_id))
    ended = clock.format_iso(clock.now() - timedelta(minutes=1))
    answered = save_call(acme.org_id, "+14155550187", answered_at=ended, ended_at=ended)
    summarizing.summarize_call(acme.org_id, answered.id)
