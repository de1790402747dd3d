"""The scripts that only our own requests to the line begin: of an answered call out, a transfer, and a message.

A message is left at a machine when its own message is over. Until then the machine hears the talk, because a person
must hear us at once. The further steps of these calls are those of all calls (`scripts`).
"""

from __future__ import annotations

from switchboard import telemetry
from switchboard.accounts import organizations
from switchboard.aws.writes import Writes
from switchboard.calls import (
    acceptance,
    changes,
    machines,
    scripts,
    store,
    talks,
    task_context,
    timeouts,
    transfer_targets,
)
from switchboard.calls.changes import CallChange
from switchboard.calls.models import AGENT_SPEAKER, OVER_STATES, Call
from switchboard.calls.timeouts import leg_of
from switchboard.carriers import voice
from switchboard.carriers.spoken import fill_variables
from switchboard.carriers.voice.ports.line import BeginMessage
from switchboard.carriers.voice.ports.reports import Turn
from switchboard.carriers.voice.ports.script import Connect, Say, Script
from switchboard.compliance import disclosures, machine_messages
from switchboard.kit import clock
from switchboard.persistence.collection import next_version

#: The number of the turn that is the message for a machine: after all turns of the talk.
MESSAGE_TURN = 99_999


def begin_script(call: Call) -> Script:
    """Returns the first script of a call out, for the person or the machine that answered."""
    if not machines.may_hear_us(call):
        return scripts.HANG_UP
    flow = talks.get_flow(call)
    talk = scripts.begin_talk(call, flow)
    # An apology is not recorded, so it needs no announcement.
    announced = scripts.announce_recording(call, flow) if flow and isinstance(talk[0], Connect) else ()
    return *announced, *talk


def begin_transfer(call: Call, to_number: str) -> Script:
    """Returns the script that transfers a call to a number that our side named."""
    if call.state in OVER_STATES or not transfer_targets.may_transfer_to(call, to_number):
        return scripts.HANG_UP
    return scripts.transfer_script(call, to_number)


def begin_message(call: Call) -> Script:
    """Returns the script that leaves the flow's message at a machine, and notes it. Asked again, it is the same."""
    message = talks.find_machine_message(call, talks.get_flow(call))
    if message is None:
        return scripts.HANG_UP
    text, language = _message_text(call, message), talks.find_language(call)

    def decide(found: Call) -> CallChange:
        if found.message_left_at is not None or not machines.may_hear_us(found):
            return None
        after = next_version(found, message_left_at=clock.now_iso())
        return after, [changes.event_writes(after, "voice.call.message_left"), _turn_writes(after, text)]

    store.CALLS.change_object(call.org_id, call.id, decide)
    now = store.CALLS.get_object(call.org_id, call.id)
    if now is None or now.message_left_at is None or not machines.may_hear_us(now):
        telemetry.log_skip("the call takes no message now", org_id=call.org_id, call_id=call.id)
        return scripts.HANG_UP
    return Say(text, language), *scripts.HANG_UP


def leave_message(org_id: str, call_id: str) -> None:
    """Tells the line to leave the flow's message at a machine, for a job. Without a message the line hangs up.

    Does nothing if the line has it, or the call takes no message.
    """
    call = store.CALLS.get_object(org_id, call_id)
    if call is None or call.message_left_at is not None or not machines.may_hear_us(call):
        telemetry.log_skip("the message is left, or the call takes none", org_id=org_id, call_id=call_id)
        return
    if talks.find_machine_message(call, talks.get_flow(call)) is None:
        hang_up_machine(org_id, call_id)
        return
    line = acceptance.select_carrier(call.simulated).line
    if not line.asks_for_script():
        begin_message(call)
    try:
        line.control_call(leg_of(call), BeginMessage())
    except voice.RefusedError as refused:
        telemetry.log_skip(f"the line leaves no message: {refused}", org_id=org_id, call_id=call_id)


def hang_up_machine(org_id: str, call_id: str) -> None:
    """Hangs up a call that a machine answered, for a job. A flow that leaves a message waits for the machine's end.

    Does nothing if the person spoke: then the detection was wrong.
    """
    call = store.CALLS.get_object(org_id, call_id)
    if call is None or not machines.may_hear_us(call):
        telemetry.log_skip("the call is over, or moved on", org_id=org_id, call_id=call_id)
        return
    if not machines.is_fax(call) and talks.find_machine_message(call, talks.get_flow(call)) is not None:
        telemetry.log_skip("the flow leaves a message at the machine", org_id=org_id, call_id=call_id)
        return
    if machines.has_person_spoken(call):
        telemetry.log_skip("a person spoke", org_id=org_id, call_id=call_id)
        return
    timeouts.hang_up_call(org_id, call_id)


def _turn_writes(call: Call, text: str) -> Writes:
    """Returns the writes of the message as a turn of the agent."""
    begun = call.answered_at or call.created_at
    start = max(0, round((clock.now() - clock.parse(begun)).total_seconds() * 1_000))
    turn = Turn(number=MESSAGE_TURN, speaker=AGENT_SPEAKER, text=text, start_ms=start, end_ms=start)
    told = changes.event_writes(call, "voice.call.turn", number=turn.number, speaker=turn.speaker, characters=len(text))
    return [store.turn_writes(call, turn), told]


def _message_text(call: Call, message: str) -> str:
    org = organizations.get_organization(call.org_id)
    needs = disclosures.find_required(acceptance.contact_attempt(org, call.order))
    text = fill_variables(message, task_context.call_variables(store.add_texts(call)))
    return machine_messages.write_message(text, needs, org.name, call.from_number, talks.find_language(call))
