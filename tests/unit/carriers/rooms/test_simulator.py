"""Simulated rooms: the talk goes step by step, and stops when the room is closed."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.aws import queues
from switchboard.carriers import rooms
from switchboard.carriers.rooms import VoiceRoom
from switchboard.carriers.rooms.simulator import ABSENT
from switchboard.carriers.voice.ports.reports import Report
from switchboard.carriers.voice.simulator import worker
from switchboard.kit import clock, jwts

pytestmark = pytest.mark.usefixtures("cloud", "frozen")
ROOM = VoiceRoom("org_1", f"call_{'0' * 26}", "wgs_1", "Ada", 60, greeting="Welcome.")


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[Report]:
    """The reports that the simulated provider posts."""
    found: list[Report] = []
    monkeypatch.setattr(worker, "post_report", found.append)
    return found


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The messages of the queue, in the order in which they are due."""
    found: list[tuple[int, dict[str, Any]]] = []

    def send(messages: Any) -> None:
        found.extend((message.delay or 0, message.body) for message in messages)
        found.sort(key=lambda one: one[0])
        bodies[:] = [body for _, body in found]

    bodies: list[dict[str, Any]] = []
    monkeypatch.setattr(queues, "send_messages", send)
    return bodies


def test_both_sides_talk_and_the_visitor_leaves(
    heard: list[Report], sent: list[dict[str, Any]], frozen: clock.FrozenClock
) -> None:
    rooms.named("simulator").start_talk(ROOM)
    frozen.advance(minutes=1)
    for body in list(sent):
        worker.handle_message(body)
    kinds = [report.kind for report in heard]
    assert kinds == ["answered", *["turn"] * (len(kinds) - 2), "ended"]
    turns = [report.turn for report in heard if report.turn]
    assert [turn.number for turn in turns] == list(range(len(turns)))
    assert (turns[0].speaker, turns[0].text, turns[1].speaker) == ("agent", "Welcome.", "caller")
    assert (heard[-1].end_reason, heard[-1].duration_seconds) == ("caller_hangup", 2 * len(turns) + 2)


def test_a_repeated_start_says_nothing_twice(heard: list[Report], sent: list[dict[str, Any]]) -> None:
    for _ in range(2):
        rooms.named("simulator").start_talk(ROOM)
    for body in list(sent):
        worker.handle_message(body)
    assert len({report.turn.number for report in heard if report.turn}) == 7
    assert {report.kind for report in heard} == {"answered", "turn", "ended"}


def test_a_closed_room_is_silent(heard: list[Report], sent: list[dict[str, Any]]) -> None:
    found = rooms.named("simulator")
    found.start_talk(ROOM)
    first, second, *rest = sent
    worker.handle_message(first)
    worker.handle_message(second)
    found.close_room(ROOM.org_id, ROOM.call_id)
    found.close_room(ROOM.org_id, ROOM.call_id)
    for body in rest:
        worker.handle_message(body)
    assert [report.kind for report in heard] == ["answered", "turn"]
    found.close_room("org_1", f"call_{'9' * 26}")


def test_a_room_may_stay_empty(sent: list[dict[str, Any]]) -> None:
    rooms.named("simulator").start_talk(VoiceRoom("org_1", ROOM.call_id, "wgs_1", ABSENT, 60))
    assert sent == []


def test_no_server_accepts_the_ticket() -> None:
    ticket = rooms.named("simulator").make_ticket(ROOM)
    with pytest.raises(jwts.NotSignedError):
        jwts.verify_claims(ticket.token, b"a secret of LiveKit, long enough")
    assert ticket.url.startswith("wss://")


def test_a_deployment_has_no_simulated_rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rooms.provider_name() == "simulator"
    monkeypatch.setenv("SWITCHBOARD_STAGE", "prod")
    assert rooms.provider_name() == "none"
    monkeypatch.setenv("SWITCHBOARD_VOICE_ROOMS", "simulator")
    assert rooms.provider_name() == "none"
    monkeypatch.setenv("SWITCHBOARD_VOICE_ROOMS", "livekit")
    assert rooms.provider_name() == "livekit"
