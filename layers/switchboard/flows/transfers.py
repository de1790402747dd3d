"""The flows that a flow transfers calls to: they must exist and be inbound, and they cannot be deleted meanwhile."""

from __future__ import annotations

from functools import partial

from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import ConditionCheck, Writes
from switchboard.errors import Invalid
from switchboard.flows import store
from switchboard.flows.models import Flow


def transfer_writes(before: Flow | None, after: Flow) -> list[Writes]:
    """Returns the writes for the targets that a change adds or removes. They raise Invalid for an unknown target."""
    old = set(before.flow_transfer_map.values()) if before else set()
    new = set(after.flow_transfer_map.values())
    if after.id in new:
        raise _refused("is this flow itself: name another flow")
    added = [_added_writes(after, target_id) for target_id in sorted(new - old)]
    removed = [store.no_transfer_write(after.org_id, target_id, after.id) for target_id in sorted(old - new)]
    return [*added, *removed]


def removed_transfer_writes(flow: Flow) -> list[Writes]:
    """Returns the writes that remove a deleted flow from the users of its targets."""
    targets = sorted(set(flow.flow_transfer_map.values()))
    return [store.no_transfer_write(flow.org_id, target_id, flow.id) for target_id in targets]


def _added_writes(flow: Flow, target_id: str) -> list[Writes]:
    exists = ConditionCheck(
        table="core",
        key=store.FLOWS.key(flow.org_id, target_id),
        condition="attribute_exists(pk) AND kind = :kind",
        values={":kind": "inbound"},
        otherwise=partial(_unfit, target_id),
    )
    return [
        exists,
        store.assignment_write(flow.org_id, target_id),
        store.transfer_write(flow.org_id, target_id, flow.id),
    ]


def _unfit(target_id: str, items: list[Item | None]) -> Exception:
    if any(items):
        return _refused(f"names the flow {target_id}, which places calls and takes none: name an inbound flow")
    return _refused(f"names the flow {target_id}, which does not exist")


def _refused(problem: str) -> Invalid:
    return Invalid("Invalid flow: see the fields.", fields={"flow_transfer_map_json": problem})
