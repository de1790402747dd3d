"""Rooms at LiveKit: tickets, the dispatch of the agent, and the deletion of rooms."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchboard.aws import clients
from switchboard.carriers import rooms
from switchboard.carriers.rooms import RoomDownError, VoiceRoom
from switchboard.kit import clock, jwts
from switchboard.outbound import client

API_SECRET = "an API secret of LiveKit, long enough"
ROOM = VoiceRoom(
    "org_1",
    f"call_{'0' * 26}",
    "wgs_1",
    "Ada",
    60,
    agent_name="Front desk",
    voice_id="ada",
    greeting="Welcome.",
    prompt="Help the visitor.",
)


class Server:
    """LiveKit's API: answers by method, and keeps what it got."""

    def __init__(self, **answers: tuple[int, Any]) -> None:
        self.answers = answers
        self.got: list[tuple[str, dict[str, Any], dict[str, Any]]] = []

    async def post(self, _: Any, url: str, headers: dict[str, str], body: bytes, seconds: float) -> client.Response:
        assert 0 < seconds <= 5
        method = url.rpartition("/")[2]
        claims = jwts.verify_claims(headers["Authorization"].removeprefix("Bearer "), API_SECRET.encode())
        self.got.append((url, claims["video"], json.loads(body)))
        status, answer = self.answers.get(method, (200, {}))
        if isinstance(answer, Exception):
            raise answer
        return client.Response(status, {}, json.dumps(answer).encode(), 1)


@pytest.fixture(autouse=True)
def _livekit(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> None:
    clients.get_client("secretsmanager").create_secret(Name="livekit", SecretString=API_SECRET)
    settings = {
        "LIVEKIT_URL": "wss://example.livekit.cloud",
        "LIVEKIT_API_KEY": "APIexample",
        "LIVEKIT_SECRET": "livekit",
        "LIVEKIT_AGENT": "desk",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"SWITCHBOARD_{name}", value)


def use(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    async def post(self: Any, *asked: Any) -> client.Response:
        return await server.post(self, *asked)

    monkeypatch.setattr(client.GuardedClient, "post", post)


def test_a_ticket_opens_one_room_and_tells_the_browser_nothing_else(frozen: clock.FrozenClock) -> None:
    ticket = rooms.named("livekit").make_ticket(ROOM)
    assert ticket.url == "wss://example.livekit.cloud"
    now = int(clock.epoch())
    assert jwts.verify_claims(ticket.token, API_SECRET.encode()) == {
        "iss": "APIexample",
        "sub": "wgs_1",
        "nbf": now,
        "exp": now + 60,
        "name": "Ada",
        "video": {"room": ROOM.name, "roomJoin": True, "canPublish": True, "canSubscribe": True},
    }


def test_the_agent_is_dispatched_once_with_its_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(ListDispatch=(200, {"agentDispatches": []}))
    use(monkeypatch, server)
    rooms.named("livekit").start_talk(ROOM)
    (listed, grant, asked), (created, _, body) = server.got
    assert listed == "https://example.livekit.cloud/twirp/livekit.AgentDispatchService/ListDispatch"
    assert created == "https://example.livekit.cloud/twirp/livekit.AgentDispatchService/CreateDispatch"
    assert asked == {"room": ROOM.name}
    assert grant == {"roomAdmin": True, "room": ROOM.name, "roomCreate": True}
    assert json.loads(body.pop("metadata")) == {
        "callId": ROOM.call_id,
        "agentName": "Front desk",
        "voice": "ada",
        "greeting": "Welcome.",
        "prompt": "Help the visitor.",
    }
    assert body == {"agentName": "desk", "room": ROOM.name}
    again = Server(ListDispatch=(200, {"agentDispatches": [{"agentName": "desk"}]}))
    use(monkeypatch, again)
    rooms.named("livekit").start_talk(ROOM)
    assert len(again.got) == 1


@pytest.mark.parametrize("status", [200, 404])
def test_a_room_is_deleted(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    server = Server(DeleteRoom=(status, {}), ListDispatch=(status, {}))
    use(monkeypatch, server)
    rooms.named("livekit").close_room(ROOM.org_id, ROOM.call_id)
    ((url, grant, body),) = server.got
    assert url.endswith("/twirp/livekit.RoomService/DeleteRoom")
    assert (grant, body) == ({"roomCreate": True}, {"room": ROOM.name})


def test_the_room_says_who_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = {"identity": "wgs_1", "state": "ACTIVE", "joinedAt": "1768497600"}
    server = Server(ListParticipants=(200, {"participants": [{"kind": "AGENT", "state": "ACTIVE"}, visitor]}))
    use(monkeypatch, server)
    found = rooms.named("livekit")
    assert found.find_visitor(ROOM.org_id, ROOM.call_id) == "2026-01-15T17:20:00.000Z"
    ((url, grant, body),) = server.got
    assert url.endswith("/twirp/livekit.RoomService/ListParticipants")
    assert (grant, body) == ({"roomAdmin": True, "room": ROOM.name}, {"room": ROOM.name})
    for nobody in (404, {}), (200, {}), (200, {"participants": [{"kind": "AGENT", "state": "ACTIVE"}]}):
        use(monkeypatch, Server(ListParticipants=nobody))
        assert found.find_visitor(ROOM.org_id, ROOM.call_id) is None


@pytest.mark.parametrize("answer", [(503, {}), (401, {}), (200, client.TimedOutError("too slow"))])
def test_a_server_that_is_down_is_asked_again_later(monkeypatch: pytest.MonkeyPatch, answer: tuple[int, Any]) -> None:
    use(monkeypatch, Server(DeleteRoom=answer, ListDispatch=answer, ListParticipants=answer))
    found = rooms.named("livekit")
    with pytest.raises(RoomDownError):
        found.close_room(ROOM.org_id, ROOM.call_id)
    with pytest.raises(RoomDownError):
        found.start_talk(ROOM)
    with pytest.raises(RoomDownError):
        found.find_visitor(ROOM.org_id, ROOM.call_id)
