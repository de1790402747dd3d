"""The events of texts and scheduled texts, and who causes them in a worker."""

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


def worker_of(thing: TextMessage | ScheduledText) -> SystemActor:
    """Returns the origin of a worker's changes of a text or a scheduled text."""
    return text_worker(thing.org_id, thing.correlation_id)


def text_event_write(origin: Origin, kind: str, message: TextMessage, **more: Any) -> Put:
    """Returns the write of an event about this version of a text."""
    subject = Subject(type="text", id=message.id, version=message.version)
    if message.campaign_id:
        more["campaign"] = message.campaign_id
    if message.simulated:
        more["simulated"] = True
    return events.new_event_write(
        origin,
        kind,
        subject,
        conversation=message.conversation_id,
        contact=texts.digest(message.contact_e164),
        number=message.number_id,
        author=message.author.value,
        segments=message.segments,
        **more,
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


def conversation_event_write(origin: Origin, kind: str, talk: TextConversation, **more: Any) -> Put:
    """Returns the write of an event about this version of a conversation."""
    subject = Subject(type="conversation", id=talk.id, version=talk.version)
    return events.new_event_write(
        origin, kind, subject, contact=texts.digest(talk.contact_e164), number=talk.number_id, **more
    )


def scheduled_event_write(origin: Origin, kind: str, found: ScheduledText, **more: Any) -> Put:
    """Returns the write of an event about this version of a scheduled text."""
    subject = Subject(type="scheduled_text", id=found.id, version=found.version)
    return events.new_event_write(origin, kind, subject, conversation=found.conversation_id, **more)
