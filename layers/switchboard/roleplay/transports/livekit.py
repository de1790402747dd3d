"""LiveKit: rooms in which a rep's browser and the persona's agent meet.

A ticket is an access token of LiveKit: a JSON Web Token, signed with the secret of the API key, for one room and one
participant. LiveKit creates the room when the first participant joins, and dispatches the agent that the token names.
`livekit_reports` parses the reports about a room.
"""

from __future__ import annotations

import json
from typing import Any

from switchboard.carriers.rooms import livekit_api
from switchboard.carriers.rooms.livekit_api import LiveKitDownError
from switchboard.kit import clock, jwts, settings
from switchboard.roleplay.transports import Down, Room, Ticket


class LiveKit:
    """The transport over LiveKit.

    Settings: LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_AGENT, and LIVEKIT_SECRET, the name of a secret in Secrets Manager.
    """

    def make_ticket(self, room: Room) -> Ticket:
        """Returns a ticket. This sends no request to LiveKit."""
        agent = settings.text("LIVEKIT_AGENT", "")
        token = access_token(room, livekit_api.api_key(), livekit_api.api_secret(), agent)
        return Ticket(token, settings.text("LIVEKIT_URL"))

    def start_persona(self, room: Room) -> None:
        """Does nothing: the ticket makes LiveKit dispatch the agent."""

    def close_room(self, room: Room) -> None:
        """Deletes the room, which disconnects its participants (RoomService.DeleteRoom). Raises Down."""
        try:
            livekit_api.delete_room(room.name)
        except LiveKitDownError as error:
            raise Down(str(error)) from error


def access_token(room: Room, api_key: str, api_secret: bytes, agent: str = "") -> str:
    """Returns a rep's access token for a room. `agent` names the agent that joins with the rep.

    The token expires at the end of the time to join. A connected participant stays connected: LiveKit checks the expiry
    at the first connection only, and issues new tokens to participants for reconnecting.
    """
    now = int(clock.epoch())
    metadata = json.dumps(_told(room), separators=(",", ":"))
    claims: dict[str, Any] = {
        "iss": api_key,
        "sub": room.session_id,
        "nbf": now,
        "exp": now + room.join_seconds,
        "name": room.rep,
        "metadata": metadata,
        "video": {"room": room.name, "roomJoin": True, "canPublish": True, "canSubscribe": True},
    }
    if agent:
        claims["roomConfig"] = {"agents": [{"agentName": agent, "metadata": metadata}]}
    return jwts.sign_claims(claims, api_secret)


def _told(room: Room) -> dict[str, Any]:
    """Returns the metadata for the persona's agent. The browser can read it, so it must not reveal the drill."""
    return {
        "callId": room.call_id,
        "drillKey": room.drill_key,
        "persona": room.persona.id,
        "difficulty": room.persona.difficulty.value,
    }
