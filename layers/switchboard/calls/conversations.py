"""The talk of a call, for calls out and calls in: who talks with whom, and what the talker is told."""

from __future__ import annotations

from switchboard.calls.models import Call
from switchboard.carriers.voice import Conversation
from switchboard.compliance import opt_out_speech
from switchboard.flows.models import Flow


def new_conversation(call: Call, flow: Flow | None = None) -> Conversation:
    """Returns the talk of a call with its other party. The flow, if there is one, says where to hand the party on."""
    return Conversation(
        org_id=call.org_id,
        call_id=call.id,
        to_number=call.person_number,
        voice_id=call.voice_id,
        greeting=call.greeting,
        agent_name=call.agent_name,
        opt_out_key=opt_out_speech.OPT_OUT_KEY,
        provider_agent_id=call.provider_agent_id,
        prompt=call.order.prompt,
        variables=call.order.variables,
        inbound=call.direction == "INBOUND",
        transfer_labels=(*flow.transfer_map, *flow.flow_transfer_map) if flow else (),
        takes_messages=flow is not None and flow.voicemail_enabled,
    )
