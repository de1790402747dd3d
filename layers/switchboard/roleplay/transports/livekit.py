"""LiveKit: rooms in which a rep's browser and the persona's agent meet.

A ticket is an access token as LiveKit's servers read it: a JSON Web Token under the API key's secret, which opens one
room to one participant. The room makes itself when the first one enters, and calls the agent of that name in. What
comes back of it is read by `livekit_reports`.
"""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any

from switchboard.aws import secret
from switchboard.kit import clock, settings
from switchboard.roleplay.transports import Down, Room, Ticket

#: How long the server's API may take to answer, and how long a token for it is good.
_SECONDS, _API_TOKEN_SECONDS = 5.0, 60


class LiveKit:
    """Makes tickets by the settings LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_AGENT, and LIVEKIT_SECRET, which names a
    secret of Secrets Manager.
    """

    def ticket(self, room: Room) -> Ticket:
        """A ticket, made without asking anybody."""
        token = access_token(room, settings.text("LIVEKIT_API_KEY"), _secret(), settings.text("LIVEKIT_AGENT", ""))
        return Ticket(token, settings.text("LIVEKIT_URL"))

    def begin(self, room: Room) -> None:
        """Nothing: the ticket itself calls the agent in."""

    def close(self, room: Room) -> None:
        """Delete the room, which disconnects everybody in it (RoomService.DeleteRoom). Raises Down."""
        from switchboard.outbound import client

        token = _api_token(settings.text("LIVEKIT_API_KEY"), _secret())
        url = settings.text("LIVEKIT_URL").replace("ws", "http", 1).rstrip("/")
        try:
            status = asyncio.run(
                _post(f"{url}/twirp/livekit.RoomService/DeleteRoom", token, json.dumps({"room": room.name}).encode())
            )
        except client.NoResponseError as error:
            raise Down(f"LiveKit cannot be reached: {error.reason}") from error
        if status not in (HTTPStatus.OK, HTTPStatus.NOT_FOUND):
            raise Down(f"LiveKit answers {status}")


async def _post(url: str, token: str, body: bytes) -> int:
    from switchboard.outbound.client import GuardedClient

    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    async with GuardedClient() as web:
        return (await web.post(url, headers, body, _SECONDS)).status


def _secret() -> bytes:
    # The newest: while it is rotated an older one still verifies what comes back.
    return secret.active_secrets(settings.text("LIVEKIT_SECRET"))[0].encode()


def _api_token(api_key: str, api_secret: bytes) -> str:
    import jwt

    now = int(clock.epoch())
    claims = {"iss": api_key, "nbf": now, "exp": now + _API_TOKEN_SECONDS, "video": {"roomCreate": True}}
    return jwt.encode(claims, api_secret, algorithm="HS256")


def access_token(room: Room, api_key: str, api_secret: bytes, agent: str = "") -> str:
    """A rep's access token for a room. `agent` names the agent that comes in with the rep.

    It ends with the time to come in. Who is in stays in: LiveKit checks the end at the first connection only, and
    gives those inside new tokens to come back with.
    """
    import jwt

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
    return jwt.encode(claims, api_secret, algorithm="HS256")


def _told(room: Room) -> dict[str, Any]:
    """What the persona's agent has to know. The browser can read it, so that nothing is in it that spoils the drill."""
    return {
        "callId": room.call_id,
        "drillKey": room.drill_key,
        "persona": room.persona.id,
        "difficulty": room.persona.difficulty.value,
    }
