"""A carrier of texts that the test controls."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from switchboard.carriers.messages.ports.messenger import AcceptedText, FoundText, OutcomeUnknownError, OutgoingText


class FakeMessenger:
    """Sends no text. `outcome` is an error for the next texts, `known` what it answers about an unknown one.

    `taken` are the texts that the carrier has, also those whose outcome it did not tell.
    """

    def __init__(self) -> None:
        self.outcome: Exception | None = None
        self.known: FoundText | Exception | None = None
        self.taken: list[OutgoingText] = []
        self.asked: list[OutgoingText] = []
        #: Runs when a text arrives, before the answer.
        self.at_arrival: Callable[[OutgoingText], None] = lambda _: None

    def send_text(self, text: OutgoingText) -> AcceptedText:
        self.at_arrival(text)
        if self.outcome is None or isinstance(self.outcome, OutcomeUnknownError):
            self.taken.append(text)
        if self.outcome is not None:
            raise self.outcome
        return AcceptedText(sid_of(text.message_id))

    def find_text(self, text: OutgoingText, since: datetime) -> FoundText | None:
        self.asked.append(text)
        if isinstance(self.known, Exception):
            raise self.known
        return self.known


def sid_of(message_id: str) -> str:
    """Returns the carrier's id of a text."""
    return f"SM{message_id[-32:]}"
