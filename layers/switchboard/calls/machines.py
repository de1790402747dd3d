"""Decides what follows when a machine answered a call out: the flow's message is left there, or the line hangs up.

Detection misjudges people. So nothing interrupts a person who spoke, asked for no more calls or is being transferred.
"""

from __future__ import annotations

from switchboard.aws.writes import Writes
from switchboard.calls import ending, store
from switchboard.calls.jobs import HangUpMachine, LeaveMessage
from switchboard.calls.models import AGENT_SPEAKER, OVER_STATES, Call
from switchboard.timers import service as timers


def may_hear_us(call: Call) -> bool:
    """Whether the one who answered a call out may still hear our own words: the first script, or a message."""
    moved = call.transfer_target is not None or call.transferred_to is not None
    return call.state not in OVER_STATES and call.opted_out_at is None and not moved and call.voicemail is None


def machine_writes(call: Call) -> Writes:
    """Returns the job for a call out that a machine answered. The job reads the flow, and checks the call again."""
    if call.direction != "OUTBOUND" or not ending.is_machine(call.answered_by) or not may_hear_us(call):
        return None
    if call.message_left_at is not None:
        return None
    job = LeaveMessage if is_ready_for_message(call) else HangUpMachine
    return timers.job_write(job(org_id=call.org_id, call_id=call.id))


def is_ready_for_message(call: Call) -> bool:
    """Whether the machine's own message is over, so that ours may begin."""
    return str(call.answered_by).startswith("machine_end")


def is_fax(call: Call) -> bool:
    """Whether a fax answered. No message is left there."""
    return call.answered_by == "fax"


def has_person_spoken(call: Call) -> bool:
    """Whether a final turn of the other party is recorded. Each key that we record is an opt-out."""
    return any(turn.final and turn.speaker != AGENT_SPEAKER for turn in store.list_turns(call.org_id, call.id))
