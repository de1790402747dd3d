"""Figures about text messages."""

from __future__ import annotations

from switchboard.analytics import message_tallies
from switchboard.analytics.models import CallRange, MessageFigures


def count_messages(org_id: str, wanted: CallRange) -> MessageFigures:
    """Returns the figures of the text messages of a range, to a quarter of an hour."""
    return MessageFigures(**message_tallies.count_range(org_id, wanted.start, wanted.end))
