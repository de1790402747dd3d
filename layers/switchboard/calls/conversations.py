"""The talk of a call, for calls out and calls in: who talks with whom, and what the talker is told."""

from __future__ import annotations

from switchboard.calls import acceptance, task_context
from switchboard.calls.models import Call
from switchboard.carriers import voice
from switchboard.carriers.voice import Conversation
from switchboard.carriers.voice.ports.talker import TalkTool
from switchboard.compliance import opt_out_speech
from switchboard.flows.models import Flow

_DEFAULT_LANGUAGE = "en-US"


def new_conversation(call: Call, flow: Flow | None = None, tools: tuple[TalkTool, ...] = ()) -> Conversation:
    """Returns the talk of a call, which has its texts (`store.add_texts`), with its other party.

    The flow, if there is one, has the prompt, and says where to hand the party on. The talker may use the `tools`.
    Raises RefusedError if the call's version of its flow is gone: nobody could say what to talk about.
    """
    assert call.greeting or not call.texts_apart, "a talk begins with its texts: add them first"
    if flow is None and call.flow_version is not None and call.order.prompt is None:
        raise voice.RefusedError("the version of the flow is gone")
    return Conversation(
        org_id=call.org_id,
        call_id=call.id,
        to_number=call.person_number,
        voice_id=call.voice_id,
        greeting=render_flow_greeting(call, flow),
        agent_name=call.agent_name,
        opt_out_key=opt_out_speech.OPT_OUT_KEY,
        provider_agent_id=call.provider_agent_id,
        prompt=render_flow_prompt(call, flow),
        variables=task_context.call_variables(call),
        inbound=call.direction == "INBOUND",
        transfer_labels=(*flow.transfer_map, *flow.flow_transfer_map) if flow else (),
        takes_messages=flow is not None and flow.voicemail_enabled,
        tools=tools,
    )


def find_language(call: Call) -> str:
    """Returns the language of a call's voice."""
    voices = acceptance.select_carrier(call.simulated).talker.list_voices()
    return next((one.language for one in voices if one.id == call.voice_id), _DEFAULT_LANGUAGE)


def render_flow_prompt(call: Call, flow: Flow | None) -> str | None:
    """Returns the prompt of the present talk. The task context is for the flow that placed the call."""
    if call.order.prompt is not None or flow is None:
        return call.order.prompt
    return task_context.render_prompt(flow.system_prompt or None, {} if call.talk else call.order.task_context)


def render_flow_greeting(call: Call, flow: Flow | None) -> str:
    """Returns the first words of the present talk. Those of a call out have disclosures: the acceptance made them."""
    if flow is None or (call.greeting and not call.talk):
        return call.greeting
    return flow.greeting or acceptance.default_greeting(flow.name, find_language(call))
