"""LiveKit: rooms in which a rep's browser and the persona's agent meet.

A ticket is an access token as LiveKit's servers read it: a JSON Web Token under the API key's secret, which opens one
room to one participant. The room makes itself when the first one enters, and calls the agent of that name in.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from switchboard.aws import clock, secret, settings
from switchboard.carriers.transport import Room, Ticket

#: As long as the longest call may take: a browser that lost its connection comes back with the same ticket.
LIFETIME = timedelta(hours=1)


class LiveKit:
    """Makes tickets by the settings LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_AGENT, and LIVEKIT_SECRET, which names a
    secret of Secrets Manager.
    """

    def ticket(self, room: Room) -> Ticket:
        """A ticket, made without asking anybody."""
        api_secret = secret.provided(settings.text("LIVEKIT_SECRET")).encode()
        token = access_token(room, settings.text("LIVEKIT_API_KEY"), api_secret, settings.text("LIVEKIT_AGENT", ""))
        return Ticket(token, settings.text("LIVEKIT_URL"))

    def begin(self, room: Room) -> None:
        """Nothing: the ticket itself calls the agent in."""


def access_token(room: Room, api_key: str, api_secret: bytes, agent: str = "") -> str:
    """A rep's access token for a room. `agent` names the agent that comes in with the rep."""
    import jwt

    now = int(clock.epoch())
    metadata = json.dumps(_told(room), separators=(",", ":"))
    claims: dict[str, Any] = {
        "iss": api_key,
        "sub": room.session_id,
        "nbf": now,
        "exp": now + int(LIFETIME.total_seconds()),
        "name": room.rep,
        "metadata": metadata,
        "video": {"room": room.call_id, "roomJoin": True, "canPublish": True, "canSubscribe": True},
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
