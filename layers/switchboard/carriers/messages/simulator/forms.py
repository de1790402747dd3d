"""The simulated carrier's forms about texts, as messages of its queue, and the worker that posts them.

Each message has one form. A form that is posted twice has the same ids, as Twilio's repeated callbacks have.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from switchboard import telemetry
from switchboard.carriers.messages.ports.messenger import OutgoingText
from switchboard.carriers.messages.ports.reports import ReportedStatus
from switchboard.carriers.messages.simulator import state
from switchboard.carriers.messages.twilio import urls
from switchboard.carriers.voice.simulator import forms
from switchboard.carriers.voice.simulator.forms import SIMULATOR_QUEUE, LocalReceiver
from switchboard.carriers.voice.twilio import accounts
from switchboard.kit import texts
from switchboard.kit.jobs import QueueMessage

#: The field by which the worker knows these messages.
TEXT_FORM = "text_form"


def text_sid(*parts: str) -> str:
    """Returns the carrier's id of a text. It derives from the parts, so that a repeated text keeps it."""
    return f"SM{texts.digest('#'.join(parts))[:32]}"


def status_message(text: OutgoingText, status: ReportedStatus, error_code: int | None, delay: int) -> QueueMessage:
    """Returns the message that reports the status of a text after a delay in seconds."""
    sid = text_sid(text.org_id, text.message_id)
    form = {
        **_usual(text.org_id, sid),
        "From": text.from_number,
        "To": text.to_number,
        "MessageStatus": status,
        "SmsStatus": status,
        **({"ErrorCode": str(error_code)} if error_code else {}),
    }
    return _message(text.org_id, urls.status_path(text), form, delay)


def answer_message(text: OutgoingText, answer: str, delay: int) -> QueueMessage:
    """Returns the message with the answer of the person who got a text, after a delay in seconds."""
    form = _incoming_form(
        text.org_id,
        text_sid(text.org_id, text.message_id, "answer"),
        from_number=text.to_number,
        to_number=text.from_number,
        body=answer,
    )
    return _message(text.org_id, urls.incoming_path(text.number_id), form, delay, person=text.conversation_id)


def incoming_message(
    org_id: str,
    number_id: str,
    sid: str,
    *,
    from_number: str,
    to_number: str,
    body: str,
    media: Sequence[tuple[str, str]] = (),
    segments: int = 1,
) -> QueueMessage:
    """Returns the message that sends a text to one of our numbers. `media` has addresses with their types."""
    form = _incoming_form(
        org_id, sid, from_number=from_number, to_number=to_number, body=body, media=media, segments=segments
    )
    return _message(org_id, urls.incoming_path(number_id), form)


def handle_message(body: dict[str, Any], receive: LocalReceiver) -> None:
    """Posts the form of a message. Raises CallbackRefusedError."""
    person = body.get("person")
    if person and not state.take_answer(body["org_id"], person):
        telemetry.log_skip("the simulated person has said enough", org_id=body["org_id"], conversation_id=person)
        return
    forms.post_form(forms.sign_form(body["org_id"], body["path"], body[TEXT_FORM]), receive)


def _incoming_form(
    org_id: str,
    sid: str,
    *,
    from_number: str,
    to_number: str,
    body: str,
    media: Sequence[tuple[str, str]] = (),
    segments: int = 1,
) -> dict[str, str]:
    form = {
        **_usual(org_id, sid),
        "SmsMessageSid": sid,
        "From": from_number,
        "To": to_number,
        "Body": body,
        "NumMedia": str(len(media)),
        "NumSegments": str(segments),
    }
    for place, (url, content_type) in enumerate(media):
        form |= {f"MediaUrl{place}": url, f"MediaContentType{place}": content_type}
    return form


def _usual(org_id: str, sid: str) -> dict[str, str]:
    """Returns the parameters that every form has."""
    return {
        "AccountSid": accounts.simulated_account_sid(org_id),
        "ApiVersion": "2010-04-01",
        "MessageSid": sid,
        "SmsSid": sid,
    }


def _message(
    org_id: str, path: str, form: dict[str, str], delay: int = 0, *, person: str | None = None
) -> QueueMessage:
    body: dict[str, Any] = {"org_id": org_id, "path": path, TEXT_FORM: form}
    if person:
        body["person"] = person
    return QueueMessage(queue=SIMULATOR_QUEUE, body=body, group=org_id, delay=delay)
