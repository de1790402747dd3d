"""The talk of a call, for calls out and calls in: who talks with whom, and what the talker is told."""

from __future__ import annotations

from switchboard.calls.models import Call
from switchboard.carriers.voice import Conversation
from switchboard.compliance import opt_out_speech


def new_conversation(call: Call) -> Conversation:
    """Returns the talk of a call with its other party."""
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
    )
