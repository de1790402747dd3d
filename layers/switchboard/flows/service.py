"""Creates and reads flows."""

from __future__ import annotations

import re
from typing import Any

from switchboard.aws.writes import Writes, commit
from switchboard.carriers import voice
from switchboard.compliance import ledgers, phone
from switchboard.errors import Invalid, NotFound
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.flows import store
from switchboard.flows.models import Flow, FlowSettings
from switchboard.flows.store import flow_ref, list_flows
from switchboard.kit import clock, ids

__all__ = ["flow_ref", "list_flows"]

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: The form of ElevenLabs' agent ids.
PROVIDER_AGENT_PATTERN = re.compile(r"agent_[A-Za-z0-9_-]{1,120}")


def new_flow_writes(origin: Origin, settings: FlowSettings) -> tuple[Flow, list[Writes]]:
    """Returns a flow, and the writes that store it. Raises Invalid.

    The writes raise Conflict at commit if another flow has its provider's agent.
    """
    now = clock.now_iso()
    flow = Flow(
        **_checked(settings).model_dump(), id=ids.new_uuid(), org_id=origin.org_id, created_at=now, updated_at=now
    )
    event_write = events.new_event_write(
        origin, "flow.created", Subject(type="flow", id=flow.id, version=1), kind=flow.kind
    )
    return flow, [*store.flow_writes(flow), event_write]


def create_flow(origin: Origin, settings: FlowSettings) -> Flow:
    """Creates a flow. Raises Invalid, or Conflict if another flow has its provider's agent."""
    flow, writes = new_flow_writes(origin, settings)
    commit(writes)
    return flow


def _checked(settings: FlowSettings) -> FlowSettings:
    problems, changes = {}, dict[str, Any]()
    if settings.voice and settings.voice not in {one.id for one in voice.get_carrier().talker.voices()}:
        problems["voice"] = "must be the id of an available voice"
    if settings.provider_agent_id and not PROVIDER_AGENT_PATTERN.fullmatch(settings.provider_agent_id):
        problems["provider_agent_id"] = "must look like agent_…"
    if settings.consent_date and not settings.consent_source:
        problems["consent_source"] = "must be given together with consent_date"
    if settings.consent_source and not settings.consent_date:
        problems["consent_date"] = "must be given together with consent_source"
    if problems:
        raise Invalid("Invalid flow: see the fields.", fields=problems)
    if settings.caller_id:
        changes["caller_id"] = phone.parse_pasted(settings.caller_id, "caller_id").e164
    if settings.consent_source and settings.consent_date:
        basis = ledgers.parse_standing_consent(settings.consent_source, settings.consent_date, "flow")
        changes |= {"consent_source": basis.source, "consent_date": basis.date}
    return settings.model_copy(update=changes)


def get_flow(org_id: str, flow_id: str) -> Flow:
    """Returns the organization's flow with this id. Raises NotFound."""
    found = store.FLOWS.get(org_id, flow_id.lower()) if _UUID.fullmatch(flow_id.lower()) else None
    if not found:
        raise NotFound("There is no such flow: check its id.")
    return found


def get_outbound_flow(org_id: str, name: str) -> Flow:
    """Returns the organization's outbound flow with this id or this provider's agent. Raises NotFound."""
    if PROVIDER_AGENT_PATTERN.fullmatch(name):
        found = store.get_flow_by_provider_agent(org_id, name)
    else:
        found = store.FLOWS.get(org_id, name.lower()) if _UUID.fullmatch(name.lower()) else None
    if not found or found.kind != "outbound":
        raise NotFound("There is no such agent: check its id.", code="agent_not_found")
    return found
