"""One item of each kind of the noun `offboarding`."""

from __future__ import annotations

from switchboard.offboarding import service
from tests.actors import Tenant, system, tenant


def live(_: Tenant) -> None:
    """Writes one item of each kind: another organization leaves."""
    service.begin_deletion(system(tenant("leaving").org_id))
