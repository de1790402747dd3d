"""Items of flows."""

from __future__ import annotations

from switchboard.flows import service
from switchboard.flows.models import FlowSettings
from tests.actors import Tenant, system


def live(acme: Tenant) -> None:
    """Writes one item of each kind."""
    origin = system(acme.org_id)
    desk = service.create_flow(origin, FlowSettings(name="Desk"))
    service.create_flow(origin, FlowSettings.model_validate({"name": "A", "flow_transfer_map": {"desk": desk.id}}))
    waiting = {"name": "Lead call", "kind": "outbound", "trigger_type": "event", "trigger_events": ["external.*"]}
    service.create_flow(origin, FlowSettings.model_validate(waiting))
