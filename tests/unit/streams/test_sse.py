"""An event in the form for clients, without recipients (docs/contracts/anima.md#stream)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchboard.audit.stream_source import event_detail
from switchboard.dialects.anima import stream
from switchboard.streams import sse
from tests.unit.streams.conftest import EventSource


def event_document(**changes: Any) -> dict[str, Any]:
    return {
        "id": "evt_1",
        "seq": 7,
        "timestamp": "2026-01-15T17:00:00.000Z",
        "category": "email",
        "channel": "email",
        "action": "email.sent",
        "agentId": "agt_1",
        "resourceType": "message",
        "resourceId": "msg_1",
        "correlationId": "corr_1",
        "metadata": {},
    } | changes


def test_an_event_has_the_shape_that_clients_parse() -> None:
    assert stream.stream_event(event_document()) == {
        "ts": "2026-01-15T17:00:00.000Z",
        "channel": "email",
        "agentId": "agt_1",
        "event": "email.sent",
        "detail": "message msg_1",
        "correlationId": "corr_1",
    }


def test_it_is_one_block_with_its_data_on_one_line() -> None:
    lines = stream.stream_entry(event_document(metadata={"note": "two\nlines"})).frame.decode().split("\n")
    assert lines[0] == "id: 7"
    assert json.loads(lines[1].removeprefix("data: "))["event"] == "email.sent"
    assert lines[2:] == ["", ""]


def test_onmessage_gets_every_event_with_its_name_in_the_data() -> None:
    names = ["email.sent", "message", "open", "error", "voice.call.completed"]
    source = EventSource()
    source.connection(
        sse.opening_block(2_000, 40)
        + b"".join(
            stream.stream_entry(event_document(seq=seq, action=name)).frame for seq, name in enumerate(names, 41)
        )
        + sse.PING
        + sse.place_block(60)
        + sse.ending_block("come again")
    )
    assert [message["event"] for message in source.messages] == names
    assert source.named == []
    assert (source.last_event_id, source.reconnection_time) == ("60", 2_000)


def test_an_event_without_a_channel_shows_its_category() -> None:
    shown = stream.stream_event(event_document(channel=None, category="key", action="key.revoked", agentId=None))
    assert (shown["channel"], shown["agentId"]) == ("key", None)


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({"kind": "mail", "recipients": ["a" * 64, "b" * 64]}, "message msg_1 kind=mail recipients=2"),
        ({"enabled": True, "cents": 500}, "message msg_1 enabled=yes cents=500"),
        ({"to": "ann@example.com", "number": "+12025550123", "digest": "0a" * 32}, "message msg_1"),
        ({"none": None, "empty": "", "nested": {"a": 1}, "long": "x" * 65}, "message msg_1"),
    ],
)
def test_its_detail_is_plain_facts_and_never_an_address(metadata: dict[str, Any], told: str) -> None:
    assert event_detail(event_document(metadata=metadata)) == told


def test_its_detail_is_short() -> None:
    assert len(event_detail(event_document(metadata={f"fact{place}": "x" * 60 for place in range(20)}))) == 200


def test_blocks_without_an_event_are_not_shown_by_clients() -> None:
    assert sse.opening_block(2_000, 41) == b"retry: 2000\nid: 41\n\n"
    assert sse.opening_block(2_000, None) == b"retry: 2000\n\n"
    assert sse.PING == b": ping\n"
    assert sse.place_block(5) == b"id: 5\n\n"
    assert sse.ending_block("come again").startswith(b": ")
