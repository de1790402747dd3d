"""Flows in the `core` table.

| item | pk | sk |
|---|---|---|
| flow | `<org>` | `flow#<id>` |
| pointer from a provider's agent | `<org>` | `flow-agent#<provider agent id>` |

The pointer also ensures that only one flow of an organization has a provider's agent.
"""

from __future__ import annotations

from switchboard.aws import reads
from switchboard.aws.attributes import Item, Key
from switchboard.aws.reads import Query, Ref
from switchboard.aws.writes import Put
from switchboard.errors import Conflict
from switchboard.flows.models import Flow
from switchboard.persistence.collection import Collection
from switchboard.persistence.listing import read_query_page

FLOWS = Collection("core", Flow, lambda org_id, id_: {"pk": org_id, "sk": f"flow#{id_}"})


def flow_ref(org_id: str, flow_id: str) -> Ref[Flow]:
    """Return the reference to a flow."""
    return Ref("core", FLOWS.key(org_id, flow_id), FLOWS.read)


def _pointer_key(org_id: str, provider_agent_id: str) -> Key:
    return {"pk": org_id, "sk": f"flow-agent#{provider_agent_id}"}


def flow_writes(flow: Flow) -> list[Put]:
    writes = [FLOWS.put(flow)]
    if flow.provider_agent_id:
        pointer = {**_pointer_key(flow.org_id, flow.provider_agent_id), "flow_id": flow.id}
        writes.append(Put(table="core", item=pointer, unless_exists=True, otherwise=_taken))
    return writes


def _taken(_: list[Item | None]) -> Exception:
    return Conflict(
        "Another flow has this provider's agent: use another agent, or change that flow.", code="provider_agent_taken"
    )


def get_flow_by_provider_agent(org_id: str, provider_agent_id: str) -> Flow | None:
    pointer = reads.get_item("core", _pointer_key(org_id, provider_agent_id))
    return FLOWS.get(org_id, pointer["flow_id"]) if pointer else None


def list_flows(org_id: str, limit: int, after: str | None) -> tuple[list[Flow], str | None]:
    """Returns a page of the organization's flows, newest first, and the cursor of the next page."""
    query = Query(table="core", partition=org_id, begins="flow#", forward=False)
    return read_query_page(query, FLOWS.read, org_id, "flows", limit, after)
