"""A text that somebody wants to send, and the checks of its content."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from switchboard.compliance import phone
from switchboard.errors import Invalid
from switchboard.kit import clock
from switchboard.messaging.models import MAX_BODY_CHARACTERS, MAX_MEDIA, ScheduledText, TextMedia, TextMessage
from switchboard.numbers.a2p import NumberWarning
from switchboard.outbound import destination

#: How far ahead a text may be scheduled (docs/contracts/hum.md#scheduled-messages).
LONGEST_SCHEDULE = timedelta(days=90)
#: How far in the past a time may be, and still mean now: requests take time, and clocks differ.
_CLOCK_TOLERANCE = timedelta(minutes=1)
#: Control characters, besides a tab and the ends of lines. No telephone shows them.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class TextDraft(BaseModel):
    """A text that somebody wants to send: now, or at `scheduled_at`.

    `purpose` is the sender's own word. `telemarketing` has a meaning: the gate then asks for more
    (docs/contracts/hum.md#messages).
    """

    model_config = ConfigDict(frozen=True)

    body: str = ""
    media: list[TextMedia] = Field(default_factory=list)
    scheduled_at: str | None = None
    purpose: str | None = None
    honors_quiet_hours: bool = False


class SentText(NamedTuple):
    """The result of sending: a queued text, or a scheduled one."""

    message: TextMessage | None = None
    scheduled: ScheduledText | None = None
    #: Why the text may not arrive.
    warnings: Sequence[NumberWarning] = ()


def check_draft(draft: TextDraft) -> TextDraft:
    """Returns the draft with its media's URLs in normal form. Raises Invalid for a bad content."""
    check_body(draft.body, draft.media)
    return draft.model_copy(update={"media": check_media(draft.media)})


def check_body(body: str, media: list[TextMedia]) -> None:
    """Raises Invalid for a text without content, a long one, and one with control characters."""
    if not body.strip() and not media:
        raise _invalid("body", "must not be empty without media: write some text")
    if len(body) > MAX_BODY_CHARACTERS:
        raise _invalid("body", f"must have at most {MAX_BODY_CHARACTERS:,} characters")
    if found := _CONTROLS.search(body):
        raise _invalid("body", f"has the control character U+{ord(found[0]):04X}: remove it")


def check_media(media: list[TextMedia]) -> list[TextMedia]:
    """Returns the media with their URLs in normal form. Raises Invalid for too many, and for a URL that is not public.

    The carrier fetches them: nothing is requested here.
    """
    if len(media) > MAX_MEDIA:
        raise _invalid("media", f"must have at most {MAX_MEDIA} files")
    return [one.model_copy(update={"url": _check_url(one.url, place)}) for place, one in enumerate(media)]


def _check_url(url: str | None, place: int) -> str:
    field = f"media.{place}.url"
    try:
        found = destination.check_url(url or "")
    except Invalid as bad:
        raise _invalid(field, bad.details.get("fields", {}).get("url", "is not valid")) from None
    if not found.startswith("https://"):
        raise _invalid(field, "must begin with https://")
    return found


def parse_schedule(text: str | None) -> datetime | None:
    """Returns the time of a scheduled text, `None` to send it now. Raises Invalid.

    A time within the last minute means now. An earlier one is an error, as is one after the horizon.
    """
    if text is None:
        return None
    now = clock.now()
    try:
        at = clock.parse(text)
    except (ValueError, OverflowError):
        raise _invalid("scheduled_at", "must be a time with a time zone, for example 2026-06-01T09:00:00Z") from None
    if at < now - _CLOCK_TOLERANCE:
        raise _invalid("scheduled_at", "must be in the future: omit it to send the text now")
    if at > now + LONGEST_SCHEDULE:
        raise _invalid("scheduled_at", f"must be at most {LONGEST_SCHEDULE.days} days ahead")
    return at if at > now else None


def require_textable(contact_e164: str) -> None:
    """Raises Invalid for a contact that cannot get texts: a name instead of a number, a short code, a costly number."""
    try:
        costly = phone.is_costly(contact_e164)
    except Invalid:
        costly = True
    if costly:
        raise Invalid(
            "This contact cannot get texts: it is not an ordinary telephone number.", code="contact_not_textable"
        )


def _invalid(field: str, problem: str) -> Invalid:
    return Invalid(f"Invalid text: {field} {problem}.", code="invalid_text", fields={field: problem})
