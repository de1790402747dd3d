"""The port to live voice: a room where a rep's browser meets the persona."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from switchboard.kit import settings
from switchboard.roleplay.catalog.models import Persona

__all__ = ["Down", "Room", "Ticket", "Transport", "name", "named"]


class Down(Exception):
    """The transport is not available now."""


@dataclass(frozen=True, slots=True)
class Room:
    """A call that needs a room. `call_id` is our own id. The transport returns it in every report."""

    org_id: str
    call_id: str
    session_id: str
    rep: str
    drill_key: str
    #: The criteria of the drill, in the order of a typical call.
    criteria: tuple[str, ...]
    persona: Persona
    #: The time that the rep has to join.
    join_seconds: int

    @property
    def name(self) -> str:
        """The room's name. It identifies organization and call in the reports."""
        return f"{self.org_id}.{self.call_id}"


class Ticket(NamedTuple):
    """The token that lets a browser join a room, and the URL of the server."""

    token: str
    url: str


class Transport(Protocol):
    """Provides rooms for calls."""

    def make_ticket(self, room: Room) -> Ticket:
        """Returns a ticket for the rep. Raises Down."""

    def start_persona(self, room: Room) -> None:
        """Lets the persona join. Running it twice is safe: duplicate reports are recognized by their content."""

    def close_room(self, room: Room) -> None:
        """Disconnects all participants and deletes the room. Succeeds if there is no such room. Raises Down."""


def _livekit() -> Transport:
    from switchboard.roleplay.transports.livekit import LiveKit  # for cold start: one transport only

    return LiveKit()


def _simulator() -> Transport:
    from switchboard.roleplay.transports.simulator import SimulatedTransport  # for cold start: as above

    return SimulatedTransport()


_TRANSPORTS: dict[str, Callable[[], Transport]] = {"livekit": _livekit, "simulator": _simulator}


def name() -> str:
    """Returns the setting ROLEPLAY_TRANSPORT: `livekit` or `simulator` (the default)."""
    return settings.text("ROLEPLAY_TRANSPORT", "simulator")


def named(transport: str) -> Transport:
    """Returns the transport of a name. A call keeps the transport that it started on."""
    return _TRANSPORTS[transport]()
