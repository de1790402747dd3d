"""Assigns numbers to flows: the number and the guard of its flows are one transaction."""

from __future__ import annotations

from functools import partial

from switchboard.aws.attributes import Item
from switchboard.aws.writes import ConditionCheck, Writes
from switchboard.errors import Invalid
from switchboard.flows import store


def assignment_writes(org_id: str, flow_id: str | None, sms_flow_id: str | None) -> list[Writes]:
    """Returns the writes that guard the flows of a number, for the commit of the number.

    They raise Invalid with `unknown_flow` if a flow does not exist, and with `flow_kind` if the flow of calls is an
    outbound flow. They count the assignment, so that a concurrent deletion of a flow fails.
    """
    writes: list[Writes] = []
    for target_id in sorted({one for one in (flow_id, sms_flow_id) if one}):
        field = "flow_id" if target_id == flow_id else "sms_flow_id"
        condition, values = "attribute_exists(pk)", dict[str, str]()
        if target_id == flow_id:
            condition, values = f"{condition} AND kind = :kind", {":kind": "inbound"}
        exists = ConditionCheck(
            table="core",
            key=store.FLOWS.key(org_id, target_id),
            condition=condition,
            values=values,
            otherwise=partial(_refused, field),
        )
        writes += [exists, store.assignment_write(org_id, target_id)]
    return writes


def _refused(field: str, items: list[Item | None]) -> Exception:
    if items[0]:
        return Invalid(
            "An outbound flow cannot answer calls: choose an inbound flow.",
            code="flow_kind",
            fields={field: "must be an inbound flow"},
        )
    return Invalid("There is no such flow.", code="unknown_flow", fields={field: "must be the id of a flow"})
