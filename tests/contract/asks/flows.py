"""Requests for flows."""

from __future__ import annotations

from tests.contract.console import Person
from tests.contract.world import Ask


def make_flow(admin: Person, **settings: object) -> str:
    """Creates a flow. Returns its path."""
    return f"/api/flows/{admin.post('/api/flows', {'name': 'Front desk'} | settings).json()['id']}"


GOOD = {
    "listFlows": lambda _: Ask("GET", "/api/flows"),
    "createFlow": lambda _: Ask("POST", "/api/flows", {"name": "Front desk"}),
    "getFlow": lambda org: Ask("GET", make_flow(org.admin)),
    "updateFlow": lambda org: Ask("PATCH", make_flow(org.admin), {"name": "Back office"}),
    "deleteFlow": lambda org: Ask("DELETE", make_flow(org.admin)),
    "getFlowConfig": lambda org: Ask("GET", f"{make_flow(org.admin)}/config"),
    "saveFlowConfig": lambda org: Ask("PUT", f"{make_flow(org.admin)}/config", {"source": '{"name": "Desk"}'}),
    "listFlowVersions": lambda org: Ask("GET", f"{make_flow(org.admin)}/versions"),
    "getFlowVersion": lambda org: Ask("GET", f"{make_flow(org.admin)}/versions/1"),
    "rollbackFlow": lambda org: Ask("POST", f"{make_flow(org.admin)}/rollback", {"version": 1}),
    "duplicateFlow": lambda org: Ask("POST", f"{make_flow(org.admin)}/duplicate"),
}
