"""The port to live voice for calls without a telephone: a room where a visitor's browser meets the voice AI.

A provider reports what happens in a room as reports about the call (`carriers.voice.ports.reports`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from switchboard.carriers.voice.ports.talker import Voice
from switchboard.kit import settings

__all__ = ["RoomDownError", "RoomTicket", "Rooms", "VoiceRoom", "named", "provider_name", "room_name"]


class RoomDownError(Exception):
    """The provider of rooms is not available now."""


def room_name(org_id: str, call_id: str) -> str:
    """Returns the name of a call's room. It identifies organization and call in the reports."""
    return f"{org_id}.{call_id}"


@dataclass(frozen=True, slots=True)
class VoiceRoom:
    """A call that needs a room, with what the voice AI needs to talk in it."""

    org_id: str
    call_id: str
    #: The id of the visitor in the room.
    visitor_id: str
    visitor_name: str
    #: The time that the visitor has to join.
    join_seconds: int
    agent_name: str = ""
    voice_id: str = ""
    greeting: str = ""
    prompt: str | None = None

    @property
    def name(self) -> str:
        """The room's name."""
        return room_name(self.org_id, self.call_id)


class RoomTicket(NamedTuple):
    """The token that lets a browser join a room, and the URL of the server."""

    token: str
    url: str


class Rooms(Protocol):
    """Provides rooms for calls."""

    def list_voices(self) -> list[Voice]:
        """Returns the voices that can talk in a room."""

    def make_ticket(self, room: VoiceRoom) -> RoomTicket:
        """Returns a ticket for the visitor. Sends no request."""

    def start_talk(self, room: VoiceRoom) -> None:
        """Lets the voice AI join. Running it twice is safe. Raises RoomDownError."""

    def find_visitor(self, org_id: str, call_id: str) -> str | None:
        """Returns since when a visitor is in the room, `None` if there is none. Raises RoomDownError."""

    def close_room(self, org_id: str, call_id: str) -> None:
        """Disconnects everybody and deletes the room. Succeeds if there is no such room. Raises RoomDownError."""


def _livekit() -> Rooms:
    from switchboard.carriers.rooms.livekit import LiveKitRooms  # for cold start: one provider only

    return LiveKitRooms()


def _simulator() -> Rooms:
    from switchboard.carriers.rooms.simulator import SimulatedRooms  # for cold start: as above

    return SimulatedRooms()


_PROVIDERS: dict[str, Callable[[], Rooms]] = {"livekit": _livekit, "simulator": _simulator}


def provider_name() -> str:
    """Returns the provider that the setting VOICE_ROOMS names: `livekit`, `simulator` or `none`.

    The simulator works only on the local stack, where it is the default: a person must never hear a simulation.
    """
    local = settings.stage() == "local"
    found = settings.text("VOICE_ROOMS", "simulator" if local else "none")
    return found if local or found != "simulator" else "none"


def named(provider: str) -> Rooms:
    """Returns the provider with this name. A call keeps the provider that it started with."""
    return _PROVIDERS[provider]()
