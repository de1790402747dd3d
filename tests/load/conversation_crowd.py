"""Conversations of texts for the measurement of lists, as the services and the projection store them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from switchboard.aws.dynamodb import Item
from switchboard.kit import clock
from switchboard.messaging import store, threads, words_projection
from switchboard.messaging.models import ConversationStatus, TextConversation
from switchboard.search import index

#: The words that the measurement looks for: each hundredth conversation has the rare one.
COMMON, RARE = "appointment", "wheelchair"
_STATUSES = tuple(ConversationStatus)


def make_conversations(
    org_id: str, size: int, lines: list[tuple[str, str]], user_id: str
) -> Iterator[TextConversation]:
    """Yields conversations of the last months. `lines` are the ids and telephone numbers of the organization."""
    now = clock.now()
    for place in range(size):
        number_id, e164 = lines[place % len(lines)]
        contact = f"+1628{2_000_000 + place}"
        at = clock.format_iso(now - timedelta(minutes=place))
        yield TextConversation(
            id=threads.conversation_id_of(org_id, number_id, contact),
            org_id=org_id,
            number_id=number_id,
            number_e164=e164,
            contact_e164=contact,
            status=_STATUSES[place % 7 % 3],
            assigned_user_id=user_id if place % 3 else None,
            message_count=1,
            unread_count=1,
            last_message_at=at,
            last_message_body=f"May I move my {COMMON}?" + (f" I use a {RARE}." if place % 100 == 0 else ""),
            last_message_direction="inbound",
            created_at=at,
            updated_at=at,
        )


def conversation_items(talks: list[TextConversation]) -> Iterator[tuple[str, Item]]:
    """Yields the items of conversations, with those entries of the search index that the measurement reads."""
    for talk in talks:
        yield "activity", store.CONVERSATIONS.create_write(talk).item
        subject = words_projection.subject_of(talk)
        for token in words_projection.conversation_tokens(talk):
            if token in (COMMON, RARE, talk.contact_e164[1:]):
                write = index.entry_write(words_projection.CONVERSATION_NOUN, talk.org_id, subject, "head", token)
                yield "core", write.item
