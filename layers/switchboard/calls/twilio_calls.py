"""Twilio's callbacks about calls by our id: calls that we placed, and our changes of calls in progress.

| path | the answer |
|---|---|
| `/twilio/voice/calls/<organization>/<call>` | the first script, when somebody answered |
| `…/transfer/<digits>`, `…/message` | the script of our change |
| `…/after-talk/<talk>`, `…/after-dial`, `…/after-record` | the next script |
| `…/status`, `…/machine`, `…/recording`, `…/transcription` | nothing: a worker applies the report |

The signature covers the path, and the path names the organization and the call. So a form cannot be sent again for
another call.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from switchboard import telemetry
from switchboard.calls import outbound_scripts, scripts, store, twilio_callbacks
from switchboard.calls.models import Call, State
from switchboard.calls.twilio_callbacks import CallbackAnswer
from switchboard.carriers.voice.ports.reports import Report, SignedCallback, UnreadableCallbackError
from switchboard.carriers.voice.ports.script import Script
from switchboard.carriers.voice.twilio import accounts, callbacks, urls
from switchboard.carriers.voice.twilio.callbacks import Form

_ID = re.compile("[a-z]{2,10}_[0-9A-Za-z]{1,60}")
_DIGITS = re.compile("[1-9][0-9]{6,14}")
_SCRIPT_STEPS = frozenset({"", "message", "transfer", "after-talk", "after-dial", "after-record"})
_REPORT_READERS = {
    "status": callbacks.read_status,
    "machine": callbacks.read_machine,
    "recording": callbacks.read_recording,
    "transcription": callbacks.read_transcription,
}


class CallStep(NamedTuple):
    """The place of a callback: the call, the step, and its argument: a talk's number, or the digits of a number."""

    org_id: str
    call_id: str
    step: str = ""
    argument: str = ""

    @classmethod
    def of(cls, path: str) -> CallStep:
        """Returns the place that a path names. Raises UnreadableCallbackError."""
        org_id, _, rest = path.removeprefix(urls.CALLS_PATH).partition("/")
        call_id, _, rest = rest.partition("/")
        step, _, argument = rest.partition("/")
        return cls.parse(org_id, call_id, step, argument)

    @classmethod
    def parse(cls, org_id: str, call_id: str, step: str, argument: str) -> CallStep:
        """Returns the place of the parts of a path. Raises UnreadableCallbackError."""
        if not (_ID.fullmatch(org_id) and _ID.fullmatch(call_id)):
            raise UnreadableCallbackError("the path has no valid ids")
        if step not in _SCRIPT_STEPS and step not in _REPORT_READERS:
            raise UnreadableCallbackError("the path has no step that we gave")
        if step == "transfer" and not _DIGITS.fullmatch(argument):
            raise UnreadableCallbackError("the path has no valid number")
        if step == "after-talk":
            twilio_callbacks.read_talk_number(argument)
        return cls(org_id, call_id, step, argument)

    @property
    def answers_script(self) -> bool:
        """Whether the line waits for a script."""
        return self.step in _SCRIPT_STEPS


def verify_call_callback(request: SignedCallback) -> str | None:
    """Returns the account that signed a callback, or `None` for a wrong signature.

    Only Twilio signs these forms: the simulated provider places its calls by itself.
    """
    _, _, rest = request.url.partition(urls.CALLS_PATH)
    try:
        step = CallStep.of(urls.CALLS_PATH + rest)
    except UnreadableCallbackError:
        # We gave such a path to nobody.
        return None
    signer = accounts.find_signer(request, step.org_id)
    return f"twilio:{step.org_id}" if signer == "twilio" else None


def receive_call_callback(step: CallStep, parameters: list[tuple[str, str]]) -> CallbackAnswer:
    """Returns the answer to a verified callback. Raises UnreadableCallbackError, Contended."""
    form = callbacks.read_form(parameters)
    sid = callbacks.read_call_sid(form)
    if not step.answers_script:
        return CallbackAnswer(reports=tuple(_read_reports(step, form)))
    call = store.CALLS.get_object(step.org_id, step.call_id)
    script = scripts.HANG_UP
    told: tuple[Report, ...] = ()
    ours = call is not None and not call.simulated and call.provider_call_id in (None, sid)
    if call is None or not ours or call.state is State.CREATED:
        # The line has placed something else than this call, and each minute of it costs money.
        telemetry.log_skip("the line's call is not this call", org_id=step.org_id, call_id=step.call_id)
    else:
        script = _choose_script(call, step, form)
        # A worker applies the key against further calls, and the end of the call, like all reports.
        told = twilio_callbacks.read_step_reports(call, step.step, form)
    path = urls.call_path(step.org_id, step.call_id)
    xml = twilio_callbacks.render_script(path, script, twilio_callbacks.CALL_OUT_APOLOGY)
    return CallbackAnswer(xml, told)


def _choose_script(call: Call, step: CallStep, form: Form) -> Script:
    if step.step in ("", "transfer", "message") and callbacks.find_end(form) is not None:
        return scripts.HANG_UP
    match step.step:
        case "":
            return outbound_scripts.begin_script(call)
        case "transfer":
            return outbound_scripts.begin_transfer(call, f"+{step.argument}")
        case "message":
            return outbound_scripts.begin_message(call)
        case _:
            talk = twilio_callbacks.read_talk_number(step.argument)
            return twilio_callbacks.continue_call(call, step.step, talk, form)


def _read_reports(step: CallStep, form: Form) -> list[Report]:
    return _REPORT_READERS[step.step](form, step.org_id, step.call_id)
