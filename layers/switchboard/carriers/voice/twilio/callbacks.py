"""Reads Twilio's callbacks about calls: forms become calls, results of steps, and reports.

Twilio adds parameters at any time, so unknown ones are ignored. A form that lacks what it must have is unreadable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

from switchboard.carriers.voice.ports.incoming import DialEnd, IncomingCall, TalkEnd
from switchboard.carriers.voice.ports.reports import EndReason, Recording, Report, ReportKind, UnreadableCallbackError
from switchboard.carriers.voice.twilio import accounts
from switchboard.kit import clock

#: A caller without a number: a word of ours for Twilio's words and for the numbers that spell such a word on a keypad.
ANONYMOUS = "anonymous"
_SPELLED = frozenset({"+266696687", "+7378742833", "+2562533", "+8566696", "+86282452253"})
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_CALL, _RECORDING, _ACCOUNT = (re.compile(f"{prefix}[0-9a-f]{{32}}") for prefix in ("CA", "RE", "AC"))
_NUMBER = re.compile("[0-9]{1,9}")
_KEYS = re.compile("[0-9*#]{1,40}")
_WORD = re.compile("[a-z_]{1,40}")
_MAX_HANDOFF_CHARACTERS = 4_096
_MAX_LABEL_CHARACTERS = 200

#: The states of a call that is over, with the reason of the end.
ENDS = {
    "completed": EndReason.COMPLETED,
    "busy": EndReason.BUSY,
    "no-answer": EndReason.NO_ANSWER,
    "failed": EndReason.FAILED,
    "canceled": EndReason.CANCELED,
}
_PROGRESS: dict[str, ReportKind] = {"ringing": "ringing", "in-progress": "answered"}

Form = Mapping[str, str]


#: Words for a called party that was not recognized.
_UNKNOWN_PARTY = frozenset({"", "unknown"})


def is_call_sid(text: object) -> bool:
    """Whether a text is an id of a call at Twilio."""
    return isinstance(text, str) and _CALL.fullmatch(text) is not None


def read_form(parameters: Sequence[tuple[str, str]]) -> Form:
    """Returns the parameters by name. Of a repeated one the first counts."""
    found: dict[str, str] = {}
    for name, value in parameters:
        found.setdefault(name, value)
    return found


def read_call_sid(form: Form) -> str:
    """Returns Twilio's id of the call. Raises UnreadableCallbackError."""
    return _read_sid(form, "CallSid", _CALL)


def read_incoming(form: Form, *, simulated: bool) -> IncomingCall:
    """Returns the call in of a form. Raises UnreadableCallbackError."""
    caller = form.get("From", "")
    known = _E164.fullmatch(caller) and caller not in _SPELLED
    return IncomingCall(read_call_sid(form), caller if known else ANONYMOUS, form.get("To", ""), simulated)


def find_end(form: Form) -> EndReason | None:
    """Returns why the call of a form is over, or `None` if it is in progress."""
    return ENDS.get(form.get("CallStatus", ""))


def read_talk_end(form: Form) -> TalkEnd:
    """Returns the end of a talk. The talker hands the caller on by `HandoffData`: a JSON object of our own words."""
    if form.get("SessionStatus") == "failed" or form.get("StreamError"):
        return TalkEnd(failed=True)
    wish = _read_handoff(form.get("HandoffData", ""))
    label = wish.get("transfer")
    if isinstance(label, str) and 0 < len(label) <= _MAX_LABEL_CHARACTERS:
        return TalkEnd(transfer_to=label)
    return TalkEnd(leaves_message=wish.get("voicemail") is True)


def _read_handoff(text: str) -> dict[str, Any]:
    if len(text) > _MAX_HANDOFF_CHARACTERS:
        return {}
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def read_dial_end(form: Form) -> DialEnd:
    """Returns the end of a transfer."""
    connected = form.get("DialCallStatus") in ("completed", "answered")
    return DialEnd(connected, (read_number(form.get("DialCallDuration")) or 0) if connected else 0)


def has_recording(form: Form) -> bool:
    """Whether the caller left a message: its recording has a length."""
    return bool(read_number(form.get("RecordingDuration")))


def read_status(form: Form, org_id: str, call_id: str) -> list[Report]:
    """Returns the report of a status callback. A status that we do not know makes none."""
    facts: dict[str, Any] = {
        "org_id": org_id,
        "call_id": call_id,
        "provider_call_id": read_call_sid(form),
        "sequence": read_number(form.get("SequenceNumber")),
        "at": _read_time(form.get("Timestamp")),
    }
    status = form.get("CallStatus", "")
    if status in _PROGRESS:
        return [Report(kind=_PROGRESS[status], **facts)]
    if (reason := ENDS.get(status)) is None:
        return []
    code = read_number(form.get("SipResponseCode"))
    seconds = read_number(form.get("CallDuration"))
    return [Report(kind="ended", end_reason=reason, duration_seconds=seconds, sip_code=code, **facts)]


def read_machine(form: Form, org_id: str, call_id: str) -> list[Report]:
    """Returns the report of who answered a call of ours. None if it is not known."""
    answered_by = read_answered_by(form.get("AnsweredBy"))
    if answered_by is None:
        return []
    # A person's detection proves the answer, too. A machine's detection has a kind of its own.
    kind: ReportKind = "answered" if answered_by == "human" else "machine"
    facts: dict[str, Any] = {"org_id": org_id, "call_id": call_id, "provider_call_id": read_call_sid(form)}
    return [Report(kind=kind, answered_by=answered_by, **facts)]


def read_digits(form: Form, org_id: str, call_id: str) -> list[Report]:
    """Returns the report of the keys that the other party pressed. None if there are none."""
    digits = form.get("Digits", "")
    if not _KEYS.fullmatch(digits):
        return []
    return [Report(org_id=org_id, call_id=call_id, kind="dtmf", provider_call_id=read_call_sid(form), digits=digits)]


def read_answered_by(word: str | None) -> str | None:
    """Returns Twilio's word for who answered: `human`, `fax` or a kind of machine. `None` if it does not know."""
    return None if word is None or word in _UNKNOWN_PARTY or not _WORD.fullmatch(word) else word


def read_recording(form: Form, org_id: str, call_id: str) -> list[Report]:
    """Returns the report of a recording callback. Raises UnreadableCallbackError."""
    facts: dict[str, Any] = {"org_id": org_id, "call_id": call_id, "provider_call_id": read_call_sid(form)}
    voicemail = form.get("RecordingSource") == "RecordVerb"
    match form.get("RecordingStatus", "completed"):
        case "completed":
            id_ = _read_sid(form, "RecordingSid", _RECORDING)
            # The address is our own, and not that of the form: the account's token is sent to it.
            url = recording_url(_read_sid(form, "AccountSid", _ACCOUNT), id_)
            seconds = read_number(form.get("RecordingDuration")) or 0
            made = Recording(id=id_, url=url, duration_seconds=seconds, voicemail=voicemail)
            return [Report(kind="recorded", recording=made, **facts)]
        case "absent" | "failed" if voicemail:
            return [Report(kind="not_recorded", **facts)]
        case _:
            return []


def read_transcription(form: Form, org_id: str, call_id: str) -> list[Report]:
    """Returns the report of a transcription callback. Raises UnreadableCallbackError."""
    text = form.get("TranscriptionText", "").strip()
    if form.get("TranscriptionStatus") != "completed" or not text:
        return []
    id_ = _read_sid(form, "RecordingSid", _RECORDING)
    return [Report(org_id=org_id, call_id=call_id, kind="transcribed", recording_id=id_, text=text)]


def recording_url(account: str, recording_id: str) -> str:
    """Returns the address of a recording at Twilio, without the ending that says its format."""
    return f"{accounts.api_url()}/2010-04-01/Accounts/{account}/Recordings/{recording_id}"


def _read_sid(form: Form, name: str, form_of_id: re.Pattern[str]) -> str:
    found = form.get(name, "")
    if not form_of_id.fullmatch(found):
        raise UnreadableCallbackError(f"the callback has no valid {name}")
    return found


def read_number(text: str | None) -> int | None:
    """Returns a number in digits, `None` for anything else."""
    return int(text) if text and _NUMBER.fullmatch(text) else None


def _read_time(text: str | None) -> str | None:
    """Returns a time as in mails (RFC 2822) in our own form, or `None` if it cannot be read."""
    try:
        found = parsedate_to_datetime(text) if text else None
        return clock.format_iso(found) if found and found.tzinfo else None
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
