"""One item of each kind of the noun `brands`."""

from __future__ import annotations

from switchboard.brands import registering, service
from switchboard.brands.jobs import AdvanceRegistration
from tests.actors import Tenant, member
from tests.unit.brands.desk import submit_drafts


def live(acme: Tenant) -> None:
    """Writes one item of each kind."""
    submit_drafts(member(acme.org_id, name="Registrar"))
    for _ in range(2):
        turn = service.get_brand(acme.org_id).turn
        registering.advance_registration(AdvanceRegistration(org_id=acme.org_id, turn=turn))
