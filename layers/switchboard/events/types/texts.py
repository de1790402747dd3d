"""Text messages, in and out."""

from __future__ import annotations

from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Contract, Count, Digest, EventType, Id, Timestamp, VerdictInBrief


class TextData(TypedDict):
    conversation: Annotated[Id, "The conversation."]
    contact: Annotated[Digest, "The digest of the contact's number."]
    number: Annotated[Id, "Our number."]
    author: Annotated[Code, "The author: `ai`, `user`, `contact` or `system`."]
    segments: Annotated[Count, "The number of segments."]
    campaign: NotRequired[Annotated[Id, "The campaign, or the campaign that it answers."]]
    simulated: NotRequired[Annotated[bool, "Whether the carrier is simulated."]]


class TextReceived(TextData):
    media: Annotated[Count, "The number of files."]
    keyword: NotRequired[Annotated[Code, "The request of the contact: `stop`, `start` or `help`."]]


class TextRefused(TextData):
    error: Annotated[Code, "Why: our own code, or the carrier's."]


class TextBlocked(TypedDict):
    conversation: Annotated[Id, "The conversation."]
    contact: Annotated[Digest, "The digest of the contact's number."]
    code: Annotated[Code, "The failed rule."]
    verdict: Annotated[VerdictInBrief, "The verdict of the compliance gate."]
    campaign: NotRequired[Annotated[Id, "The campaign."]]


class TextMediaFetched(TypedDict):
    conversation: Annotated[Id, "The conversation."]
    stored: Annotated[Count, "The number of files that were stored."]
    lost: Annotated[Count, "The number of files that cannot be stored."]


class TextScheduled(TypedDict):
    conversation: Annotated[Id, "The conversation."]
    contact: Annotated[Digest, "The digest of the contact's number."]
    send_at: Annotated[Timestamp, "When it is sent."]
    reason: Annotated[Code, "`manual`, `ai_follow_up` or `quiet_hours`."]


class ScheduledTextEnded(TypedDict):
    conversation: Annotated[Id, "The conversation."]
    error: NotRequired[Annotated[Code, "Why it was not sent."]]


#: The search index of conversations follows their texts.
_SEARCHED = ("conversation_words",)


def _text(
    name: str,
    about: str,
    data: type = TextData,
    webhook: str | None = None,
    *,
    starts: tuple[str, ...] = (),
    projections: tuple[str, ...] = (),
) -> EventType:
    webhooks: dict[Contract, str] = {"hum": webhook} if webhook else {}
    return EventType(
        name, about, "text", data, channel="sms", starts=starts, webhooks=webhooks, projections=projections
    )


def _scheduled(name: str, about: str, data: type = ScheduledTextEnded) -> EventType:
    return EventType(name, about, "scheduled_text", data, channel="sms")


TYPES = (
    _text(
        "sms.received",
        "A text came in, and its conversation has it.",
        TextReceived,
        "sms.received",
        starts=("recipients",),
        projections=_SEARCHED,
    ),
    _text("sms.media_fetched", "Files of a text that came in were stored, or cannot be.", TextMediaFetched),
    _text("sms.queued", "A text was accepted, and waits for its worker.", projections=_SEARCHED),
    _text("sms.sent", "The carrier accepted a text.", webhook="sms.sent"),
    _text("sms.delivered", "A text reached the contact's telephone.", webhook="sms.delivered"),
    _text("sms.failed", "A text was not sent, or not delivered.", TextRefused, "sms.failed"),
    _text("sms.unconfirmed", "The carrier may have a text, and does not say so. It is not sent again."),
    _text("sms.blocked", "The compliance gate refused a text.", TextBlocked),
    _scheduled("sms.scheduled", "A text was scheduled, or put off by quiet hours.", TextScheduled),
    _scheduled("sms.schedule_fired", "A scheduled text became a text."),
    _scheduled("sms.schedule_failed", "A scheduled text was not sent.", ScheduledTextEnded),
    _scheduled("sms.schedule_canceled", "A scheduled text was canceled."),
)
