"""The origin and the data of events about texts and conversations. An event has ids and digests only."""

from __future__ import annotations

from typing import Any

from switchboard.aws.writes import Put
from switchboard.events import service as events
from switchboard.events.models import Actor, Origin, Subject, SystemActor
from switchboard.kit import texts
from switchboard.messaging.models import TextConversation, TextMessage


def text_origin(message: TextMessage) -> SystemActor:
    """Returns the origin of changes that a worker makes, in the workflow of a text."""
    return SystemActor(
        org_id=message.org_id,
        actor=Actor(type="system", id="texts"),
        agent_id=None,
        correlation_id=message.correlation_id,
    )


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


def conversation_event_write(origin: Origin, type_: str, talk: TextConversation, /, **data: Any) -> Put:
    """Returns the write of an event about this version of a conversation."""
    subject = Subject(type="conversation", id=talk.id, version=talk.version)
    return events.new_event_write(
        origin, type_, subject, contact=texts.digest(talk.contact_e164), number=talk.number_id, **data
    )
