"""The port to carriers of text messages: send a text, find one with an unknown outcome, and fetch media."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError, ThrottledError

__all__ = [
    "AcceptedText",
    "FoundText",
    "Messenger",
    "OutcomeUnknownError",
    "OutgoingText",
    "TextRefusedError",
    "ThrottledError",
]

#: The longest time of one call of the port, in seconds.
SECONDS = 8.0
#: The longest time between the claim of a text and the end of its hand-over: no worker runs longer.
SEARCH_WINDOW = timedelta(minutes=2)


class TextRefusedError(RefusedError):
    """The carrier rejected the text for good. `code` is the carrier's code, if it gave one (`carriers.messages.codes`).

    A retry would be rejected too.
    """

    def __init__(self, text: str, code: int | None = None) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class OutgoingText:
    """A text to hand to the carrier. The ids name our message: the reports about it come back with them."""

    org_id: str
    conversation_id: str
    message_id: str
    #: Our number, by its id and its telephone number.
    number_id: str
    from_number: str
    to_number: str
    body: str
    #: Public addresses from which the carrier fetches the media.
    media_urls: tuple[str, ...] = ()
    #: Whether it belongs to a campaign: then nothing is reported before its end.
    campaign: bool = False
    #: How long it may wait at the carrier: after that the carrier must not send it. `None` for the carrier's own limit.
    valid_seconds: int | None = None


class AcceptedText(NamedTuple):
    """The carrier has accepted a text: its own id of the text, and the number of segments if the carrier tells it."""

    provider_sid: str
    segments: int | None = None


class FoundText(NamedTuple):
    """A text that the carrier knows, with its status in the carrier's words."""

    provider_sid: str
    status: str
    error_code: int | None = None


class Messenger(Protocol):
    """Sends texts. Every method ends within SECONDS."""

    def send_text(self, text: OutgoingText) -> AcceptedText:
        """Hands a text to the carrier.

        Raises TextRefusedError, ThrottledError if the carrier did not take it now, and OutcomeUnknownError if the
        carrier may have taken it.
        """

    def find_text(self, text: OutgoingText, since: datetime) -> FoundText | None:
        """Returns a text that was handed over within SEARCH_WINDOW after `since`, or `None` if the carrier has none.

        For a text whose outcome is unknown: `since` is the time of its claim. Raises OutcomeUnknownError if the carrier
        does not answer, or has several such texts.
        """
