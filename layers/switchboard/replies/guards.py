"""The limits of the AI in a conversation. Pure: it reads and writes nothing.

Two machines that answer each other would never stop, and each turn costs money. So the AI stops, and a person is asked
to look, when it has had too many turns, or when the other side repeats itself or answers within seconds like a machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from switchboard.kit import clock, texts
from switchboard.messaging.models import Author, TextMessage

StopReason = Literal["reply_limit", "loop"]

#: The most turns of the AI in a window of time, and in a day. A follow-up counts as a turn.
MAX_TURNS, WINDOW = 10, timedelta(minutes=10)
MAX_TURNS_OF_A_DAY = 50
#: So many equal texts in a row, or texts that echo ours, are a machine.
_EQUAL_TEXTS = 3
#: A person needs longer than this to read and answer. So many quick answers in a row are a machine.
_QUICK, _QUICK_TEXTS = timedelta(seconds=3), 5
#: The texts that are looked at.
LOOKED_AT = 16


def find_stop(newest_first: Sequence[TextMessage], turned_at: Sequence[str], now: datetime) -> StopReason | None:
    """Returns why the AI must stop in a conversation, or `None`.

    `turned_at` has the times of its latest turns.
    """
    times = [clock.parse(at) for at in turned_at]
    if sum(at > now - WINDOW for at in times) >= MAX_TURNS:
        return "reply_limit"
    if sum(at > now - timedelta(days=1) for at in times) >= MAX_TURNS_OF_A_DAY:
        return "reply_limit"
    return "loop" if _is_loop(newest_first[:LOOKED_AT]) else None


def _is_loop(newest_first: Sequence[TextMessage]) -> bool:
    theirs = [message for message in newest_first if message.direction == "inbound"]
    ours = [message for message in newest_first if message.author is Author.AI]
    if len(ours) < 2:
        return False
    latest = [texts.plain_words(message.body) for message in theirs[:_EQUAL_TEXTS]]
    if len(latest) == _EQUAL_TEXTS and len(set(latest)) == 1:
        return True
    said = {texts.plain_words(message.body) for message in ours}
    if len(latest) >= 2 and all(words and words in said for words in latest[:2]):
        return True
    return _quick_answers(newest_first) >= _QUICK_TEXTS


def _quick_answers(newest_first: Sequence[TextMessage]) -> int:
    """Returns how many of the latest texts came within seconds after an answer of ours, in a row."""
    count = 0
    for later, earlier in pairwise(newest_first):
        if later.direction == "outbound" or earlier.direction == "inbound":
            continue
        if clock.parse(later.created_at) - clock.parse(earlier.created_at) > _QUICK:
            break
        count += 1
    return count
