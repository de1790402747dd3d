"""LiveKit: rooms in which a rep's browser and the persona's agent meet.

A ticket is an access token of LiveKit: a JSON Web Token, signed with the secret of the API key, for one room and one
participant. LiveKit creates the room when the first participant joins, and dispatches the agent that the token names.
`livekit_reports` parses the reports about a room.
"""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any

from switchboard.aws import secret
from switchboard.kit import clock, jwts, settings
from switchboard.outbound.errors import NoResponseError
from switchboard.roleplay.transports import Down, Room, Ticket

#: The timeout of a request to the server's API, and the lifetime of a token for it.
_SECONDS, _API_TOKEN_SECONDS = 5.0, 60


class LiveKit:
    """The transport over LiveKit.

    Settings: LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_AGENT, and LIVEKIT_SECRET, the name of a secret in Secrets Manager.
    """

    def make_ticket(self, room: Room) -> Ticket:
        """Returns a ticket. This sends no request to LiveKit."""
        token = access_token(room, settings.text("LIVEKIT_API_KEY"), _secret(), settings.text("LIVEKIT_AGENT", ""))
        return Ticket(token, settings.text("LIVEKIT_URL"))

    def start_persona(self, room: Room) -> None:
        """Does nothing: the ticket makes LiveKit dispatch the agent."""

    def close_room(self, room: Room) -> None:
        """Deletes the room, which disconnects its participants (RoomService.DeleteRoom). Raises Down."""
        token = _api_token(settings.text("LIVEKIT_API_KEY"), _secret())
        url = settings.text("LIVEKIT_URL").replace("ws", "http", 1).rstrip("/")
        try:
            status = asyncio.run(
                _post(f"{url}/twirp/livekit.RoomService/DeleteRoom", token, json.dumps({"room": room.name}).encode())
            )
        except NoResponseError as error:
            raise Down(f"LiveKit cannot be reached: {error.reason}") from error
        if status not in (HTTPStatus.OK, HTTPStatus.NOT_FOUND):
            raise Down(f"LiveKit returned the status {status}")


async def _post(url: str, token: str, body: bytes) -> int:
    from switchboard.outbound.client import GuardedClient  # for cold start: loaded with the first request

    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    async with GuardedClient() as web:
        return (await web.post(url, headers, body, _SECONDS)).status


def _secret() -> bytes:
    # The newest secret signs. During a rotation, the older secret still verifies reports.
    return secret.active_secrets(settings.text("LIVEKIT_SECRET"))[0].encode()


def _api_token(api_key: str, api_secret: bytes) -> str:
    now = int(clock.epoch())
    claims = {"iss": api_key, "nbf": now, "exp": now + _API_TOKEN_SECONDS, "video": {"roomCreate": True}}
    return jwts.sign_claims(claims, api_secret)


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
