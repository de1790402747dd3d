"""Rooms at LiveKit: the visitor joins with a ticket, and our worker dispatches the agent that talks.

The instructions of the agent travel in its dispatch, which only servers read. A ticket holds nothing but names, because
the browser can read it.
"""

from __future__ import annotations

import json
from typing import Any

from switchboard.carriers.rooms import RoomDownError, RoomTicket, VoiceRoom, livekit_api, livekit_reports, room_name
from switchboard.carriers.rooms.livekit_api import LiveKitDownError
from switchboard.carriers.voice.ports.talker import Voice
from switchboard.kit import clock, jwts, settings

_ADMIN = "roomAdmin"


class LiveKitRooms:
    """Rooms at LiveKit. Settings: those of `livekit_api`, and LIVEKIT_AGENT, the name of the agent."""

    def list_voices(self) -> list[Voice]:
        """Returns the voice of the agent. The agent knows its own voices."""
        return [Voice("livekit:default", "Assistant", "basic", "en-US", "female", ())]

    def make_ticket(self, room: VoiceRoom) -> RoomTicket:
        """Returns a ticket. It expires at the end of the time to join. LiveKit keeps a visitor who has joined."""
        return RoomTicket(
            sign_ticket(room, livekit_api.api_key(), livekit_api.api_secret()), settings.text("LIVEKIT_URL")
        )

    def start_talk(self, room: VoiceRoom) -> None:
        """Dispatches the agent to the room, once. LiveKit creates the room if nobody has joined yet."""
        agent = settings.text("LIVEKIT_AGENT", "")
        grant = {_ADMIN: True, "room": room.name, "roomCreate": True}
        try:
            found = livekit_api.send_request("AgentDispatchService/ListDispatch", grant, {"room": room.name}) or {}
            # protojson writes the names of fields in camel case.
            if any(one.get("agentName") == agent for one in _list_dispatches(found)):
                return
            livekit_api.send_request(
                "AgentDispatchService/CreateDispatch",
                grant,
                {"agentName": agent, "room": room.name, "metadata": _instructions(room)},
            )
        except LiveKitDownError as error:
            raise RoomDownError(str(error)) from error

    def find_visitor(self, org_id: str, call_id: str) -> str | None:
        """Returns since when a visitor is in the room. The agent is no visitor, nor is a person who has left."""
        room = room_name(org_id, call_id)
        try:
            found = livekit_api.send_request(
                "RoomService/ListParticipants", {_ADMIN: True, "room": room}, {"room": room}
            )
        except LiveKitDownError as error:
            raise RoomDownError(str(error)) from error
        return livekit_reports.find_visitor(found or {})

    def close_room(self, org_id: str, call_id: str) -> None:
        """Deletes the room, which disconnects its participants."""
        try:
            livekit_api.delete_room(room_name(org_id, call_id))
        except LiveKitDownError as error:
            raise RoomDownError(str(error)) from error


def sign_ticket(room: VoiceRoom, key: str, secret: bytes) -> str:
    """Returns a visitor's access token for a room."""
    now = int(clock.epoch())
    claims: dict[str, Any] = {
        "iss": key,
        "sub": room.visitor_id,
        "nbf": now,
        "exp": now + room.join_seconds,
        "name": room.visitor_name,
        "video": {"room": room.name, "roomJoin": True, "canPublish": True, "canSubscribe": True},
    }
    return jwts.sign_claims(claims, secret)


def _list_dispatches(found: dict[str, Any]) -> list[dict[str, Any]]:
    listed = found.get("agentDispatches")
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _instructions(room: VoiceRoom) -> str:
    told = {
        "callId": room.call_id,
        "agentName": room.agent_name,
        "voice": room.voice_id,
        "greeting": room.greeting,
        "prompt": room.prompt,
    }
    return json.dumps({name: value for name, value in told.items() if value}, separators=(",", ":"))
