"""Decides whether a text of the AI still goes out, after the time that it waited.

A person who has taken over pauses the AI, and its texts that wait fail. Neither does a text go out that somebody has
answered meanwhile: a member, or the contact, whose later text has an answer of its own.
"""

from __future__ import annotations

from typing import Literal

from switchboard.accounts.stops import StoppedError
from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import Writes
from switchboard.messaging import store, unanswered
from switchboard.messaging.models import Author, ScheduledText, TextConversation, TextMessage

OvertakenBy = Literal["ai_paused", "answered_meanwhile"]

#: The newest texts that are looked at for one that came after a waiting text.
_LOOKS = 50


def find_takeover(talk: TextConversation, text: TextMessage | ScheduledText) -> OvertakenBy | None:
    """Returns why a waiting text of the AI must not go out any more, `None` if it may."""
    if text.author is not Author.AI:
        return None
    if talk.ai_paused and not text.passes_pause:
        return "ai_paused"
    newest = store.list_newest_messages(text.org_id, text.conversation_id, _LOOKS)
    return "answered_meanwhile" if any(_overtakes(later, text) for later in newest) else None


def _overtakes(later: TextMessage, text: TextMessage | ScheduledText) -> bool:
    if later.created_at <= text.created_at or later.campaign_id:
        return False
    if later.author is Author.USER:
        return True
    if text.passes_pause:
        # The AI answers nothing more, so its last text still says who will.
        return False
    wrong_number = later.direction == "inbound" and unanswered.says_wrong_number(later.body)
    return wrong_number or unanswered.wants_reply(later)


def ai_running_check(message: TextMessage) -> Writes:
    """Returns the check of a claim that nobody has paused the AI, for its texts. Raises StoppedError at commit."""
    if message.author is not Author.AI or message.passes_pause:
        return None
    return store.ai_running_check(message.org_id, message.conversation_id, _ai_paused)


def _ai_paused(_: list[Item | None]) -> Exception:
    return StoppedError("ai_paused", "a person has taken over the conversation")
