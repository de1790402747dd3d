"""The origin and the data of events about texts and conversations. An event has ids and digests only."""

from __future__ import annotations

from typing import Any

from switchboard.aws.writes import Put
from switchboard.compliance.verdicts import Verdict
from switchboard.events import service as events
from switchboard.events.models import Actor, Origin, Subject, SystemActor
from switchboard.kit import texts
from switchboard.messaging.models import ScheduledText, TextConversation, TextMessage


def text_worker(org_id: str, correlation_id: str) -> SystemActor:
    """Returns the origin of a worker's changes in a workflow."""
    return SystemActor(
        org_id=org_id, actor=Actor(type="system", id="texts"), agent_id=None, correlation_id=correlation_id
    )


def text_origin(text: TextMessage | ScheduledText) -> SystemActor:
    """Returns the origin of changes that a worker makes, in the workflow of a text or a scheduled text."""
    return text_worker(text.org_id, text.correlation_id)


def text_event_write(origin: Origin, type_: str, message: TextMessage, /, **data: Any) -> Put:
    """Returns the write of an event about this version of a text. `data` has the fields beyond `TextData`."""
    subject = Subject(type="text", id=message.id, version=message.version)
    optional: dict[str, Any] = {"campaign": message.campaign_id} if message.campaign_id else {}
    if message.simulated:
        optional["simulated"] = True
    return events.new_event_write(
        origin,
        type_,
        subject,
        conversation=message.conversation_id,
        contact=texts.digest(message.contact_e164),
        number=message.number_id,
        author=message.author.value,
        segments=message.segments,
        **optional,
        **data,
    )


def media_event_write(message: TextMessage, *, stored: int, lost: int) -> Put:
    """Returns the write of the event about files of a text that were stored, or that cannot be stored."""
    return events.new_event_write(
        text_origin(message),
        "sms.media_fetched",
        Subject(type="text", id=message.id, version=message.version),
        conversation=message.conversation_id,
        stored=stored,
        lost=lost,
    )


def conversation_event_write(origin: Origin, type_: str, talk: TextConversation, /, **data: Any) -> Put:
    """Returns the write of an event about this version of a conversation."""
    subject = Subject(type="conversation", id=talk.id, version=talk.version)
    return events.new_event_write(
        origin, type_, subject, contact=texts.digest(talk.contact_e164), number=talk.number_id, **data
    )


def blocked_event_write(origin: Origin, text: TextMessage | ScheduledText, verdict: Verdict, code: str) -> Put:
    """Returns the write of the event that the compliance gate refused a text, with the code of its refusal."""
    campaign = {"campaign": text.campaign_id} if isinstance(text, TextMessage) and text.campaign_id else {}
    return events.new_event_write(
        origin,
        "sms.blocked",
        Subject(type="text", id=text.id),
        conversation=text.conversation_id,
        contact=texts.digest(text.contact_e164),
        code=code,
        verdict=verdict.summary(),
        **campaign,
    )


def scheduled_event_write(origin: Origin, kind: str, found: ScheduledText, **more: Any) -> Put:
    """Returns the write of an event about this version of a scheduled text."""
    subject = Subject(type="scheduled_text", id=found.id, version=found.version)
    return events.new_event_write(origin, kind, subject, conversation=found.conversation_id, **more)
