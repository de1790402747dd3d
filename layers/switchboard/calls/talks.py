"""The talks of a call: opens each talk once, and hands a call to another flow."""

from __future__ import annotations

from typing import Any

from switchboard import telemetry
from switchboard.calls import acceptance, changes, store, talk_tools
from switchboard.calls.changes import CallChange
from switchboard.calls.conversations import find_language, new_conversation
from switchboard.calls.models import OVER_STATES, Call, Tier
from switchboard.carriers import voice
from switchboard.carriers.voice import Voice
from switchboard.compliance import machine_messages
from switchboard.errors import NotFound, Unavailable
from switchboard.flows import hours
from switchboard.flows import service as flows
from switchboard.flows.models import Flow
from switchboard.kit import clock
from switchboard.persistence.collection import next_version

__all__ = ["find_language"]

#: How often a call may move to another flow. Flows that hand a caller to each other would never end.
MAX_FLOW_SWITCHES = 5


def get_flow(call: Call) -> Flow | None:
    """Returns the flow of a call, in the version with which the call began. `None` if the call has no flow."""
    if call.flow_id is None or call.flow_version is None:
        return None
    try:
        return flows.get_flow_version(call.org_id, call.flow_id, call.flow_version)
    except NotFound:
        telemetry.log_skip("the version of the flow is gone", org_id=call.org_id, call_id=call.id)
        return None


def find_machine_message(call: Call, flow: Flow | None) -> str | None:
    """Returns the text that a call's flow leaves at machines, if the law allows it.

    That of a flow for callers asks them to leave a message.
    """
    text = flow.voicemail_leave_message if flow and flow.kind == "outbound" else None
    return text if text and machine_messages.may_leave(text, call.order.purpose) else None


def flow_facts(flow: Flow) -> dict[str, Any]:
    """Returns the fields of a call that say which flow talks."""
    return {
        "flow_id": flow.id,
        "flow_version": flow.version,
        "agent_name": flow.name,
        "provider_agent_id": flow.provider_agent_id,
    }


def choose_voice(flow: Flow, *, simulated: bool, tier: Tier | None = None) -> Voice | None:
    """Returns the voice of a flow, else the first basic voice. `None` if the carrier has no voices.

    With `tier`, only voices of this tier count.
    """
    voices = acceptance.select_carrier(simulated).talker.list_voices()
    allowed = [one for one in voices if tier in (None, one.tier)]
    own = next((one for one in allowed if one.id == flow.voice), None)
    return own or next((one for one in allowed if one.tier == (tier or Tier.BASIC)), None)


def find_recording(call: Call, flow: Flow) -> int | None:
    """Returns the talk with which the recording began that runs while this flow has the call, or `None`.

    A call is recorded only while its flow announces it. A closed flow begins no recording.
    """
    if not flow.announce_recording:
        return None
    if call.recording_talk is not None:
        return call.recording_talk
    return None if call.meets_closed_flow else call.talk


def open_talk(call: Call, flow: Flow | None) -> Call | None:
    """Opens the present talk of a call, once. Returns the call with its connection, or `None` if nobody can talk.

    Two callbacks at the same time open two talks. The first one counts, and nobody connects to the other.
    """
    if call.connect is not None:
        return call
    talker = acceptance.select_carrier(call.simulated).talker
    try:
        tools = talk_tools.list_talk_tools(call.org_id, flow.id if flow else None)
        opened = talker.open_talk(new_conversation(store.add_texts(call), flow, tools))
    except (voice.RefusedError, voice.ThrottledError, voice.OutcomeUnknownError, Unavailable) as error:
        telemetry.logger().warning("talk not opened", extra={"call_id": call.id, "reason": str(error)})
        return None

    def decide(found: Call) -> CallChange:
        if found.connect is not None or found.talk != call.talk or found.state in OVER_STATES:
            return None
        facts = {
            "connect": opened.connect,
            "provider_conversation_id": opened.conversation_id,
            "awaits_analysis": talker.reports_analysis(),
        }
        return next_version(found, **facts), None

    return store.CALLS.change_object(call.org_id, call.id, decide) or store.CALLS.get_object(call.org_id, call.id)


def switch_flow(call: Call, flow_id: str) -> Call | None:
    """Hands a call to another flow, whose present version talks from here on. `None` if that is not possible."""
    if call.talk >= MAX_FLOW_SWITCHES:
        telemetry.log_skip("the call moved to other flows too often", org_id=call.org_id, call_id=call.id)
        return None
    try:
        target = flows.get_flow(call.org_id, flow_id)
    except NotFound:
        telemetry.log_skip("the flow of the transfer is gone", org_id=call.org_id, call_id=call.id)
        return None
    if target.kind != "inbound":
        telemetry.log_skip("the flow of the transfer takes no calls", org_id=call.org_id, call_id=call.id)
        return None
    present, closed = get_flow(call), not hours.is_open(target, clock.now())

    def decide(found: Call) -> CallChange:
        if found.talk != call.talk or found.state in OVER_STATES:
            return None
        # The first minute was charged by the tier, so the tier stays.
        spoken = choose_voice(target, simulated=found.simulated, tier=found.tier)
        facts = {
            "talk": found.talk + 1,
            "connect": None,
            "flow_closed": closed,
            "recording_talk": find_recording(found, present) if present else None,
            "voice_id": spoken.id if spoken else found.voice_id,
            # The version of the flow has the prompt and the greeting.
            "order": found.order.model_copy(update={"prompt": None}),
        }
        after = next_version(found, **facts, **flow_facts(target))
        told = changes.event_writes(
            after,
            "voice.call.flow_switched",
            flow=target.id,
            flow_version=target.version,
            from_flow=found.flow_id,
        )
        return after, told

    return store.CALLS.change_object(call.org_id, call.id, decide) or store.CALLS.get_object(call.org_id, call.id)
