"""The voice carrier: a line that places calls, and a talker that talks in them. Together they carry a call.

Some talkers have their own line and place the call themselves. With other talkers the talk is opened first, and then
the line is connected to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from switchboard import telemetry
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.carriers.voice.ports.line import Leg, Line, Pace, Placement, Snapshot
from switchboard.carriers.voice.ports.recordings import RecordingSource
from switchboard.carriers.voice.ports.talker import (
    Conversation,
    ProviderCallIds,
    TalkConnection,
    Talker,
    Transcript,
    Voice,
)
from switchboard.errors import Unavailable
from switchboard.kit import settings

__all__ = [
    "Carrier",
    "Conversation",
    "Leg",
    "Line",
    "OutcomeUnknownError",
    "Pace",
    "Placement",
    "ProviderCallIds",
    "RefusedError",
    "Snapshot",
    "TalkConnection",
    "Talker",
    "ThrottledError",
    "Transcript",
    "Voice",
    "carrier_name",
    "find_recordings",
    "get_carrier",
    "get_simulated_carrier",
    "reaches_people",
]


@dataclass(frozen=True, slots=True)
class Carrier:
    """A line with the talker that is connected to it."""

    line: Line
    talker: Talker

    def place_call(self, conversation: Conversation, placement: Placement) -> ProviderCallIds:
        """Places a call with the talker in it. Raises RefusedError, ThrottledError or OutcomeUnknownError."""
        try:
            placed = self.talker.call_with_talk(conversation, placement)
            if placed is not None:
                return placed
            opened = self._open_talk(conversation)
            connected = replace(placement, conversation_id=opened.conversation_id, connect=opened.connect)
            kept = opened.connect if self.line.asks_for_script() else None
            return ProviderCallIds(self._place_on_line(conversation, connected), opened.conversation_id, kept)
        except (RefusedError, ThrottledError, OutcomeUnknownError):
            raise
        except Exception as error:
            # Our own fault: the call may or may not have been placed.
            telemetry.logger().exception("call not placed", extra={"call_id": conversation.call_id})
            raise OutcomeUnknownError(type(error).__name__) from error

    def _open_talk(self, conversation: Conversation) -> TalkConnection:
        """Opens the talk. This does not call anybody, so an unknown outcome may be retried with another talk."""
        try:
            return self.talker.open_talk(conversation)
        except (RefusedError, ThrottledError):
            raise
        except (OutcomeUnknownError, Unavailable) as unknown:
            raise ThrottledError(f"the talk could not be opened: {unknown}") from unknown
        except Exception as error:
            telemetry.logger().exception("talk not opened", extra={"call_id": conversation.call_id})
            raise RefusedError("the talk could not be opened") from error

    def _place_on_line(self, conversation: Conversation, placement: Placement) -> str:
        try:
            return self.line.place_call(placement)
        except (RefusedError, ThrottledError):
            self._close_talk(conversation, placement.conversation_id)
            raise

    def _close_talk(self, conversation: Conversation, opened: str | None) -> None:
        try:
            self.talker.close_talk(conversation.org_id, conversation.call_id, opened)
        except OutcomeUnknownError as unknown:
            # Nobody is connected to the talk, so it ends by itself.
            ids = {"call_id": conversation.call_id, "reason": str(unknown)}
            telemetry.logger().warning("talk not closed", extra=ids)


def get_simulated_carrier() -> Carrier:
    """Returns the simulated carrier, which calls nobody, in any configuration. It is for test keys."""
    from switchboard.carriers.voice.simulator import SimulatedLine, SimulatedTalker  # for cold start: one carrier only

    return Carrier(SimulatedLine(), SimulatedTalker())


def _no_carrier() -> Carrier:
    from switchboard.carriers.voice.no_carrier import NoCarrier  # for cold start: as above

    nobody = NoCarrier()
    return Carrier(nobody, nobody)


def _twilio() -> Carrier:
    from switchboard.carriers.voice.twilio.line import TwilioLine  # for cold start: as above

    return Carrier(TwilioLine(), _TALKERS[talker_name()]())


def _no_talker() -> Talker:
    from switchboard.carriers.voice.no_carrier import NoCarrier  # for cold start: as above

    return NoCarrier()


def _simulated_talker() -> Talker:
    return get_simulated_carrier().talker


def _announcer() -> Talker:
    from switchboard.carriers.voice.twilio.announcer import Announcer  # for cold start: as above

    return Announcer()


_CARRIERS: dict[str, Callable[[], Carrier]] = {
    "simulator": get_simulated_carrier,
    "twilio": _twilio,
    "none": _no_carrier,
}
#: The talkers for a line that has none of its own.
_TALKERS: dict[str, Callable[[], Talker]] = {
    "announcer": _announcer,
    "simulator": _simulated_talker,
    "none": _no_talker,
}


def talker_name() -> str:
    """Returns the talker of a real line, which the setting VOICE_TALKER names: `announcer` or `none`, the default.

    The simulated talker works only on the local stack: a person must never hear a simulation.
    """
    found = settings.text("VOICE_TALKER", "none")
    return found if settings.stage() == "local" or found != "simulator" else "none"


def carrier_name() -> str:
    """Returns the carrier that the setting VOICE_CARRIER names: `twilio`, `simulator` or `none`.

    The simulator replaces a real carrier only on the local stack, where it is the default. In a deployment it serves
    only test keys, which do not use this name. Live calls then have no carrier, because a simulated success must never
    look like a real call.
    """
    local = settings.stage() == "local"
    found = settings.text("VOICE_CARRIER", "simulator" if local else "none")
    return found if local or found != "simulator" else "none"


def get_carrier() -> Carrier:
    """Returns the configured carrier."""
    return _CARRIERS[carrier_name()]()


def reaches_people() -> bool:
    """Whether the configured carrier calls real people."""
    return carrier_name() not in ("none", "simulator")


def find_recordings(provider: str) -> RecordingSource | None:
    """Returns the recordings of the provider that a call names, or `None` if nothing can be fetched there."""
    if provider == "simulator":
        from switchboard.carriers.voice.simulator.recordings import SimulatedRecordings  # for cold start: as above

        return SimulatedRecordings()
    if provider == "twilio":
        from switchboard.carriers.voice.twilio.recordings import TwilioRecordings  # for cold start: as above

        return TwilioRecordings()
    return None
