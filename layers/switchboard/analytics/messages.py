"""Figures about text messages. Nothing sends or receives texts yet, so that all of them are 0."""

from __future__ import annotations

from typing import NamedTuple

from switchboard.analytics.models import CallRange


class MessageFigures(NamedTuple):
    """The text messages of a range, and the people who asked for no more of them."""

    sent: int = 0
    received: int = 0
    failed: int = 0
    opt_outs: int = 0


def count_messages(org_id: str, wanted: CallRange) -> MessageFigures:  # noqa: ARG001 the figures of every range
    """Returns the figures of the text messages of a range."""
    return MessageFigures()


def count_open_conversations(org_id: str) -> int:  # noqa: ARG001 the number of every organization
    """Returns the number of open conversations by text message."""
    return 0
