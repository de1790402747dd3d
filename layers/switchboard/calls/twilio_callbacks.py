"""Twilio's callbacks about calls to our numbers: who signed one, and its answer.

The function behind `/twilio/voice` and the simulated provider in a deployment without a domain both use this module.

| path | the answer |
|---|---|
| `/twilio/voice/<number>` | the first script |
| `…/after-talk/<talk>`, `…/after-dial`, `…/after-record` | the next script |
| `…/status`, `…/recording`, `…/transcription` | nothing: a worker applies the report |
"""

from __future__ import annotations

from typing import NamedTuple

from switchboard import telemetry
from switchboard.calls import inbound, scripts
from switchboard.calls.models import Call
from switchboard.calls.spoken_texts import SpokenText, find_text
from switchboard.carriers import voice
from switchboard.carriers.voice.ports.reports import EndReason, Report, SignedCallback, UnreadableCallbackError
from switchboard.carriers.voice.ports.script import Hangup, Say, Script
from switchboard.carriers.voice.twilio import accounts, callbacks, twiml
from switchboard.carriers.voice.twilio.callbacks import Form
from switchboard.carriers.voice.twilio.urls import BASE_PATH
from switchboard.kit import settings
from switchboard.numbers import service as numbers
from switchboard.numbers.models import Number

SCRIPT_STEPS = ("", "after-talk", "after-dial", "after-record")
_SIMULATED = "simulator:"

#: A caller must hear something also if we fail.
APOLOGY: Script = (Say(find_text(SpokenText.TROUBLE, "en-US")), Hangup())
#: A person whom we called did not call us, so they are not asked to call again.
CALL_OUT_APOLOGY: Script = (Say(find_text(SpokenText.CANNOT_TALK, "en-US")), Hangup())
_NOT_IN_SERVICE: Script = (Say(find_text(SpokenText.NOT_IN_SERVICE, "en-US")), Hangup())


def read_talk_number(text: str) -> int:
    """Returns the number of a talk in a path. Raises UnreadableCallbackError."""
    if text and not (text.isascii() and text.isdigit() and len(text) < 3):
        raise UnreadableCallbackError("the path has no valid number of a talk")
    return int(text or 0)


class CallbackStep(NamedTuple):
    """The place of a callback in its call: the number, the step, and the talk that ended."""

    number_id: str
    step: str = ""
    talk: int = 0

    @classmethod
    def of(cls, path: str) -> CallbackStep:
        """Returns the place that a path names. Raises UnreadableCallbackError."""
        number_id, _, rest = path.removeprefix(BASE_PATH).partition("/")
        step, _, talk = rest.partition("/")
        return cls.parse(number_id, step, talk)

    @classmethod
    def parse(cls, number_id: str, step: str, talk: str) -> CallbackStep:
        """Returns the place with the text of a talk's number. Raises UnreadableCallbackError."""
        return cls(number_id, step, read_talk_number(talk))

    @property
    def answers_script(self) -> bool:
        """Whether the line waits for a script."""
        return self.step in SCRIPT_STEPS


class CallbackAnswer(NamedTuple):
    """The answer to a callback: TwiML or nothing, and the reports for a worker."""

    xml: str | None = None
    reports: tuple[Report, ...] = ()


def verify_callback(request: SignedCallback) -> str | None:
    """Returns the account that signed a callback, or `None` for a wrong signature.

    The signature covers the URL, and the URL names the number. So a form cannot be sent again for another number.
    """
    _, _, rest = request.url.partition(BASE_PATH)
    try:
        number = numbers.find_number(CallbackStep.of(BASE_PATH + rest).number_id)
    except UnreadableCallbackError:
        # We gave such a path to nobody.
        return None
    org_id = number.org_id if number else None
    signer = accounts.find_signer(request, org_id)
    return f"{signer}:{org_id or 'unknown'}" if signer else None


def receive_callback(step: CallbackStep, parameters: list[tuple[str, str]], account: str) -> CallbackAnswer:
    """Returns the answer to a verified callback. Raises UnreadableCallbackError, Contended."""
    form = callbacks.read_form(parameters)
    callbacks.read_call_sid(form)
    number = numbers.find_number(step.number_id)
    if number is None or not number.active:
        # The provider still sends calls of a number that was released.
        telemetry.log_skip("the number is unknown or released", number_id=step.number_id)
        return _say(step, _NOT_IN_SERVICE) if step.answers_script else CallbackAnswer()
    simulated = account.startswith(_SIMULATED) and voice.carrier_name() != "simulator"
    if not step.answers_script:
        return CallbackAnswer(reports=tuple(_read_reports(number, step, form, simulated=simulated)))
    if step.step == "":
        return _say(step, _begin(number, form, simulated=simulated))
    call = inbound.find_call(number, callbacks.read_call_sid(form))
    if call is None:
        return _say(step, scripts.HANG_UP)
    script = continue_call(call, step.step, step.talk, form)
    return _say(step, script)._replace(reports=read_step_reports(call, step.step, form))


def _begin(number: Number, form: Form, *, simulated: bool) -> Script:
    incoming = callbacks.read_incoming(form, simulated=simulated)
    if incoming.to_number != number.e164:
        telemetry.log_skip("the call is for another number", number_id=number.id)
        return _NOT_IN_SERVICE
    return inbound.answer_call(number, incoming)


def continue_call(call: Call, step: str, talk: int, form: Form) -> Script:
    """Returns the script after a step of a call, in either direction."""
    if step == "after-record":
        return scripts.continue_after_record(call, spoken=callbacks.has_recording(form))
    over = callbacks.find_end(form) is not None
    if step == "after-dial":
        return scripts.continue_after_dial(call, callbacks.read_dial_end(form), over=over)
    if over:
        # The other party hung up.
        return scripts.HANG_UP
    return scripts.continue_after_talk(call, talk, callbacks.read_talk_end(form))


def read_step_reports(call: Call, step: str, form: Form) -> tuple[Report, ...]:
    """Returns the reports in the form of a step: pressed keys, and the end of the call.

    The callback of the end may be lost. If it comes later, it has the length.
    """
    pressed = callbacks.read_digits(form, call.org_id, call.id) if step == "after-talk" else []
    over = callbacks.read_status(form, call.org_id, call.id) if callbacks.find_end(form) is not None else []
    return (*pressed, *over)


def _read_reports(number: Number, step: CallbackStep, form: Form, *, simulated: bool) -> list[Report]:
    call_id = inbound.call_id_of(number.org_id, callbacks.read_call_sid(form))
    if step.step == "recording":
        return callbacks.read_recording(form, number.org_id, call_id)
    if step.step == "transcription":
        return callbacks.read_transcription(form, number.org_id, call_id)
    told = callbacks.read_status(form, number.org_id, call_id)
    reason = callbacks.find_end(form)
    if reason is not None and inbound.find_call(number, callbacks.read_call_sid(form)) is None:
        # The call is over before its first callback came, or our answer to that failed.
        reason = EndReason.FAILED if reason is EndReason.COMPLETED else reason
        incoming = callbacks.read_incoming(form, simulated=simulated)
        if incoming.to_number == number.e164:
            inbound.record_missed_call(number, incoming, reason)
    return told


def _say(step: CallbackStep, script: Script) -> CallbackAnswer:
    return CallbackAnswer(render_script(f"{BASE_PATH}{step.number_id}", script))


def render_script(path: str, script: Script, apology: Script = APOLOGY) -> str:
    """Returns a script as TwiML, or the apology if it cannot be written. The URLs of its callbacks are below `path`.

    Without the setting PUBLIC_URL the URLs are paths, which the provider completes.
    """
    base = f"{settings.text('PUBLIC_URL', '').rstrip('/')}{path}"
    try:
        return twiml.render(script, lambda step: f"{base}/{step}")
    except voice.RefusedError as error:
        telemetry.logger().error("a talker's instructions cannot be used", extra={"reason": str(error)})
        return twiml.render(apology, lambda step: f"{base}/{step}")
