"""Requests for calls that members place."""

from __future__ import annotations

from tests.contract.asks.flows import make_flow
from tests.contract.console import Console, next_number
from tests.contract.world import Ask
from tests.unit.calls.console_calls import save_number


def _outbound_flow(org: Console) -> str:
    """Creates an outbound flow with a number to show. Returns its path."""
    number = save_number(org.org_id, next_number())
    return make_flow(org.admin, kind="outbound", caller_id_number_id=number.id)


def _order(org: Console) -> dict[str, object]:
    flow_id = _outbound_flow(org).removeprefix("/api/flows/")
    return {"flow_id": flow_id, "to": "+14155550142", "task_context": {"name": "Ada"}}


GOOD = {
    "listOutboundCalls": lambda _: Ask("GET", "/api/outbound/calls"),
    "createOutboundCall": lambda org: Ask("POST", "/api/outbound/calls", _order(org)),
    "testFlowCall": lambda org: Ask(
        "POST", f"{_outbound_flow(org)}/test-call", {"to": "+14155550142", "simulated": True}
    ),
}
