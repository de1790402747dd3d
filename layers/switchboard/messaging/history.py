"""Finds texts of a conversation, for other nouns."""

from __future__ import annotations

from switchboard.aws.reads import Query
from switchboard.messaging import store
from switchboard.messaging.models import MessageStatus, TextMessage

#: The texts before a reply that are looked at for a campaign's text.
_LOOKS = 50
#: Texts in these states did not reach the contact, who cannot answer them.
_UNSEEN = frozenset({MessageStatus.FAILED, MessageStatus.UNDELIVERED, MessageStatus.CANCELED})


def find_text(org_id: str, conversation_id: str, message_id: str) -> TextMessage | None:
    """Returns a text of a conversation, `None` if there is none."""
    return store.get_message(org_id, conversation_id, message_id)


def find_campaign_text(reply: TextMessage, since: str) -> TextMessage | None:
    """Returns the latest text of a campaign before a reply, not older than `since`. `None` if there is none.

    It looks at the 50 texts before the reply. A text that failed, was not delivered or was canceled does not count.
    """
    query = Query(
        table="activity",
        partition=store.conversation_partition(reply.org_id, reply.conversation_id),
        between=("message#", f"message#{reply.id}"),
        forward=False,
    )
    found = map(TextMessage.model_validate, query.read_page(_LOOKS).items)
    seen = (one for one in found if one.status not in _UNSEEN)
    return next((one for one in seen if one.campaign_id and one.created_at >= since), None)
