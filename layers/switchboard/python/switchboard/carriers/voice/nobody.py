"""What there is where no carrier is configured: nobody can be called."""

from __future__ import annotations

import math
from typing import NoReturn

from switchboard.carriers.outcomes import OutcomeUnknown, Refused
from switchboard.carriers.voice.line import Command, Leg, Pace, Placement, Snapshot
from switchboard.carriers.voice.talker import Conversation, Placed, Transcript, Voice

_NONE = "no carrier is configured"


class Nobody:
    """A line and a talker that take nothing. A call may have been accepted before the carrier was taken away."""

    def available(self, to_number: str) -> bool:  # noqa: ARG002 a line's signature
        """Never."""
        return False

    def pace_of(self, from_number: str) -> Pace:  # noqa: ARG002 a line's signature
        """No limit, since no call goes out."""
        return Pace(math.inf)

    def place(self, placement: Placement) -> NoReturn:  # noqa: ARG002 a line's signature
        """Refuse."""
        raise Refused(_NONE)

    def fetch(self, leg: Leg) -> Snapshot | None:  # noqa: ARG002 a line's signature
        """Nobody can be asked."""
        raise OutcomeUnknown(_NONE)

    def end(self, leg: Leg) -> None:
        """There is nothing to end."""

    def control(self, leg: Leg, command: Command) -> NoReturn:  # noqa: ARG002 a line's signature
        """Refuse."""
        raise Refused(_NONE)

    def voices(self) -> list[Voice]:
        """None."""
        return []

    def analyzes(self) -> bool:
        """No."""
        return False

    def open(self, conversation: Conversation) -> NoReturn:  # noqa: ARG002 a talker's signature
        """Refuse."""
        raise Refused(_NONE)

    def call(self, conversation: Conversation, placement: Placement) -> Placed | None:  # noqa: ARG002 as above
        """Refuse."""
        raise Refused(_NONE)

    def transcript(
        self,
        org_id: str,  # noqa: ARG002 a talker's signature
        call_id: str,  # noqa: ARG002 as above
        conversation_id: str | None,  # noqa: ARG002 as above
    ) -> Transcript | None:
        """Nobody can be asked."""
        raise OutcomeUnknown(_NONE)

    def close(self, org_id: str, call_id: str, conversation_id: str | None) -> None:
        """There is nothing to close."""
