"""One item of each kind of the noun `voicemails`."""

from __future__ import annotations

from switchboard.team.permissions import Role
from switchboard.voicemails import activity
from tests.actors import Tenant, member
from tests.unit.voicemails.desk import save_voicemail


def live(acme: Tenant) -> None:
    """Write one item of each kind."""
    activity.record_view(member(acme.org_id, Role.VIEWER, "Listener"), save_voicemail(acme.org_id).id)
