"""Starts flows for fired events: an outbound call, or a text.

An event has one job for each flow that waits for it, so that no flow waits for another. A flow starts once per firing:
the commit of its call or text also marks the firing. A refusal is recorded there too, with an event, so that a person
finds out why nothing happened.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from switchboard import telemetry
from switchboard.accounts import organizations
from switchboard.accounts.models import Organization
from switchboard.aws import queues, reads
from switchboard.calls import event_calls
from switchboard.compliance import phone
from switchboard.errors import Contended, DomainError, Invalid, NotFound, Unavailable
from switchboard.events import external_names
from switchboard.events import service as events
from switchboard.events.models import Subject
from switchboard.flows import event_starts
from switchboard.flows import service as flows
from switchboard.flows.models import Flow
from switchboard.kit import clock
from switchboard.numbers import service as numbers
from switchboard.persistence.optimistic import record_once
from switchboard.triggers import contexts, event_texts, firing, firing_store, start_pace, store
from switchboard.triggers.firing_store import FlowDecidedError, FlowMark
from switchboard.triggers.jobs import StartFlow, StartFlows
from switchboard.triggers.models import Firing, FiringWithBody, FlowStart

#: How long a provider may be down before the flow is refused: shorter than its queue tries a job.
GIVE_UP_AFTER = timedelta(minutes=10)


def start_flows(job: StartFlows) -> None:
    """Sends a job for each flow that waits for a fired event, at the organization's pace.

    A flow that has its result already does nothing.
    """
    fired = firing_store.get_firing(job.org_id, job.trigger_id, job.firing_id)
    if fired is None:
        telemetry.log_skip("the firing has expired", firing_id=job.firing_id)
        return
    found = event_starts.list_flows_of_event(job.org_id, fired.event_type)
    if not found:
        telemetry.log_skip("no flow waits for the event", firing_id=job.firing_id)
        return
    waits = start_pace.reserve_starts(job.org_id, len(found))
    queues.send_messages(
        _start_of(job, flow_id, wait).to_message(delay=wait) for flow_id, wait in zip(found, waits, strict=True)
    )


def _start_of(job: StartFlows, flow_id: str, wait: int) -> StartFlow:
    due = clock.format_iso(clock.now() + timedelta(seconds=wait))
    return StartFlow(**job.model_dump(), flow_id=flow_id, due=due)


def start_flow(job: StartFlow) -> None:
    """Starts the call or the text of one flow for a fired event, or records why it does not.

    Raises Unavailable and Contended, for a later attempt, while a provider or a table is busy.
    """
    found = firing.find_firing(job.org_id, job.trigger_id, job.firing_id)
    if found is None or any(start.flow_id == job.flow_id for start in found.firing.starts):
        telemetry.log_skip("the flow has its result", firing_id=job.firing_id, flow_id=job.flow_id)
        return
    try:
        flow = flows.get_flow(job.org_id, job.flow_id)
    except NotFound:
        telemetry.log_skip("the flow is gone", firing_id=job.firing_id, flow_id=job.flow_id)
        return
    try:
        _start(flow, found)
    except FlowDecidedError:
        telemetry.log_skip("another run has started the flow", firing_id=job.firing_id, flow_id=job.flow_id)
    except DomainError as refusal:
        if _is_passing(refusal, job.due or found.firing.created_at):
            raise
        _record_refusal(flow, found.firing, refusal)


def _is_passing(refusal: DomainError, due: str) -> bool:
    """Whether a later attempt may succeed soon. A provider that is missing says not when to try again."""
    if not isinstance(refusal, Unavailable) or "retry_after" not in refusal.details:
        return False
    return isinstance(refusal, Contended) or clock.now() < clock.parse(due) + GIVE_UP_AFTER


def _start(flow: Flow, found: FiringWithBody) -> None:
    fired, body = found.firing, found.body
    org = _require_authority(flow, fired)
    to = _require_target(flow, fired, body)
    context, basis = contexts.build_context(flow, body), contexts.find_basis(flow, fired.trigger_id, body)
    once = FlowMark(fired, flow.id, flow.channel)
    origin = firing.firing_origin(fired)
    if flow.channel == "sms":
        event_texts.send_event_text(origin, org, flow, to, context, basis=basis, once=once)
    else:
        event_calls.place_event_call(origin, org, flow, to, context, basis=basis, once=once)


def _require_authority(flow: Flow, fired: Firing) -> Organization:
    """Returns the organization, if all that the start rests on still holds: a pause of the trigger stops it too."""
    org, trigger = reads.read_refs(
        organizations.organization_ref(fired.org_id), store.trigger_ref(fired.org_id, fired.trigger_id)
    )
    if org is None or org.status != "active":
        raise Invalid("The organization is suspended.", code="organization_suspended")
    if trigger is None or not trigger.active:
        raise Invalid("The trigger was paused or deleted after the event.", code="trigger_inactive")
    if not external_names.matches_any(flow.event_filters, fired.event_type):
        raise Invalid("The flow no longer waits for this event.", code="flow_changed")
    return org


def _require_target(flow: Flow, fired: Firing, body: Any) -> str:
    """Returns the number to call or text. Raises Invalid."""
    text = contexts.find_target(flow, body)
    if text is None:
        places = flow.trigger_target or " or ".join(contexts.TARGETS)
        raise Invalid(f"The event has no number at {places}: set trigger_target of the flow.", code="no_target")
    to = phone.parse_pasted(text, "to").e164
    if numbers.find_owner(to) == fired.org_id:
        # Two flows of the organization would talk with each other.
        raise Invalid("The number is one of the organization's own.", code="own_number")
    return to


def _record_refusal(flow: Flow, fired: Firing, refusal: DomainError) -> None:
    """Records on the firing why a flow did not start, once, with an event."""
    start = FlowStart(
        flow_id=flow.id,
        channel=flow.channel,
        status="refused",
        code=refusal.code,
        reason=refusal.message,
        at=clock.now_iso(),
    )
    event_write = events.new_event_write(
        firing.firing_origin(fired),
        "trigger.flow_refused",
        Subject(type="trigger", id=fired.trigger_id),
        firing=fired.id,
        flow=flow.id,
        channel=flow.channel,
        code=refusal.code,
    )
    try:
        record_once(firing_store.start_write(fired, start), event_write)
    except FlowDecidedError:
        telemetry.log_skip("another run has decided", firing_id=fired.id, flow_id=flow.id)
