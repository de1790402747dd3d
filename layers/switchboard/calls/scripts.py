"""The scripts of a call in. Each is a function of the call, its flow and the result of the last step.

A repeated or late callback finds the call further on. It gets the script of the place where the call is now, so it
changes nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from switchboard import telemetry
from switchboard.calls import changes, store, talks
from switchboard.calls.changes import CallChange
from switchboard.calls.ending import TALK_LIMIT
from switchboard.calls.jobs import CloseVoicemail
from switchboard.calls.models import OVER_STATES, Call, CallerMessageState
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
)
from switchboard.compliance import phone
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
    say = _speaker(call)
    if call.declined is not None:
        return say(SpokenText.TROUBLE, find_refusal(call.declined, talks.find_language(call))), *HANG_UP
    flow = talks.get_flow(call)
    if flow is None:
        return say(SpokenText.NOT_IN_SERVICE), *HANG_UP
    if call.after_hours:
        closed = say(SpokenText.AFTER_HOURS, flow.after_hours_message)
        return closed, *(_offer_message(call, flow, ()) if flow.voicemail_enabled else HANG_UP)
    announced: Script = ()
    if flow.announce_recording and call.talk == 0:
        # A call is recorded only if the caller hears it first: many states ask for the consent of both sides.
        announced = (say(SpokenText.RECORDED), StartRecording())
    return *announced, *_talk(call, flow)


def continue_after_talk(call: Call, talk: int, end: TalkEnd) -> Script:
    """Returns the script after talk number `talk`: a transfer, a message, or the end."""
    flow = talks.get_flow(call)
    if call.state in OVER_STATES or flow is None or talk > call.talk:
        return HANG_UP
    if talk < call.talk:
        # The callback came twice: another flow talks already.
        return _talk(call, flow)
    if call.voicemail is not None:
        return _offer_message(call, flow, ())
    label = end.transfer_to
    if call.transfer_target is None and label is not None and (number := _find_number(call, flow, label)):
        call = _begin_transfer(call, number)
    if call.transfer_target is not None:
        return (_dial(call, call.transfer_target),)
    if (
        label is not None
        and label in flow.flow_transfer_map
        and (moved := talks.switch_flow(call, flow.flow_transfer_map[label]))
    ):
        target = talks.get_flow(moved)
        return _talk(moved, target) if target else HANG_UP
    if end.leaves_message or end.failed or label is not None:
        return _give_up(call, flow)
    return HANG_UP


def continue_after_dial(call: Call, end: DialEnd) -> Script:
    """Returns the script after a transfer. If nobody answered, the caller may leave a message."""
    flow = talks.get_flow(call)
    if call.state in OVER_STATES or flow is None or call.transfer_target is None:
        return HANG_UP
    if end.connected:
        told = Report(org_id=call.org_id, call_id=call.id, kind="transferred", to=call.transfer_target)
        store.CALLS.change_object(call.org_id, call.id, lambda found: decide_report(found, told))
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
    return _speaker(call)(SpokenText.THANKS), *HANG_UP


def _speaker(call: Call) -> Callable[..., Say]:
    language = talks.find_language(call)

    def say(which: SpokenText, own: str | None = None) -> Say:
        return Say(own or find_text(which, language), language)

    return say


def _talk(call: Call, flow: Flow) -> Script:
    opened = talks.open_talk(call, flow)
    if opened is None:
        return _give_up(call, flow)
    if opened.state in OVER_STATES or opened.connect is None:
        return HANG_UP
    return (Connect(opened.org_id, opened.id, opened.connect, opened.talk),)


def _dial(call: Call, to_number: str) -> Dial:
    return Dial(to_number, call.to_number, TRANSFER_RING_SECONDS, int(TALK_LIMIT.total_seconds()))


def _find_number(call: Call, flow: Flow, label: str) -> str | None:
    """Returns the number of a label, unless its calls pay its holder: fraudsters place such calls at our cost."""
    number = flow.transfer_map.get(label)
    if number and phone.is_costly(number):
        telemetry.log_skip("the number of the transfer is too costly", org_id=call.org_id, call_id=call.id)
        return None
    return number


def _begin_transfer(call: Call, to_number: str) -> Call:
    def decide(found: Call) -> CallChange:
        if found.transfer_target is not None or found.talk != call.talk or found.state in OVER_STATES:
            return None
        return next_version(found, transfer_target=to_number), None

    found = store.CALLS.change_object(call.org_id, call.id, decide) or store.CALLS.get_object(call.org_id, call.id)
    return found or call


def _give_up(call: Call, flow: Flow) -> Script:
    """Returns the script when nobody talks to the caller: a message if the flow takes messages, else an apology."""
    say = _speaker(call)
    if flow.voicemail_enabled:
        return _offer_message(call, flow, (say(SpokenText.NOT_REACHED),))
    return say(SpokenText.TROUBLE), *HANG_UP


def _offer_message(call: Call, flow: Flow, before: Script) -> Script:
    """Asks the caller to leave a message, and waits for its recording."""

    def decide(found: Call) -> CallChange:
        if found.voicemail is not None or found.state in OVER_STATES:
            return None
        after = next_version(found, voicemail=CallerMessageState.OFFERED)
        job = CloseVoicemail(org_id=found.org_id, call_id=found.id)
        return after, [
            timers.schedule(job, clock.now() + VOICEMAIL_LIMIT).write,
            changes.event_writes(after, "voice.call.voicemail_offered"),
        ]

    store.CALLS.change_object(call.org_id, call.id, decide)
    asked = _speaker(call)(SpokenText.LEAVE_MESSAGE, flow.voicemail_leave_message)
    # A line that continues after the message has recorded nothing.
    return *before, asked, Record(MAX_MESSAGE_SECONDS, transcribe=True), _speaker(call)(SpokenText.GOODBYE), *HANG_UP
