"""The scripts of a call, in and out. Each is a function of the call, its flow and the result of the last step.

A repeated or late callback finds the call further on. It gets the script of the place where the call is now, so it
changes nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from switchboard.calls import changes, holds, store, talks, transfer_targets
from switchboard.calls.changes import CallChange
from switchboard.calls.introductions import introduce
from switchboard.calls.jobs import CloseVoicemail
from switchboard.calls.models import OVER_STATES, Call, CallerMessageState, Declined
from switchboard.calls.reports import decide_report
from switchboard.calls.spoken_texts import SpokenText, find_refusal, find_text
from switchboard.carriers.voice.ports.incoming import DialEnd, TalkEnd
from switchboard.carriers.voice.ports.reports import EndReason, Report
from switchboard.carriers.voice.ports.script import (
    Connect,
    Dial,
    Hangup,
    Record,
    Reject,
    Say,
    Script,
    StartRecording,
    StopRecording,
)
from switchboard.flows.models import Flow
from switchboard.kit import clock
from switchboard.persistence.collection import next_version
from switchboard.timers import service as timers

#: How long the other number of a transfer rings, in seconds: about five rings.
TRANSFER_RING_SECONDS = 25
#: The longest message of a caller, in seconds.
MAX_MESSAGE_SECONDS = 180
#: How long to wait for the recording of a message. Providers have it within minutes.
VOICEMAIL_LIMIT = timedelta(hours=2)

HANG_UP: Script = (Hangup(),)
REJECT: Script = (Reject(),)


def begin_script(call: Call) -> Script:
    """Returns the first script of a call in."""
    if call.end_reason is EndReason.BLOCKED:
        return REJECT
    if call.state in OVER_STATES:
        return HANG_UP
    say = speaker_of(call)
    if call.declined is Declined.BUSY and (busy := talks.get_flow(call)) and busy.voicemail_enabled:
        return _offer_message(call, busy, (say(SpokenText.ALL_BUSY),))
    if call.declined is not None:
        return say(SpokenText.TROUBLE, find_refusal(call.declined, talks.find_language(call))), *HANG_UP
    flow = talks.get_flow(call)
    if flow is None:
        return say(SpokenText.NOT_IN_SERVICE), *HANG_UP
    return _open_flow(call, flow)


def _open_flow(call: Call, flow: Flow) -> Script:
    """Returns the script with which a flow takes a call, from the line or from another flow: its hours come first."""
    if not call.meets_closed_flow:
        return *announce_recording(call, flow), *begin_talk(call, flow)
    closed = speaker_of(call)(SpokenText.AFTER_HOURS, flow.after_hours_message)
    message = _offer_message(call, flow, ()) if flow.voicemail_enabled else HANG_UP
    return *announce_recording(call, flow), closed, *message


def announce_recording(call: Call, flow: Flow) -> Script:
    """Returns the start or the end of the recording, if the flow records its calls and the flow before did not.

    A call is recorded only if the person hears it first: many states ask for the consent of both sides.
    """
    before, now = call.recording_talk, talks.find_recording(call, flow)
    if now == before:
        return ()
    if now is None:
        return (StopRecording(_recording_name(before)),)
    said = speaker_of(call)(SpokenText.RECORDED)
    return Say(introduce(call, said.text), said.language), StartRecording(_recording_name(now))


def _recording_name(talk: int | None) -> str:
    return f"talk-{talk or 0}"


def _end_recording(call: Call) -> Script:
    """Returns the end of the recording, if one may run. Of a call that was turned away nothing is recorded."""
    flow = talks.get_flow(call) if call.declined is None else None
    running = talks.find_recording(call, flow) if flow else None
    return () if running is None else (StopRecording(_recording_name(running)),)


def continue_after_talk(call: Call, talk: int, end: TalkEnd) -> Script:
    """Returns the script after talk number `talk`: a transfer, a message, or the end."""
    flow = talks.get_flow(call)
    if call.state in OVER_STATES or flow is None or talk > call.talk:
        return HANG_UP
    if talk < call.talk:
        # The callback came twice: another flow has the call already.
        return _open_flow(call, flow)
    if call.voicemail is not None:
        return _offer_message(call, flow, ())
    label = end.transfer_to
    number = call.transfer_target or (_find_number(call, flow, label) if label is not None else None)
    if number is not None:
        return transfer_script(call, number)
    if (
        label is not None
        and label in flow.flow_transfer_map
        and (moved := talks.switch_flow(call, flow.flow_transfer_map[label]))
    ):
        target = talks.get_flow(moved)
        return _open_flow(moved, target) if target else HANG_UP
    if end.leaves_message or label is not None:
        return _give_up(call, flow)
    return _fail_talk(call, flow) if end.failed else HANG_UP


def continue_after_dial(call: Call, end: DialEnd, *, over: bool) -> Script:
    """Returns the script after a transfer. If nobody answered, the caller may leave a message.

    `over` means that the caller hung up. A transfer that connected counts then, too, and after the end of the call.
    """
    if end.connected and call.transfer_target is not None:
        told = Report(
            org_id=call.org_id,
            call_id=call.id,
            kind="transferred",
            to=call.transfer_target,
            duration_seconds=end.seconds,
        )
        store.CALLS.change_object(call.org_id, call.id, lambda found: decide_report(found, told))
        return HANG_UP
    flow = talks.get_flow(call)
    if over or call.state in OVER_STATES or flow is None or call.transfer_target is None:
        return HANG_UP
    return _give_up(call, flow)


def continue_after_record(call: Call, *, spoken: bool) -> Script:
    """Returns the script after a message. The recording itself is reported separately.

    `spoken` means that the caller left a message, so its recording will come.
    """

    def decide(found: Call) -> CallChange:
        if not spoken or found.voicemail is not CallerMessageState.OFFERED:
            return None
        return next_version(found, voicemail=CallerMessageState.LEFT), None

    # Also after the end: a caller may end the message by hanging up.
    store.CALLS.change_object(call.org_id, call.id, decide)
    if call.state in OVER_STATES:
        return HANG_UP
    return speaker_of(call)(SpokenText.THANKS), *HANG_UP


def speaker_of(call: Call) -> Callable[..., Say]:
    """Returns the function that says one of our texts, or the flow's own text, in the language of the call."""
    language = talks.find_language(call)

    def say(which: SpokenText, own: str | None = None) -> Say:
        return Say(own or find_text(which, language), language)

    return say


def begin_talk(call: Call, flow: Flow | None) -> Script:
    """Returns the script that connects the present talk of a call."""
    opened = talks.open_talk(call, flow)
    if opened is None:
        return _fail_talk(call, flow)
    if opened.state in OVER_STATES or opened.connect is None:
        return HANG_UP
    return (Connect(opened.org_id, opened.id, opened.connect, opened.talk),)


def transfer_script(call: Call, to_number: str) -> Script:
    """Returns the script that transfers a call. A call that is being transferred already keeps its target.

    The recording ends first: the person with the other number has heard no announcement, and many states ask for the
    consent of everybody.
    """
    call = _begin_transfer(call, to_number)
    if call.state in OVER_STATES or call.transfer_target is None:
        return HANG_UP
    longest = transfer_targets.longest_seconds(call)
    return *_end_recording(call), Dial(call.transfer_target, call.own_number, TRANSFER_RING_SECONDS, longest)


def _find_number(call: Call, flow: Flow, label: str) -> str | None:
    number = flow.transfer_map.get(label)
    return number if number and transfer_targets.may_transfer_to(call, number) else None


def _begin_transfer(call: Call, to_number: str) -> Call:
    if call.transfer_target is not None:
        return call
    longest = transfer_targets.longest_seconds(call)

    def decide(found: Call) -> CallChange:
        if found.transfer_target is not None or found.talk != call.talk or found.state in OVER_STATES:
            return None
        minutes, hold_write = holds.take_transfer_hold(found, longest)
        return next_version(found, transfer_target=to_number, held_minutes=minutes), hold_write

    found = store.CALLS.change_object(call.org_id, call.id, decide) or store.CALLS.get_object(call.org_id, call.id)
    return found or call


def _fail_talk(call: Call, flow: Flow | None) -> Script:
    """Returns the script when the talker fails. A person whom we called did not ask to leave a message."""
    return apologize(call) if call.direction == "OUTBOUND" or flow is None else _give_up(call, flow)


def _give_up(call: Call, flow: Flow) -> Script:
    """Returns the script when nobody talks to the person: a message if the flow takes messages, else an apology."""
    if flow.voicemail_enabled:
        return _offer_message(call, flow, (speaker_of(call)(SpokenText.NOT_REACHED),))
    return apologize(call)


def apologize(call: Call) -> Script:
    """Returns the script that apologizes and ends a call."""
    said = speaker_of(call)(SpokenText.TROUBLE if call.direction == "INBOUND" else SpokenText.CANNOT_TALK)
    return Say(introduce(call, said.text), said.language), *HANG_UP


def _offer_message(call: Call, flow: Flow, before: Script) -> Script:
    """Asks the caller to leave a message, and waits for its recording.

    The recording of the call ends first. Else it would have the message, and keep it when the voicemail is deleted.
    Only the simulator is asked for a text: a line transcribes two minutes at most, in English, and for money.
    """
    # The text of a flow that calls is for machines.
    own = flow.voicemail_leave_message if flow.kind == "inbound" else None
    asked = speaker_of(call)(SpokenText.LEAVE_MESSAGE, own)

    def decide(found: Call) -> CallChange:
        if found.voicemail is not None or found.state in OVER_STATES:
            return None
        after = next_version(found, voicemail=CallerMessageState.OFFERED, message_language=asked.language)
        job = CloseVoicemail(org_id=found.org_id, call_id=found.id)
        return after, [
            timers.schedule(job, clock.now() + VOICEMAIL_LIMIT).write,
            changes.event_writes(after, "voice.call.voicemail_offered"),
        ]

    store.CALLS.change_object(call.org_id, call.id, decide)
    # A line that continues after the message has recorded nothing.
    bye = speaker_of(call)(SpokenText.GOODBYE if call.direction == "INBOUND" else SpokenText.DONE)
    record = Record(MAX_MESSAGE_SECONDS, transcribe=call.reaches_nobody)
    return *_end_recording(call), *before, asked, record, bye, *HANG_UP
