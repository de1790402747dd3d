"""Flows in the `core` table.

| item | pk | sk |
|---|---|---|
| flow | `<org>` | `flow#<id>` |
| pointer from a provider's agent | `<org>` | `flow-agent#<provider agent id>` |
| number of a flow's assignments | `<org>` | `flow-use#<id>` |
| entry of a flow that transfers calls | `<org>#flow-transfers#<target id>` | `<id>` |
| entry of a flow that waits for events | `<org>#event-flows` | `<id>` |
| entry of a version | `<org>#flow-versions#<id>` | `<version, ten digits>` |
| snapshot of a version | `<org>#flow-snapshots#<id>` | `<version, ten digits>` |

The pointer also ensures that only one flow of an organization has a provider's agent.

The number of assignments grows with each number and each flow that begins to use the flow, in the same transaction. It
never falls. A deletion reads it, then the users, and commits only if it is unchanged.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query, Ref
from switchboard.aws.writes import ConditionCheck, Delete, Put, Update
from switchboard.errors import Conflict
from switchboard.flows.models import Flow, FlowSnapshot, FlowSource, FlowVersion
from switchboard.kit import texts
from switchboard.persistence.collection import Collection
from switchboard.persistence.listing import read_query_page
from switchboard.persistence.optimistic import StaleVersionError

FLOWS = Collection("core", Flow, lambda org_id, id_: {"pk": org_id, "sk": f"flow#{id_}"})
#: The largest page, in characters of the flows' texts: a response has at most 6 MB.
_MAX_PAGE_CHARACTERS = 1_500_000


def flow_ref(org_id: str, flow_id: str) -> Ref[Flow]:
    """Returns the reference to a flow."""
    return Ref("core", FLOWS.key(org_id, flow_id), FLOWS.from_item)


def _pointer_key(org_id: str, provider_agent_id: str) -> Key:
    return {"pk": org_id, "sk": f"flow-agent#{provider_agent_id}"}


def _use_key(org_id: str, flow_id: str) -> Key:
    return {"pk": org_id, "sk": f"flow-use#{flow_id}"}


def _transfer_key(org_id: str, target_id: str, flow_id: str) -> Key:
    return {"pk": f"{org_id}#flow-transfers#{target_id}", "sk": flow_id}


def _entry_key(org_id: str, flow_id: str, version: int) -> Key:
    return {"pk": f"{org_id}#flow-versions#{flow_id}", "sk": f"{version:010}"}


def _snapshot_key(org_id: str, flow_id: str, version: int) -> Key:
    return {"pk": f"{org_id}#flow-snapshots#{flow_id}", "sk": f"{version:010}"}


# ---- flows


def flow_writes(flow: Flow) -> list[Put]:
    writes = [FLOWS.create_write(flow)]
    if flow.provider_agent_id:
        pointer = {**_pointer_key(flow.org_id, flow.provider_agent_id), "flow_id": flow.id}
        writes.append(Put(table="core", item=pointer, unless_exists=True, otherwise=_taken))
    return writes


def delete_flow_writes(flow: Flow, assignments: int) -> list[Delete]:
    """Returns the writes that delete a flow whose number of assignments is unchanged. Its versions stay."""
    writes = [FLOWS.delete_write(flow)]
    if flow.provider_agent_id:
        writes.append(Delete(table="core", key=_pointer_key(flow.org_id, flow.provider_agent_id)))
    writes.append(
        Delete(
            table="core",
            key=_use_key(flow.org_id, flow.id),
            condition=_unchanged(assignments),
            values={":seen": assignments},
            otherwise=StaleVersionError,
        )
    )
    return writes


def _taken(_: list[Item | None]) -> Exception:
    return Conflict(
        "Another flow has this provider's agent: use another agent, or change that flow.", code="provider_agent_taken"
    )


def get_flow_by_provider_agent(org_id: str, provider_agent_id: str) -> Flow | None:
    pointer = reads.get_item("core", _pointer_key(org_id, provider_agent_id))
    return FLOWS.get_object(org_id, pointer["flow_id"]) if pointer else None


def list_flows(org_id: str, limit: int, after: str | None) -> tuple[list[Flow], str | None]:
    """Returns a page of the organization's flows, newest first, and the cursor of the next page.

    A page with very long texts is short.
    """
    query = Query(table="core", partition=org_id, begins="flow#", forward=False)
    return read_query_page(query, FLOWS.from_item, org_id, "flows", limit, after, _count_fitting)


def _count_fitting(flows: Sequence[Flow]) -> int:
    sizes = accumulate(len(flow.model_dump_json()) for flow in flows)
    return sum(size <= _MAX_PAGE_CHARACTERS for size in sizes)


# ---- users of a flow


def count_assignments(org_id: str, flow_id: str) -> int:
    """Reads how often something began to use a flow."""
    found = reads.get_item("core", _use_key(org_id, flow_id))
    return int(found["assignments"]) if found else 0


def assignment_write(org_id: str, flow_id: str) -> Update:
    """Returns the write that counts an assignment."""
    return Update(table="core", key=_use_key(org_id, flow_id), expression="ADD assignments :one", values={":one": 1})


def assignments_check(org_id: str, flow_id: str, assignments: int) -> ConditionCheck:
    """Returns the check that nothing has begun to use a flow since its assignments were counted."""
    return ConditionCheck(
        table="core",
        key=_use_key(org_id, flow_id),
        condition=_unchanged(assignments),
        values={":seen": assignments},
        otherwise=StaleVersionError,
    )


def _unchanged(assignments: int) -> str:
    return "assignments = :seen" if assignments else "attribute_not_exists(pk) OR assignments = :seen"


def transfer_write(org_id: str, target_id: str, flow_id: str) -> Put:
    return Put(table="core", item=dict(_transfer_key(org_id, target_id, flow_id)))


def no_transfer_write(org_id: str, target_id: str, flow_id: str) -> Delete:
    return Delete(table="core", key=_transfer_key(org_id, target_id, flow_id))


def list_transferring_flows(org_id: str, target_id: str) -> list[Flow]:
    """Returns the flows that transfer calls to a flow, at most a hundred."""
    entries = Query(table="core", partition=f"{org_id}#flow-transfers#{target_id}").read_page(100).items
    return [flow for flow in FLOWS.get_objects([(org_id, entry["sk"]) for entry in entries]) if flow]


# ---- events from outside


def _event_key(org_id: str, flow_id: str) -> Key:
    return {"pk": f"{org_id}#event-flows", "sk": flow_id}


def event_entry_write(flow: Flow) -> Put:
    """Returns the write of the entry that an event finds."""
    return Put(table="core", item={**_event_key(flow.org_id, flow.id), "events": flow.event_filters})


def no_event_entry_write(flow: Flow) -> Delete:
    return Delete(table="core", key=_event_key(flow.org_id, flow.id))


def list_event_filters(org_id: str) -> dict[str, list[str]]:
    """Returns the filters of the flows that wait for events, by the flow's id."""
    return {item["sk"]: item["events"] for item in Query(table="core", partition=f"{org_id}#event-flows").read_all()}


# ---- versions


def version_writes(flow: Flow, entry: FlowVersion, source: FlowSource | None) -> list[Put]:
    """Returns the writes of a version: its entry in the list, and its snapshot."""
    snapshot = {
        **_snapshot_key(flow.org_id, flow.id, flow.version),
        "flow": texts.dump_json(flow.model_dump(mode="json")),
        "entry": entry.model_dump(mode="json"),
        "source": source.text if source else None,
    }
    listed = {**_entry_key(flow.org_id, flow.id, flow.version), **entry.model_dump(mode="json")}
    return [Put(table="core", item=item, unless_exists=True) for item in (listed, snapshot)]


def get_snapshot(org_id: str, flow_id: str, version: int) -> FlowSnapshot | None:
    item = reads.get_item("core", _snapshot_key(org_id, flow_id, version))
    if not item:
        return None
    entry = FlowVersion.model_validate(item["entry"])
    source = FlowSource(item["source"], entry.format) if item["source"] is not None and entry.format else None
    return FlowSnapshot(entry, Flow.model_validate(texts.load_json(item["flow"])), source)


def list_versions(org_id: str, flow_id: str, limit: int, after: str | None) -> tuple[list[FlowVersion], str | None]:
    """Returns a page of a flow's versions, newest first, and the cursor of the next page."""
    query = Query(table="core", partition=f"{org_id}#flow-versions#{flow_id}", forward=False)
    return read_query_page(query, FlowVersion.model_validate, org_id, f"flow-versions:{flow_id}", limit, after)
