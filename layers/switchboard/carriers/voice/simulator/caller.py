"""The simulated callers: each calls one of our numbers, and does what our script says, verb by verb.

A caller is a small Twilio. It posts signed forms to the number's callbacks, reads TwiML, and reports the end and the
recordings. A message of the queue performs one step, and the next message follows. A killed worker performs its step
again, so callbacks come twice, as they do from Twilio.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC
from email.utils import format_datetime
from typing import Any

from switchboard import telemetry
from switchboard.aws import queues
from switchboard.carriers import magic_numbers
from switchboard.carriers.voice.ports.line import Snapshot
from switchboard.carriers.voice.ports.reports import EndReason, Report, ReportKind, Turn
from switchboard.carriers.voice.ports.tools import TalkToolCall
from switchboard.carriers.voice.simulator import (
    caller_state,
    course,
    replies,
    speech_audio,
    state,
    tool_calls,
    twiml_reader,
)
from switchboard.carriers.voice.simulator.caller_state import SimulatedCaller
from switchboard.carriers.voice.simulator.course import TalkScript
from switchboard.carriers.voice.simulator.forms import (
    SIMULATOR_QUEUE,
    CallbackRefusedError,
    LocalReceiver,
    post_form,
    sign_form,
)
from switchboard.carriers.voice.simulator.replies import TalkReply
from switchboard.carriers.voice.simulator.tool_calls import ToolReceiver
from switchboard.carriers.voice.twilio import accounts
from switchboard.carriers.voice.twilio.urls import BASE_PATH
from switchboard.kit import clock, texts
from switchboard.kit.jobs import QueueMessage

#: The characters of a tool's result that the talker says.
_MAX_SAID_CHARACTERS = 200
_NOTHING_SAID = TalkScript(lines=[], summary="Nothing was said.")


def start_call(caller: SimulatedCaller) -> None:
    """Makes a call in. Its steps follow from the queue."""
    caller_state.save_caller(caller, before=None)
    queue_step(caller)


def fetch_caller(org_id: str, call_sid: str | None) -> Snapshot | None:
    """Returns the state of a call in at the simulated line, or `None` for an unknown call."""
    caller = caller_state.get_caller(org_id, call_sid) if call_sid else None
    if caller is None:
        return None
    return Snapshot(
        over=caller.end_status is not None,
        answered=caller.answered_at is not None,
        provider_call_id=caller.call_sid,
        answered_at=caller.answered_at,
        ended_at=caller.ended_at,
        end_reason=EndReason.COMPLETED.value if caller.end_status else None,
        duration_seconds=caller.seconds if caller.end_status else None,
    )


def hang_up_on_caller(org_id: str, call_sid: str | None) -> None:
    """Ends a call in from our side, and reports the end. Reports again if repeated."""
    caller = caller_state.get_caller(org_id, call_sid) if call_sid else None
    if caller is not None:
        _finish(caller)


def handle_message(body: dict[str, Any], receive: LocalReceiver, use_tool: ToolReceiver) -> None:
    """Handles a message of the queue about a caller: a step, or a callback to post. Raises CallbackRefusedError."""
    caller = caller_state.get_caller(body["org_id"], body["call_sid"])
    if caller is None:
        telemetry.log_skip("the simulated caller is gone", org_id=body["org_id"], call_sid=body["call_sid"])
        return
    if "post" in body:
        _post(caller, body["post"], body["form"], receive)
        return
    if caller.end_status is not None:
        # If the worker was killed between the end and its reports, they are queued now.
        _queue_reports(caller)
        return
    if caller.step != body["step"]:
        telemetry.log_skip("the step was performed before", org_id=caller.org_id, step=body["step"])
        # The message of the next step may be lost: the step was stored before it was sent.
        queue_step(caller)
        return
    after = _perform(caller, receive, use_tool)
    if after is None:
        _finish(caller)
        return
    advanced = after.model_copy(update={"step": caller.step + 1})
    if caller_state.save_caller(advanced, before=caller.step):
        queue_step(advanced)


def _perform(caller: SimulatedCaller, receive: LocalReceiver, use_tool: ToolReceiver) -> SimulatedCaller | None:
    """Performs the next step. Returns the caller after it, `None` at the end of the call."""
    if caller.step == 0:
        return _begin(caller, receive)
    if caller.has_hung_up and not caller.talking:
        _hang_up(caller, receive)
        return None
    if caller.talking:
        return _talk(caller, receive, use_tool)
    if not caller.script:
        return None
    verb, *rest = caller.script
    left = caller.model_copy(update={"script": rest})
    match verb["verb"]:
        case "Say" | "Play":
            return left
        case "Start":
            return left.model_copy(update=_recording_of(verb))
        case "Stop":
            return _stop_recording(left, verb)
        case "Connect":
            return _connect(left, verb)
        case "Dial":
            return _ask(left, verb["action"], receive, **_dial(verb))
        case "Record":
            return _record(left, verb, receive)
        case "Redirect":
            return _ask(left, verb["text"], receive)
        case _:
            return None


def _hang_up(caller: SimulatedCaller, receive: LocalReceiver) -> None:
    """Ends the call from the person's side: at once, or in the talk with the other number of a transfer."""
    script = list(caller.script)
    while script and script[0]["verb"] in ("Say", "Play", "Start", "Stop"):
        script.pop(0)
    if script and script[0]["verb"] == "Dial":
        _ask(caller, script[0]["action"], receive, CallStatus="completed", **_dial(script[0]))


def _recording_of(start: dict[str, Any]) -> dict[str, Any]:
    """Returns the facts of the recording that a verb starts, if it starts one."""
    named = [noun.get("name", "call") for noun in start["nouns"] if noun["verb"] == "Recording"]
    return {"recording": True, "recording_name": named[0]} if named else {}


def _stop_recording(caller: SimulatedCaller, stop: dict[str, Any]) -> SimulatedCaller:
    """Ends the recording with the name that the verb has, and reports it."""
    if not (caller.recording and _recording_of(stop).get("recording_name") == caller.recording_name):
        return caller
    _report_recording(caller)
    return caller.model_copy(update={"recording": False})


def _report_recording(caller: SimulatedCaller) -> None:
    sid = _recording_sid(caller, caller.recording_name)
    caller_state.save_recording(caller.org_id, caller.call_sid, sid, caller.says[: caller.said])
    made = {"RecordingSid": sid, "RecordingStatus": "completed", "RecordingDuration": str(caller.seconds)}
    url = f"{BASE_PATH}{caller.number_id}/recording"
    _queue_post(caller, url, made | {"RecordingSource": "StartCallRecordingTwiML"}, 1)


def _begin(caller: SimulatedCaller, receive: LocalReceiver) -> SimulatedCaller | None:
    found = _ask(caller, "", receive, CallStatus="ringing")
    if found.script and found.script[0]["verb"] == "Reject":
        return None
    return found.model_copy(update={"answered_at": clock.now_iso()})


def _connect(caller: SimulatedCaller, verb: dict[str, Any]) -> SimulatedCaller:
    stream = verb["nouns"][0]
    named = {noun["name"]: noun["value"] for noun in stream["nouns"] if noun["verb"] == "Parameter"}
    facts = {
        "script": [verb, *caller.script],
        "talking": True,
        "call_id": named.get("call_id"),
        "conversation_id": stream["url"].rpartition("/")[2],
    }
    talk = _find_talk(caller.model_copy(update=facts))
    return _speak(caller.model_copy(update=facts), *(("agent", text) for _, text in talk.lines))


def _talk(caller: SimulatedCaller, receive: LocalReceiver, use_tool: ToolReceiver) -> SimulatedCaller | None:
    """Lets the person say the next line, and the talker answer. Ends the talk when nothing is left to say."""
    connect, *rest = caller.script
    over = caller.model_copy(update={"talking": False, "script": rest})
    if caller.has_hung_up:
        _ask(over, connect["action"], receive, CallStatus="completed")
        return None
    if caller.leaves_message:
        reply = replies.reply_to(replies.WANTS_MESSAGE, 0, _find_talk(caller))
        said = _speak(over, ("caller", replies.WANTS_MESSAGE), ("agent", reply.text))
        return _hand_off(said, connect, reply.handoff, receive)
    if caller.said >= len(caller.says):
        return _hand_off(_speak(over, ("agent", replies.GOODBYE)), connect, None, receive)
    line = caller.says[caller.said]
    reply = replies.reply_to(line, caller.said, _find_talk(caller))
    if reply.tool is not None:
        said = _speak(caller, ("caller", line), ("agent", _use_tool(caller, reply, use_tool)))
        return said.model_copy(update={"said": caller.said + 1})
    spoken = caller if reply.handoff is None else over
    said = _speak(spoken, ("caller", line), ("agent", reply.text)).model_copy(update={"said": caller.said + 1})
    return said if reply.handoff is None else _hand_off(said, connect, reply.handoff, receive)


def _use_tool(caller: SimulatedCaller, reply: TalkReply, use_tool: ToolReceiver) -> str:
    """Lets the platform run a tool, and returns the talker's words. A repeated step has the same id of the use."""
    assert caller.call_id is not None, "a talk has a call"
    assert reply.tool is not None, "the reply uses a tool"
    asked = TalkToolCall(
        org_id=caller.org_id,
        call_id=caller.call_id,
        use_id=f"use_{caller.turns}",
        name=reply.tool,
        arguments=reply.arguments or {},
    )
    found = tool_calls.ask_for_tool(asked, use_tool)
    return f"{reply.text} {found.text.rpartition(chr(10))[2][:_MAX_SAID_CHARACTERS]}"


def _hand_off(
    caller: SimulatedCaller, connect: dict[str, Any], wish: dict[str, Any] | None, receive: LocalReceiver
) -> SimulatedCaller:
    more = {"HandoffData": json.dumps(wish)} if wish else {}
    return _ask(caller, connect["action"], receive, SessionStatus="ended", **more)


def _find_talk(caller: SimulatedCaller) -> TalkScript:
    found = state.get_talk(caller.org_id, caller.call_id) if caller.call_id else None
    return found or _NOTHING_SAID


def _speak(caller: SimulatedCaller, *lines: tuple[str, str]) -> SimulatedCaller:
    """Reports turns of both sides, which last until the next step. A repeated step has the same numbers."""
    assert caller.answered_at is not None, "nobody talks before the answer"
    passed = round((clock.now() - clock.parse(caller.answered_at)).total_seconds() * 1_000)
    times = course.spread_speech([text for _, text in lines], max(caller.at_ms, passed), caller.step_seconds)
    for number, ((speaker, text), (start, end)) in enumerate(zip(lines, times, strict=True), caller.turns):
        _report(caller, "turn", turn=Turn(number=number, speaker=speaker, text=text, start_ms=start, end_ms=end))
    known = {"turns": caller.turns + len(lines), "at_ms": times[-1][1] if times else caller.at_ms}
    return caller.model_copy(update=known)


def _dial(verb: dict[str, Any]) -> dict[str, str]:
    """Returns the result of a transfer. Magic numbers do not answer."""
    outcome = magic_numbers.MAGIC_NUMBERS.get(next((noun["text"] for noun in verb["nouns"]), ""))
    statuses = {"busy": "busy", "no_answer": "no-answer", "failed": "failed", "unreachable": "failed"}
    return {"DialCallStatus": statuses.get(outcome.value if outcome else "", "completed"), "DialCallDuration": "30"}


def _record(caller: SimulatedCaller, verb: dict[str, Any], receive: LocalReceiver) -> SimulatedCaller:
    """Records the person's other lines as a message. The recording is reported a step later."""
    lines = caller.says[caller.said : caller.hang_up_after]
    sid = _recording_sid(caller, "message")
    caller_state.save_recording(caller.org_id, caller.call_sid, sid, lines)
    facts = {"RecordingSid": sid, "RecordingDuration": str(speech_audio.speech_seconds(" ".join(lines)))}
    if lines:
        status = {**facts, "RecordingStatus": "completed", "RecordingSource": "RecordVerb"}
        _queue_post(caller, verb["recordingStatusCallback"], status, 1)
        if "transcribeCallback" in verb:
            text = {"RecordingSid": sid, "TranscriptionStatus": "completed", "TranscriptionText": " ".join(lines)}
            _queue_post(caller, verb["transcribeCallback"], text, 1)
    else:
        status = {"RecordingSid": sid, "RecordingStatus": "absent", "RecordingSource": "RecordVerb"}
        _queue_post(caller, verb["recordingStatusCallback"], status, 1)
    said = caller.model_copy(update={"said": len(caller.says)})
    return _ask(said, verb["action"], receive, **facts) if lines else said


def _ask(caller: SimulatedCaller, url: str, receive: LocalReceiver, **facts: str) -> SimulatedCaller:
    """Posts a form, and returns the caller with the script of the answer."""
    xml = _post(caller, _path_of(caller, url), facts, receive)
    return caller.model_copy(update={"script": twiml_reader.read_verbs(xml)})


def _path_of(caller: SimulatedCaller, url: str) -> str:
    # The settings of retries in the fragment are no part of a request.
    return url[url.index(BASE_PATH) :].partition("#")[0] if url else f"{BASE_PATH}{caller.number_id}"


def _post(caller: SimulatedCaller, path: str, facts: dict[str, str], receive: LocalReceiver) -> str:
    return post_form(sign_form(caller.org_id, path, {**_usual(caller), **facts}), receive)


def _usual(caller: SimulatedCaller) -> dict[str, str]:
    """Returns the parameters that every form has."""
    return {
        "AccountSid": accounts.simulated_account_sid(caller.org_id),
        "ApiVersion": "2010-04-01",
        "CallSid": caller.call_sid,
        "CallStatus": "in-progress",
        "Direction": "inbound",
        "From": caller.from_number,
        "To": caller.to_number,
    }


def _finish(caller: SimulatedCaller) -> None:
    """Ends the call, and queues its reports."""
    if caller.end_status is None:
        status = "completed" if caller.answered_at else "no-answer"
        over = caller.model_copy(update={"step": caller.step + 1, "end_status": status, "ended_at": clock.now_iso()})
        if not caller_state.save_caller(over, before=caller.step):
            # Another step came between: the queue performs it, and this end comes again.
            raise CallbackRefusedError("the simulated call changed while it was ended")
        caller = over
    _queue_reports(caller)


def _queue_reports(caller: SimulatedCaller) -> None:
    assert caller.end_status is not None
    assert caller.ended_at is not None
    base = f"{BASE_PATH}{caller.number_id}"
    ended = clock.parse(caller.ended_at).astimezone(UTC)
    status = {
        "CallStatus": caller.end_status,
        "CallDuration": str(caller.seconds),
        "Timestamp": format_datetime(ended),
        "SequenceNumber": "0",
        "CallbackSource": "call-progress-events",
    }
    _queue_post(caller, f"{base}/status", status)
    if caller.call_id:
        _report(caller, "analyzed", outcome="success", summary=_summarize(caller))
    if caller.recording:
        _report_recording(caller)


def _summarize(caller: SimulatedCaller) -> str:
    said = " ".join(caller.says[: caller.said])
    return f"The caller said: {said[:300]}" if said else "The caller said nothing."


def _recording_sid(caller: SimulatedCaller, what: str) -> str:
    return f"RE{texts.digest(f'{caller.call_sid}#{what}')[:32]}"


def _report(caller: SimulatedCaller, kind: ReportKind, **facts: Any) -> None:
    """Queues a report of the talk, as the talker sends it."""
    what = {"org_id": caller.org_id, "call_id": caller.call_id, "kind": kind, "at": clock.now_iso()}
    report = Report.model_validate(what | {"provider_conversation_id": caller.conversation_id} | facts)
    post = report.model_dump(mode="json", exclude_none=True)
    body = {"org_id": caller.org_id, "call_id": caller.call_id, "post": post}
    queues.send_messages([QueueMessage(queue=SIMULATOR_QUEUE, body=body, group=caller.org_id)])


def queue_step(caller: SimulatedCaller) -> None:
    """Queues the next step of a call."""
    # The first step follows at once. A person needs a moment for each other.
    delay = caller.step_seconds if caller.step else 0
    queues.send_messages([_message(caller, {"step": caller.step}, delay)])


def _queue_post(caller: SimulatedCaller, url: str, form: dict[str, str], steps: int = 0) -> None:
    queues.send_messages(
        _message(caller, {"post": path, "form": form}, delay) for path, delay in _posts(caller, url, steps)
    )


def _posts(caller: SimulatedCaller, url: str, steps: int) -> Iterator[tuple[str, int]]:
    """Yields the path and the delay of each post: one, or several late ones from an unruly line."""
    delays = course.report_delays(caller.from_number, caller.call_sid + url, steps)
    for delay in delays:
        yield _path_of(caller, url), caller.step_seconds * (steps + delay)


def _message(caller: SimulatedCaller, what: dict[str, Any], delay: int) -> QueueMessage:
    body = {"org_id": caller.org_id, "call_sid": caller.call_sid, **what}
    return QueueMessage(queue=SIMULATOR_QUEUE, body=body, group=caller.org_id, delay=delay)
