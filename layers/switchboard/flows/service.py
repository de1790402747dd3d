"""Creates and reads flows. `switchboard.flows.changes` changes them."""

from __future__ import annotations

import re
from functools import partial

from switchboard.aws.writes import Writes
from switchboard.errors import Invalid, NotFound
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.flows import event_starts, store, transfers
from switchboard.flows.models import Flow, FlowSettings, FlowSnapshot, FlowVersion
from switchboard.flows.rules import (
    PROVIDER_AGENT_PATTERN,
    check_caller_number,
    check_settings,
    check_transfer_numbers,
)
from switchboard.flows.store import flow_ref, list_flows
from switchboard.kit import clock, ids
from switchboard.kit.background import BackgroundTask
from switchboard.numbers import service as numbers
from switchboard.numbers.models import Number
from switchboard.persistence.idempotency import IdempotencyKey, commit_once
from switchboard.usage import service as usage

__all__ = ["flow_ref", "list_flows"]

#: The most versions of flows that an organization makes in a day (UTC). Nothing deletes a version, which has up to
#: 200 KB, because calls name the version with which they began.
VERSIONS_PER_DAY = 500
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def new_flow_writes(origin: Origin, settings: FlowSettings) -> tuple[Flow, list[Writes]]:
    """Returns a flow, and the writes that store it. Raises Invalid.

    The writes raise Conflict at commit if another flow has its provider's agent, and Invalid if it transfers calls to a
    flow that does not exist.
    """
    flow = make_flow(origin, settings)
    event_write = events.new_event_write(
        origin, "flow.created", Subject(type="flow", id=flow.id, version=1), kind=flow.kind
    )
    return flow, [first_version_writes(flow, None), event_write]


def make_flow(origin: Origin, settings: FlowSettings) -> Flow:
    """Returns a flow with these settings that is not stored yet. Raises Invalid."""
    checked = check_settings(settings)
    check_caller_number(checked, origin.org_id)
    check_transfer_numbers(checked, origin.org_id)
    now = clock.now_iso()
    return Flow(
        **checked.model_dump(),
        id=ids.new_uuid(),
        org_id=origin.org_id,
        created_at=now,
        updated_at=now,
        updated_by=origin.actor.id,
    )


def version_count_write(org_id: str) -> Writes:
    """Returns the write that counts a new version. Raises QuotaExceeded at commit after the day's last one."""
    told = f"Your flows were changed {VERSIONS_PER_DAY} times today, which is the limit: try again tomorrow (UTC)."
    return usage.daily_limit_write(org_id, "flow_versions", VERSIONS_PER_DAY, told)


def first_version_writes(flow: Flow, note: str | None) -> list[Writes]:
    """Returns the writes of a new flow: the flow, its first version, and its transfers to other flows."""
    entry = first_entry(flow, note)
    return [
        version_count_write(flow.org_id),
        store.flow_writes(flow),
        store.version_writes(flow, entry, None),
        transfers.transfer_writes(None, flow),
        event_starts.event_entry_writes(None, flow),
    ]


def first_entry(flow: Flow, note: str | None) -> FlowVersion:
    """Returns the entry of a flow's first version in the list of its versions."""
    return FlowVersion(version=1, note=note, created_at=flow.created_at, created_by=flow.updated_by)


def missing_version_writes(before: Flow) -> Writes:
    """Returns the writes that keep the first version of a flow which was made before versions were kept.

    The commit that changes or deletes the flow adds them.
    """
    if before.version > 1 or store.get_snapshot(before.org_id, before.id, before.version):
        return []
    return store.version_writes(before, first_entry(before, None), None)


def create_flow(origin: Origin, settings: FlowSettings, effect: IdempotencyKey | None = None) -> Flow:
    """Creates a flow. Raises Invalid, QuotaExceeded, or Conflict if another flow has its provider's agent."""
    flow, writes = new_flow_writes(origin, settings)
    done = commit_once(effect, flow.id, writes)
    return get_flow(origin.org_id, done.subject_id) if done else flow


def parse_flow_id(text: str) -> str | None:
    """Returns the id of a flow in the form in which it is stored, None for a text that is no such id."""
    return text.lower() if _UUID.fullmatch(text.lower()) else None


def get_flow(org_id: str, flow_id: str) -> Flow:
    """Returns the organization's flow with this id. Raises NotFound."""
    found = store.FLOWS.get_object(org_id, flow_id.lower()) if _UUID.fullmatch(flow_id.lower()) else None
    if not found:
        raise NotFound("There is no such flow: check its id.")
    return found


def unknown_flow(field: str) -> Invalid:
    """Returns the refusal of a request whose field names a flow that the organization does not have."""
    return Invalid(
        "There is no such flow: list the flows to find its id.",
        code="unknown_flow",
        fields={field: "must be the id of a flow of your organization"},
    )


def get_flow_with_numbers(org_id: str, flow_id: str) -> tuple[Flow, list[Number]]:
    """Returns a flow and the numbers that use it, in two round trips. Raises NotFound."""
    of_numbers = BackgroundTask(partial(numbers.list_numbers_of_flow, org_id, flow_id.lower()))
    if parse_flow_id(flow_id):
        of_numbers.start()
    flow = get_flow(org_id, flow_id)
    return flow, of_numbers.result()


def get_outbound_flow(org_id: str, name: str) -> Flow:
    """Returns the organization's outbound flow with this id or this provider's agent. Raises NotFound."""
    if PROVIDER_AGENT_PATTERN.fullmatch(name):
        found = store.get_flow_by_provider_agent(org_id, name)
    else:
        found = store.FLOWS.get_object(org_id, name.lower()) if _UUID.fullmatch(name.lower()) else None
    if not found or found.kind != "outbound":
        raise NotFound("There is no such agent: check its id.", code="agent_not_found")
    return found


def find_caller_id(flow: Flow) -> str | None:
    """Returns the number (E.164) from which a flow calls, None if it names none that the organization still has."""
    if flow.caller_id_number_id:
        try:
            number = numbers.get_number(flow.org_id, flow.caller_id_number_id)
        except NotFound:
            number = None
        if number and number.active:
            return number.e164
    return flow.caller_id


# ---- versions


def get_flow_version(org_id: str, flow_id: str, version: int) -> Flow:
    """Returns a flow as it was in a version, for a call that began with it. Deleted flows keep their versions.

    Raises NotFound.
    """
    return get_snapshot(org_id, flow_id, version).flow


def get_snapshot(org_id: str, flow_id: str, version: int) -> FlowSnapshot:
    """Returns a version of a flow, with its source. Raises NotFound."""
    found = store.get_snapshot(org_id, flow_id.lower(), version) if 0 < version < 10**10 else None
    if not found and version == 1:
        # A flow that was made before versions were kept.
        flow = store.FLOWS.get_object(org_id, flow_id.lower())
        found = FlowSnapshot(first_entry(flow, None), flow, None) if flow and flow.version == 1 else None
    if not found:
        raise NotFound("There is no such version of this flow: list its versions.")
    return found
