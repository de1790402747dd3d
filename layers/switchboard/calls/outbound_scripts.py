"""The scripts that only our own requests to the line begin: of an answered call out, a transfer, and a message.

A message is left at a machine when its own message is over. Until then the machine hears the talk, because a person
must hear us at once. The further steps of these calls are those of all calls (`scripts`).
"""

from __future__ import annotations

from switchboard import telemetry
from switchboard.accounts import organizations
from switchboard.calls import acceptance, changes, scripts, store, talk_texts, talks, transfer_targets
from switchboard.calls.changes import CallChange
from switchboard.calls.models import OVER_STATES, Call
from switchboard.calls.timeouts import leg_of
from switchboard.carriers import voice
from switchboard.carriers.spoken import fill_variables
from switchboard.carriers.voice.ports.line import BeginMessage
from switchboard.carriers.voice.ports.script import Say, Script
from switchboard.kit import clock
from switchboard.persistence.collection import next_version


def begin_script(call: Call) -> Script:
    """Returns the first script of a call out, for the person or the machine that answered."""
    if call.state in OVER_STATES or call.opted_out_at is not None:
        return scripts.HANG_UP
    flow = talks.get_flow(call)
    announced = scripts.announce_recording(call, flow) if flow else ()
    return *announced, *scripts.begin_talk(call, flow)


def begin_transfer(call: Call, to_number: str) -> Script:
    """Returns the script that transfers a call to a number that our side named."""
    if call.state in OVER_STATES or not transfer_targets.may_transfer_to(call, to_number):
        return scripts.HANG_UP
    return scripts.transfer_script(call, to_number)


def begin_message(call: Call) -> Script:
    """Returns the script that leaves the flow's message at a machine, with the disclosures of a call."""
    message = talks.find_machine_message(talks.get_flow(call))
    if call.state in OVER_STATES or message is None:
        return scripts.HANG_UP
    text, language = _message_text(call, message), talks.find_language(call)

    def decide(found: Call) -> CallChange:
        if found.message_left_at is not None or found.state in OVER_STATES:
            return None
        after = next_version(found, message_left_at=clock.now_iso())
        return after, changes.event_writes(after, "voice.call.message_left")

    store.CALLS.change_object(call.org_id, call.id, decide)
    return Say(text, language), *scripts.HANG_UP


def leave_message(org_id: str, call_id: str) -> None:
    """Tells the line to leave the flow's message, for a job. Does nothing if the line has it, or the call is over."""
    call = store.CALLS.get_object(org_id, call_id)
    if call is None or talks.find_machine_message(talks.get_flow(call)) is None:
        telemetry.log_skip("the call has no message for a machine", org_id=org_id, call_id=call_id)
        return
    if call.message_left_at is not None or call.state in OVER_STATES:
        telemetry.log_skip("the message is left, or the call is over", org_id=org_id, call_id=call_id)
        return
    try:
        acceptance.select_carrier(call.simulated).line.control_call(leg_of(call), BeginMessage())
    except voice.RefusedError as refused:
        telemetry.log_skip(f"the line leaves no message: {refused}", org_id=org_id, call_id=call_id)


def _message_text(call: Call, message: str) -> str:
    org = organizations.get_organization(call.org_id)
    order = call.order.model_copy(update={"greeting": message})
    text = acceptance.build_greeting(org, order, call.agent_name, talks.find_language(call))
    return fill_variables(text, talk_texts.find_variables(talk_texts.add_texts(call)))
