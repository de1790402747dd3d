"""LiveKit's reports about the rooms of calls."""

from __future__ import annotations

from typing import Any

from switchboard.carriers.rooms import livekit_reports
from tests.tables import each

CALL = f"call_{'0' * 26}"
ROOM = {"name": f"org_1.{CALL}"}
PLACE = {"org_id": "org_1", "call_id": CALL}


@each(
    "event, told",
    [
        ({"event": "participant_joined"}, {"kind": "answered"}),
        ({"event": "participant_joined", "participant": {"kind": "STANDARD"}}, {"kind": "answered"}),
        (
            {"event": "participant_left", "participant": {"disconnectReason": "CLIENT_INITIATED"}},
            {"kind": "ended", "end_reason": "caller_hangup"},
        ),
        ({"event": "room_finished", "createdAt": "1768497600"}, {"kind": "ended", "end_reason": "completed"}),
    ],
)
def test_a_report_about_a_call(event: dict[str, Any], told: dict[str, str]) -> None:
    found = livekit_reports.of_webhook({"room": ROOM, **event})
    assert found is not None
    at = {"at": "2026-01-15T17:20:00.000Z"} if "createdAt" in event else {}
    assert found.model_dump(exclude_none=True) == PLACE | told | at


@each(
    "event",
    [
        None,
        [],
        {},
        {"event": "room_finished"},
        {"event": "room_finished", "room": {"name": "org_1.athos_call_x"}},
        {"event": "room_finished", "room": {"name": f"org_1.{CALL}x"}},
        {"event": "room_finished", "room": {"name": 7}},
        {"event": "room_finished", "room": "org_1"},
        {"event": "room_started", "room": ROOM},
        {"event": "participant_joined", "room": ROOM, "participant": {"kind": "AGENT"}},
        {"event": "participant_left", "room": ROOM, "participant": {"disconnectReason": "JOIN_FAILURE"}},
        {"event": "participant_left", "room": ROOM, "participant": {"kind": "AGENT", "disconnectReason": 1}},
    ],
)
def test_a_webhook_without_a_report(event: Any) -> None:
    assert livekit_reports.of_webhook(event) is None


@each(
    "listed",
    [
        {},
        {"participants": None},
        {"participants": [7, {}, {"identity": "wgs_1", "state": "DISCONNECTED"}]},
        {"participants": [{"identity": "wgs_1"}, {"kind": "AGENT", "state": "ACTIVE"}]},
    ],
)
def test_a_room_without_a_visitor(listed: Any) -> None:
    assert livekit_reports.find_visitor(listed) is None
