"""The flows that wait for events from outside: each has an entry, so that an event finds it without the other flows."""

from __future__ import annotations

from switchboard.aws.writes import Writes
from switchboard.errors import Invalid
from switchboard.events import external_names
from switchboard.flows import store
from switchboard.flows.models import Flow

#: The most flows of an organization that wait for events. Each event reads the entries of all, and may start all.
MAX_EVENT_FLOWS = 50


def event_entry_writes(before: Flow | None, after: Flow) -> Writes:
    """Returns the write of the entry of a new or changed flow. Raises Invalid at the limit of such flows."""
    old = before.event_filters if before else []
    if after.event_filters == old:
        return None
    if not after.event_filters:
        return store.no_event_entry_write(after)
    # Two changes at the same time may pass the limit by one, which harms nobody.
    if not old and len(store.list_event_filters(after.org_id)) >= MAX_EVENT_FLOWS:
        problem = f"is event for {MAX_EVENT_FLOWS} flows, which is the limit: let one flow wait for several events"
        raise Invalid("Invalid flow: see the fields.", code="event_flow_limit", fields={"trigger_type": problem})
    return store.event_entry_write(after)


def removed_entry_writes(flow: Flow) -> Writes:
    """Returns the write that removes the entry of a deleted flow."""
    return store.no_event_entry_write(flow) if flow.event_filters else None


def list_flows_of_event(org_id: str, name: str) -> list[str]:
    """Returns the ids of the flows that wait for an event, sorted."""
    return sorted(
        flow_id
        for flow_id, filters in store.list_event_filters(org_id).items()
        if external_names.matches_any(filters, name)
    )
