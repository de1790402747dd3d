"""Reads Twilio's callbacks about texts: forms become texts that came in, and reports about texts of ours.

Twilio adds parameters at any time, so unknown ones are ignored. A form that lacks what it must have is unreadable.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import get_args

from switchboard.carriers.messages.ports.reports import IncomingMedia, IncomingText, ReportedStatus, TextReport
from switchboard.carriers.voice.ports.reports import UnreadableCallbackError
from switchboard.kit import clock

Form = Mapping[str, str]

_SID = re.compile("(?:SM|MM)[0-9a-f]{32}")
_NUMBER = re.compile("[0-9]{1,6}")
#: The most files of a text (Twilio's own figure), and the longest address of one.
_MAX_MEDIA, _MAX_URL_CHARACTERS = 10, 2_048
#: Longer than a text of a hundred segments, and short enough for a message of the queue.
_MAX_BODY_CHARACTERS = 16_000
_MAX_SEGMENTS, _MAX_TYPE_CHARACTERS, _MAX_SENDER_CHARACTERS = 999, 100, 64
_OPT_OUT_TYPES = frozenset({"STOP", "START", "HELP"})
#: The statuses that tell something new. The others come before our own record of the hand-over.
_TOLD: dict[str, ReportedStatus] = {
    status: status
    for status in get_args(ReportedStatus)
    if status in ("sent", "delivered", "undelivered", "failed", "canceled", "read")
}


def is_text_sid(text: object) -> bool:
    """Whether a text is an id of a message at Twilio."""
    return isinstance(text, str) and _SID.fullmatch(text) is not None


def read_text_sid(form: Form) -> str:
    """Returns Twilio's id of the text. Raises UnreadableCallbackError."""
    found = form.get("MessageSid") or form.get("SmsSid", "")
    if not is_text_sid(found):
        raise UnreadableCallbackError("the callback has no valid MessageSid")
    return found


def read_incoming_text(form: Form, org_id: str, number_id: str, *, simulated: bool) -> IncomingText:
    """Returns the text in of a form. Its sender may be a short code or a word. Raises UnreadableCallbackError."""
    sid = read_text_sid(form)
    opt_out_type = form.get("OptOutType", "").upper()
    return IncomingText(
        org_id=org_id,
        number_id=number_id,
        provider_sid=sid,
        from_number=form.get("From", "")[:_MAX_SENDER_CHARACTERS],
        to_number=form.get("To", ""),
        # Many receivers of webhooks cannot store this character, and no telephone shows it.
        body=form.get("Body", "").replace("\0", "")[:_MAX_BODY_CHARACTERS],
        media=_read_media(form),
        segments=max(1, min(_read_number(form.get("NumSegments")) or 1, _MAX_SEGMENTS)),
        opt_out_type=opt_out_type if opt_out_type in _OPT_OUT_TYPES else None,
        simulated=simulated,
        received_at=clock.now_iso(),
    )


def _read_media(form: Form) -> list[IncomingMedia]:
    count = min(_read_number(form.get("NumMedia")) or 0, _MAX_MEDIA)
    urls = [(form.get(f"MediaUrl{place}", ""), form.get(f"MediaContentType{place}", "")) for place in range(count)]
    return [
        IncomingMedia(url=url, content_type=kind[:_MAX_TYPE_CHARACTERS])
        for url, kind in urls
        if 0 < len(url) <= _MAX_URL_CHARACTERS
    ]


def read_text_status(
    form: Form, org_id: str, conversation_id: str, message_id: str, *, campaign: bool
) -> list[TextReport]:
    """Returns the report of a status callback. Raises UnreadableCallbackError.

    A status that tells nothing new makes none. For a campaign's text only its end is told, to save requests.
    """
    sid = read_text_sid(form)
    status = _TOLD.get(form.get("MessageStatus") or form.get("SmsStatus", ""))
    if status is None or (campaign and status == "sent"):
        return []
    report = TextReport(
        org_id=org_id,
        conversation_id=conversation_id,
        message_id=message_id,
        provider_sid=sid,
        status=status,
        error_code=_read_number(form.get("ErrorCode")) or None,
        reported_at=clock.now_iso(),
    )
    return [report]


def _read_number(text: str | None) -> int | None:
    return int(text) if text and _NUMBER.fullmatch(text) else None
