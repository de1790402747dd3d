"""Counts texts for the reports, and open conversations for the dashboard."""

from __future__ import annotations

from switchboard.analytics import message_tallies
from switchboard.analytics.message_tallies import MessageKind
from switchboard.aws.writes import Writes
from switchboard.carriers import messages
from switchboard.messaging import store
from switchboard.messaging.models import ConversationStatus, TextMessage

#: The dashboard shows no larger number. A count reads one small entry for each conversation.
MAX_OPEN_CONVERSATIONS = 1_000


def figure_writes(message: TextMessage, kind: MessageKind, at: str, number: int = 1) -> Writes:
    """Returns the write that counts a text in the caller's commit, or a number of texts of the same organization.

    A simulated text counts only where every text is simulated: on the local stack.
    """
    if message.simulated and messages.messenger_name(simulated=False) != "simulator":
        return None
    return message_tallies.count_writes(message.org_id, kind, at, number=number)


def count_open_conversations(org_id: str) -> int:
    """Returns the number of open conversations, at most `MAX_OPEN_CONVERSATIONS`."""
    wanted = {"status": [ConversationStatus.OPEN.value]}
    return len(store.CONVERSATION_LISTING.places(org_id, wanted, MAX_OPEN_CONVERSATIONS))
