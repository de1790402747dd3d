"""The port to live voice: where a rep's browser meets the persona."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from switchboard.kit import settings
from switchboard.roleplay.catalog.models import Persona

__all__ = ["Down", "Room", "Ticket", "Transport", "name", "named"]


class Down(Exception):
    """The transport takes nobody in now."""


@dataclass(frozen=True, slots=True)
class Room:
    """A call to take in. `call_id` is our own: the transport sends it back with everything that it reports."""

    org_id: str
    call_id: str
    session_id: str
    rep: str
    drill_key: str
    #: What the drill is judged by, in the order in which a call comes to it.
    criteria: tuple[str, ...]
    persona: Persona
    #: How long the rep may take to come in, in seconds.
    join_seconds: int

    @property
    def name(self) -> str:
        """What the room is called: it says whose call it is to whoever gets its reports."""
        return f"{self.org_id}.{self.call_id}"


class Ticket(NamedTuple):
    """What a browser enters a room with, and where."""

    token: str
    url: str


class Transport(Protocol):
    """Takes calls in."""

    def ticket(self, room: Room) -> Ticket:
        """A ticket for the rep. Raises Down."""

    def begin(self, room: Room) -> None:
        """Let the persona come in. Doing it twice is doing it once: reports are told apart by what they say."""

    def close(self, room: Room) -> None:
        """Put everybody out, and end the room. A room that is gone is closed. Raises Down."""


def _livekit() -> Transport:
    from switchboard.roleplay.transports.livekit import LiveKit

    return LiveKit()


def _simulator() -> Transport:
    from switchboard.roleplay.transports.simulator import SimulatedTransport

    return SimulatedTransport()


_TRANSPORTS: dict[str, Callable[[], Transport]] = {"livekit": _livekit, "simulator": _simulator}


def name() -> str:
    """The transport that the setting ROLEPLAY_TRANSPORT names: `livekit` or `simulator` (the default)."""
    return settings.text("ROLEPLAY_TRANSPORT", "simulator")


def named(transport: str) -> Transport:
    """The transport of that name: a call stays with the one that it began on."""
    return _TRANSPORTS[transport]()
