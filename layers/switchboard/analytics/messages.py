"""Figures about text messages."""

from __future__ import annotations

from typing import NamedTuple

from switchboard.analytics import message_tallies
from switchboard.analytics.models import CallRange


class MessageFigures(NamedTuple):
    """The text messages of a range, and the people who asked for no more of them."""

    sent: int = 0
    received: int = 0
    failed: int = 0
    opt_outs: int = 0


def count_messages(org_id: str, wanted: CallRange) -> MessageFigures:
    """Returns the figures of the text messages of a range, to a quarter of an hour."""
    return MessageFigures(**message_tallies.count_range(org_id, wanted.start, wanted.end))
