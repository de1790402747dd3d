"""Writes a script as TwiML, Twilio's instructions for a call. The SDK escapes every text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from twilio.twiml import TwiML
from twilio.twiml.voice_response import VoiceResponse

from switchboard.carriers.outcomes import RefusedError
from switchboard.carriers.spoken import make_sayable
from switchboard.carriers.twilio_retries import retried_url
from switchboard.carriers.voice.ports.script import (
    Connect,
    Dial,
    Hangup,
    Instruction,
    Play,
    Record,
    Redirect,
    Reject,
    Say,
    Script,
    StartRecording,
    StopRecording,
)

#: The longest instructions of a talker.
_MAX_CONNECT_CHARACTERS = 20_000
#: Silence after which a recorded message ends, in seconds.
_SILENCE_SECONDS = 8

#: Returns the URL of a callback by the last part of its path.
UrlOf = Callable[[str], str]


def render(script: Script, url_of: UrlOf) -> str:
    """Returns a script as TwiML. Raises RefusedError if a talker's own instructions cannot be read."""
    response = VoiceResponse()
    for instruction in script:
        _append(response, instruction, url_of)
    return str(response)


def _append(response: Any, instruction: Instruction, url_of: UrlOf) -> None:
    match instruction:
        case Reject():
            response.reject(reason="rejected")
        case Say(text, language):
            response.say(make_sayable(text), language=language)
        case Play(url):
            response.play(url)
        case StartRecording(name):
            response.start().recording(
                name=name,
                recording_status_callback=retried_url(url_of("recording")),
                recording_status_callback_event="completed absent",
                track="both",
                # Two channels, which are Twilio's default, double the size: a call of 35 minutes would be too large.
                channels="mono",
                trim="do-not-trim",
            )
        case StopRecording(name):
            # The SDK has no method for this noun.
            response.append(_Ready(_stopped(name)))
        case Connect():
            for element in _connected(instruction, url_of):
                response.append(element)
        case Dial(to_number, caller_id, ring_seconds, most_seconds, then):
            # An answer of the callback follows in any case, so nothing after this step is executed.
            dial = response.dial(
                action=url_of(then), caller_id=caller_id, timeout=ring_seconds, time_limit=most_seconds
            )
            dial.number(to_number)
        case Record(max_seconds, transcribe, then):
            more = (
                {"transcribe": True, "transcribe_callback": retried_url(url_of("transcription"))} if transcribe else {}
            )
            response.record(
                action=url_of(then),
                max_length=max_seconds,
                timeout=_SILENCE_SECONDS,
                finish_on_key="#",
                play_beep=True,
                recording_status_callback=retried_url(url_of("recording")),
                recording_status_callback_event="completed absent",
                **more,
            )
        case Redirect(then):
            response.redirect(url_of(then))
        case Hangup():
            response.hangup()


def _stopped(name: str) -> ElementTree.Element:
    stop = ElementTree.Element("Stop")
    ElementTree.SubElement(stop, "Recording", {"name": name})
    return stop


def _connected(step: Connect, url_of: UrlOf) -> list[TwiML]:
    action = url_of(f"{step.then}/{step.talk}")
    if not step.connect.lstrip().startswith("<"):
        return [_stream(step, action)]
    if len(step.connect) > _MAX_CONNECT_CHARACTERS or "<!" in step.connect:
        # A document type could expand without end.
        raise RefusedError("the talker's instructions are too long or have a document type")
    try:
        root = ElementTree.fromstring(step.connect)  # noqa: S314 without a document type
    except ElementTree.ParseError as error:
        raise RefusedError("the talker's instructions are not XML") from error
    if (found := root.find("Connect")) is not None:
        found.set("action", action)
        return [_Ready(found)]
    if (keys := root.find("Gather")) is not None:
        keys.set("action", action)
        # Without a key the line continues here.
        onward = ElementTree.Element("Redirect")
        onward.text = action
        return [_Ready(keys), _Ready(onward)]
    raise RefusedError("the talker's instructions connect to nothing")


def _stream(step: Connect, action: str) -> TwiML:
    # The SDK's `connect` takes the address as an option of its noun.
    connect = VoiceResponse().connect(action=action)
    stream = connect.stream(url=step.connect)
    stream.parameter(name="org_id", value=step.org_id)
    stream.parameter(name="call_id", value=step.call_id)
    found: TwiML = connect
    return found


class _Ready(TwiML):  # type: ignore[misc] # the SDK has no types
    """TwiML that is an element already."""

    def __init__(self, element: ElementTree.Element) -> None:
        super().__init__()
        self._element = element

    def xml(self) -> ElementTree.Element:
        """Returns the element."""
        return self._element
