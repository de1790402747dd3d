"""Changes flows: updates, whole configurations, rollbacks, copies and deletions. Each change is a new version."""

from __future__ import annotations

from typing import Any

from switchboard.aws.writes import Writes
from switchboard.errors import Conflict, Invalid, NotFound
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.flows import configs, event_starts, service, store, transfers
from switchboard.flows.models import Flow, FlowSettings, FlowSource, FlowUsers, FlowVersion
from switchboard.flows.rules import MAX_NAME, check_caller_number, check_settings, check_transfer_numbers
from switchboard.flows.service import get_flow
from switchboard.numbers import service as numbers
from switchboard.persistence.collection import next_version
from switchboard.persistence.idempotency import IdempotencyKey, commit_once, find_earlier_effect
from switchboard.persistence.optimistic import Decision, retry_on_conflict


def update_flow(
    origin: Origin,
    flow_id: str,
    changes: dict[str, Any],
    expected: int | None = None,
    effect: IdempotencyKey | None = None,
) -> Flow:
    """Changes the given settings of a flow. Without a difference there is no new version.

    Raises NotFound and Invalid, and Conflict if `expected` is not the current version.
    """
    if find_earlier_effect(effect):
        return get_flow(origin.org_id, flow_id)

    def decide(before: Flow) -> Decision[Flow]:
        _require_version(before, expected)
        given = {name: value for name, value in changes.items() if getattr(before, name) != value}
        if not given:
            return None
        return _next_flow(origin, before, given, "flow.updated", fields=sorted(given))

    return _change(origin, flow_id, decide, effect)


def save_config(
    origin: Origin,
    flow_id: str,
    source: FlowSource,
    note: str | None = None,
    expected: int | None = None,
    effect: IdempotencyKey | None = None,
) -> Flow:
    """Replaces all settings of a flow by a configuration, and keeps its text. Raises like `update_flow`."""
    if find_earlier_effect(effect):
        return get_flow(origin.org_id, flow_id)
    settings = configs.read_config(source)
    if settings.transfer_map != get_flow(origin.org_id, flow_id).transfer_map:
        configs.check_transfer_numbers(source, origin.org_id)
    wanted = settings.model_dump(include=set(configs.CONFIG_FIELDS))

    def decide(before: Flow) -> Decision[Flow]:
        _require_version(before, expected)
        fields = sorted(name for name, value in wanted.items() if getattr(before, name) != value)
        # The same settings may stand in another text: this is a version too.
        return _next_flow(origin, before, wanted, "flow.updated", note, source, fields=fields)

    return _change(origin, flow_id, decide, effect)


def rollback_flow(
    origin: Origin, flow_id: str, version: int, note: str | None = None, effect: IdempotencyKey | None = None
) -> Flow:
    """Makes a new version with the settings of an earlier one. Raises NotFound, and Invalid if they do not fit now."""
    if find_earlier_effect(effect):
        return get_flow(origin.org_id, flow_id)
    earlier = service.get_snapshot(origin.org_id, get_flow(origin.org_id, flow_id).id, version).flow
    wanted = earlier.model_dump(include=set(configs.CONFIG_FIELDS)) | {"source_version": earlier.source_version}
    told = note or f"Rollback to version {version}"

    def decide(before: Flow) -> Decision[Flow]:
        return _next_flow(origin, before, wanted, "flow.rolled_back", told, to_version=version)

    return _change(origin, flow_id, decide, effect)


def duplicate_flow(origin: Origin, flow_id: str, effect: IdempotencyKey | None = None) -> Flow:
    """Creates a copy of a flow, which no number uses and no event starts.

    It has no agent of the provider, because that has one flow only. It has the events of the original, and starts with
    them when its `trigger_type` is set: until then nobody is called twice.

    Raises NotFound and Invalid.
    """
    original = get_flow(origin.org_id, flow_id)
    name = f"Copy of {original.name}"[:MAX_NAME].rstrip()
    settings = FlowSettings.model_validate(original.model_dump(include=set(FlowSettings.model_fields)))
    asleep = {"trigger_type": "call"} if settings.trigger_type == "event" else {}
    changed = {"name": name, "provider_agent_id": None, **asleep}
    copy = service.make_flow(origin, settings.model_copy(update=changed))
    event_write = events.new_event_write(
        origin, "flow.duplicated", Subject(type="flow", id=copy.id, version=1), kind=copy.kind, source=original.id
    )
    note = f"Copy of flow {original.id}, version {original.version}"
    done = commit_once(effect, copy.id, service.first_version_writes(copy, note), event_write)
    return get_flow(origin.org_id, done.subject_id) if done else copy


def delete_flow(origin: Origin, flow_id: str, effect: IdempotencyKey | None = None) -> None:
    """Deletes a flow that nothing uses. Its versions stay for calls in progress and for the history.

    Raises NotFound, and Invalid with `flow_in_use` and the list of the numbers and flows that use it.
    """
    retry_on_conflict(lambda: _delete(origin, flow_id, effect))


def _delete(origin: Origin, flow_id: str, effect: IdempotencyKey | None) -> None:
    try:
        flow = get_flow(origin.org_id, flow_id)
    except NotFound:
        if find_earlier_effect(effect):
            return
        raise
    # The count comes first: a user that begins after it changes it, and the commit fails.
    assignments = store.count_assignments(flow.org_id, flow.id)
    users = find_users(flow)
    if users.numbers or users.flows:
        raise Invalid(
            "Numbers or flows still use this flow: assign them to another flow first.",
            code="flow_in_use",
            **users._asdict(),
        )
    commit_once(
        effect,
        flow.id,
        store.delete_flow_writes(flow, assignments),
        service.missing_version_writes(flow),
        transfers.removed_transfer_writes(flow),
        event_starts.removed_entry_writes(flow),
        events.new_event_write(origin, "flow.deleted", Subject(type="flow", id=flow.id, version=flow.version + 1)),
    )


def find_users(flow: Flow) -> FlowUsers:
    """Returns the numbers and the flows that use a flow."""
    used = numbers.list_numbers_of_flow(flow.org_id, flow.id)
    senders = store.list_transferring_flows(flow.org_id, flow.id)
    return FlowUsers(
        [{"id": number.id, "e164": number.e164} for number in used],
        [{"id": sender.id, "name": sender.name} for sender in senders],
    )


def _change(origin: Origin, flow_id: str, decide: Any, effect: IdempotencyKey | None) -> Flow:
    known = get_flow(origin.org_id, flow_id)
    changed: Flow | None = store.FLOWS.change_object(known.org_id, known.id, decide, effect)
    return changed or get_flow(origin.org_id, flow_id)


def _require_version(flow: Flow, expected: int | None) -> None:
    if expected is not None and flow.version != expected:
        raise Conflict(
            f"The flow has version {flow.version} now: read it again, and repeat your change.",
            code="version_conflict",
            version=flow.version,
        )


def _next_flow(
    origin: Origin,
    before: Flow,
    given: dict[str, Any],
    event_type: str,
    note: str | None = None,
    source: FlowSource | None = None,
    **data: Any,
) -> tuple[Flow, list[Writes]]:
    """Returns the next version of a flow with all its writes, without the write of the flow itself. Raises Invalid."""
    after = next_version(before, **given, updated_by=origin.actor.id)
    if source:
        after = after.model_copy(update={"source_version": after.version})
    changed = {name for name in given if getattr(before, name) != given[name]}
    after = check_settings(after, changed)
    if "caller_id_number_id" in changed:
        check_caller_number(after, origin.org_id)
    if "transfer_map_json" in changed:
        check_transfer_numbers(after, origin.org_id)
    entry = FlowVersion(
        version=after.version,
        note=note,
        format=source.format if source else None,
        created_at=after.updated_at,
        created_by=after.updated_by,
    )
    writes: list[Writes] = [
        service.version_count_write(before.org_id),
        service.missing_version_writes(before),
        store.version_writes(after, entry, source),
        transfers.transfer_writes(before, after),
        event_starts.event_entry_writes(before, after),
        events.new_event_write(origin, event_type, Subject(type="flow", id=after.id, version=after.version), **data),
    ]
    if "kind" in changed and after.kind == "outbound":
        writes.append(_unassigned_check(before))
    return after, writes


def _unassigned_check(flow: Flow) -> Writes:
    """Returns the check that no calls come to the flow. Raises Invalid if calls of a number or another flow do."""
    assignments = store.count_assignments(flow.org_id, flow.id)
    senders = store.list_transferring_flows(flow.org_id, flow.id)
    if senders:
        raise Invalid(
            "Other flows transfer calls to this flow, so it must stay inbound: remove it from their transfers first.",
            code="flow_in_use",
            fields={"kind": "must be inbound while another flow transfers calls to the flow"},
            flows=[{"id": one.id, "name": one.name} for one in senders],
        )
    used = [one for one in numbers.list_numbers_of_flow(flow.org_id, flow.id) if one.flow_id == flow.id]
    if used:
        raise Invalid(
            "Calls to numbers come to this flow, so it must stay inbound: assign the numbers to another flow first.",
            code="flow_in_use",
            fields={"kind": "must be inbound while a number uses the flow"},
            numbers=[{"id": one.id, "e164": one.e164} for one in used],
        )
    return store.assignments_check(flow.org_id, flow.id, assignments)
