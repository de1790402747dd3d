"""Makes conversations, texts and scheduled texts for tests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from switchboard.kit import clock, ids
from switchboard.messaging import store
from switchboard.messaging.models import (
    Author,
    Direction,
    MessageStatus,
    ScheduledText,
    ScheduleReason,
    TextConversation,
    TextMessage,
)
from switchboard.messaging.threads import conversation_id_of

CONTACT, OUR_NUMBER, NUMBER_ID = "+14155550123", "+14155550199", "num_01jd0000000000000000000001"


def make_conversation(
    org_id: str, contact: str = CONTACT, number_id: str = NUMBER_ID, **facts: Any
) -> TextConversation:
    """Returns a conversation that is not stored."""
    now = clock.now_iso()
    known = {"number_e164": OUR_NUMBER, "created_at": now, "updated_at": now, **facts}
    return TextConversation(
        id=conversation_id_of(org_id, number_id, contact),
        org_id=org_id,
        number_id=number_id,
        contact_e164=contact,
        **known,
    )


def make_text(
    talk: TextConversation,
    body: str = "Hello.",
    *,
    direction: Direction = "outbound",
    status: MessageStatus = MessageStatus.QUEUED,
    author: Author = Author.USER,
    sid: str | None = None,
    **facts: Any,
) -> TextMessage:
    """Returns a text that is not stored."""
    now = clock.now_iso()
    known = {"created_at": now, "updated_at": now, "correlation_id": ids.new_id("corr"), **facts}
    return TextMessage(
        id=ids.new_id(store.MESSAGE_PREFIX),
        org_id=talk.org_id,
        conversation_id=talk.id,
        number_id=talk.number_id,
        number_e164=talk.number_e164,
        contact_e164=talk.contact_e164,
        direction=direction,
        body=body,
        status=status,
        author=author,
        provider_sid=sid,
        **known,
    )


def make_scheduled(talk: TextConversation, body: str = "Later.", **facts: Any) -> ScheduledText:
    """Returns a scheduled text that is not stored."""
    now = clock.now()
    known = {
        "send_at": clock.format_iso(now + timedelta(hours=1)),
        "correlation_id": ids.new_id("corr"),
        "honors_quiet_hours": False,
        "reason": ScheduleReason.MANUAL,
        "author": Author.USER,
        **facts,
    }
    return ScheduledText(
        id=ids.new_id(store.SCHEDULED_PREFIX),
        org_id=talk.org_id,
        conversation_id=talk.id,
        number_id=talk.number_id,
        number_e164=talk.number_e164,
        contact_e164=talk.contact_e164,
        body=body,
        created_at=clock.format_iso(now),
        updated_at=clock.format_iso(now),
        **known,
    )
