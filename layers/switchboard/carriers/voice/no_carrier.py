"""The carrier without configuration: it refuses every call."""

from __future__ import annotations

import math
from typing import NoReturn

from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError
from switchboard.carriers.voice.ports.line import Command, Leg, Pace, Placement, Snapshot
from switchboard.carriers.voice.ports.talker import Conversation, ProviderCallIds, Transcript, Voice

_NONE = "no carrier is configured"


class NoCarrier:
    """A line and a talker that refuse every call. A call may be accepted before its carrier is removed."""

    def is_available(self, to_number: str) -> bool:  # noqa: ARG002 a line's signature
        """Returns False."""
        return False

    def asks_for_script(self) -> bool:
        """Returns False."""
        return False

    def pace_of(self, org_id: str, from_number: str) -> Pace:  # noqa: ARG002 a line's signature
        """Returns no limit, because no call goes out."""
        return Pace(math.inf)

    def place_call(self, placement: Placement) -> NoReturn:  # noqa: ARG002 a line's signature
        """Raises RefusedError."""
        raise RefusedError(_NONE)

    def fetch_call(self, leg: Leg) -> Snapshot | None:  # noqa: ARG002 a line's signature
        """Raises OutcomeUnknownError."""
        raise OutcomeUnknownError(_NONE)

    def end_call(self, leg: Leg) -> None:
        """Does nothing."""

    def control_call(self, leg: Leg, command: Command) -> NoReturn:  # noqa: ARG002 a line's signature
        """Raises RefusedError."""
        raise RefusedError(_NONE)

    def list_voices(self) -> list[Voice]:
        """Returns no voices."""
        return []

    def reports_analysis(self) -> bool:
        """Returns False."""
        return False

    def open_talk(self, conversation: Conversation) -> NoReturn:  # noqa: ARG002 a talker's signature
        """Raises RefusedError."""
        raise RefusedError(_NONE)

    def call_with_talk(self, conversation: Conversation, placement: Placement) -> ProviderCallIds | None:  # noqa: ARG002 as above
        """Raises RefusedError."""
        raise RefusedError(_NONE)

    def fetch_transcript(
        self,
        org_id: str,  # noqa: ARG002 a talker's signature
        call_id: str,  # noqa: ARG002 as above
        conversation_id: str | None,  # noqa: ARG002 as above
    ) -> Transcript | None:
        """Raises OutcomeUnknownError."""
        raise OutcomeUnknownError(_NONE)

    def close_talk(self, org_id: str, call_id: str, conversation_id: str | None) -> None:
        """Does nothing."""
