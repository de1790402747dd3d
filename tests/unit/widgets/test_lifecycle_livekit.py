"""Sessions in rooms at LiveKit: its webhooks, and the reports of the agent, move the call."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest

from functions.callbacks.livekit import handler as livekit
from infra import topology
from infra.local.pool import Context
from switchboard.aws import clients
from switchboard.calls.jobs import CloseCallRoom
from switchboard.calls.models import State
from switchboard.carriers import rooms
from switchboard.carriers.rooms.livekit import LiveKitRooms
from switchboard.carriers.voice.ports.reports import EndReason
from switchboard.compliance import ledgers
from switchboard.kit import clock, jwts
from switchboard.widgets.jobs import EndSession
from switchboard.widgets.models import WidgetSession, WidgetToken
from switchboard.widgets.sessions import read_talk
from tests.integration.sabotage import run_worker, scan_items
from tests.unit.widgets.desk import do, find_call, start

API_SECRET = "an API secret of LiveKit, long enough"


@pytest.fixture
def session(token: WidgetToken, monkeypatch: pytest.MonkeyPatch) -> WidgetSession:
    clients.get_client("secretsmanager").create_secret(Name="livekit", SecretString=API_SECRET)
    settings = {
        "VOICE_ROOMS": "livekit",
        "LIVEKIT_URL": "wss://example.livekit.cloud",
        "LIVEKIT_API_KEY": "APIexample",
        "LIVEKIT_SECRET": "livekit",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"SWITCHBOARD_{name}", value)
    return start(token, name="Ada").session


def post(path: str, told: dict[str, Any], media_type: str) -> int:
    """Post a signed callback, and let the worker apply its reports."""
    body = json.dumps(told).encode()
    at = int(clock.epoch())
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    signed = jwts.sign_claims({"iss": "APIexample", "nbf": at, "exp": at + 300, "sha256": digest}, API_SECRET.encode())
    sent = {"Content-Type": media_type, "Authorization": signed}
    event = {
        "httpMethod": "POST",
        "path": path,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "multiValueQueryStringParameters": None,
        "requestContext": {"identity": {"sourceIp": "203.0.113.11"}},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }
    status = livekit.handler(event, Context(topology.function("callbacks/livekit")))["statusCode"]
    run_worker("workers/voice_events")
    return int(status)


def send_webhook(session: WidgetSession, event: str, *, at: int | None = None, **participant: Any) -> int:
    room = {"name": rooms.room_name(session.org_id, session.call_id)}
    told = {"event": event, "room": room, "participant": participant, "createdAt": str(at or int(clock.epoch()))}
    return post("/callbacks/livekit", told, livekit.WEBHOOK_JSON)


def send_reports(session: WidgetSession, *reports: dict[str, Any]) -> int:
    room = rooms.room_name(session.org_id, session.call_id)
    return post("/callbacks/livekit/reports", {"room": room, "reports": reports}, "application/json")


def test_a_visitor_joins_talks_and_leaves(session: WidgetSession, frozen: clock.FrozenClock) -> None:
    assert send_webhook(session, "participant_joined", kind="AGENT") == 200
    assert find_call(session).state is State.RINGING
    assert send_webhook(session, "participant_joined", identity=session.id) == 200
    assert find_call(session).state is State.ACTIVE
    turns = [
        {"event": "turn", "number": 0, "speaker": "persona", "text": "Welcome.", "startMs": 0, "endMs": 600},
        {"event": "turn", "number": 1, "speaker": "rep", "text": "Hello.", "startMs": 700, "endMs": 900},
    ]
    assert send_reports(session, *turns) == 200
    assert send_reports(session, *turns) == 200
    assert [(turn.speaker, turn.text) for turn in read_talk(session).turns] == [
        ("agent", "Welcome."),
        ("caller", "Hello."),
    ]
    frozen.advance(seconds=30)
    assert send_webhook(session, "participant_left", disconnectReason="CLIENT_INITIATED") == 200
    call = find_call(session)
    assert (call.state, call.end_reason, call.duration_seconds) == (State.COMPLETED, EndReason.CALLER_HANGUP, 30)
    assert send_webhook(session, "room_finished") == 200
    assert find_call(session).end_reason is EndReason.CALLER_HANGUP


def test_the_agent_ends_the_talk(session: WidgetSession) -> None:
    send_webhook(session, "participant_joined", identity=session.id)
    ended = {"event": "ended", "reason": "persona_hangup", "turns": 0, "at": clock.now_iso()}
    assert send_reports(session, ended) == 200
    assert find_call(session).end_reason is EndReason.AGENT_HANGUP


def count_closings(session: WidgetSession) -> int:
    """The jobs in the outbox that close the room of a session's call."""
    items = scan_items("activity", FilterExpression="attribute_exists(outbox)")
    bodies = [item["body"]["M"] for item in items if item["outbox"]["S"] == "job"]
    return sum(body["job"]["S"] == "CloseCallRoom" and body["call_id"]["S"] == session.call_id for body in bodies)


def test_who_comes_back_after_the_end_is_put_out(
    session: WidgetSession, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    monkeypatch.setattr(LiveKitRooms, "close_room", lambda _, org_id, call_id: closed.append(f"{org_id} {call_id}"))
    do(EndSession(org_id=session.org_id, session_id=session.id, reason="visitor"))
    assert count_closings(session) == 1
    frozen.advance(seconds=20)
    for times in (2, 3):
        # The ticket is good for a minute, and LiveKit makes the room again.
        assert send_webhook(session, "participant_joined", identity=session.id) == 200
        assert count_closings(session) == times
        call = find_call(session)
        assert (call.state, call.answered_at, call.cost_micros) == (State.NO_ANSWER, None, 0)
    do(CloseCallRoom(org_id=session.org_id, call_id=session.call_id))
    assert closed == [f"{session.org_id} {session.call_id}"]


def test_a_late_report_of_a_visitor_who_was_there_counts(session: WidgetSession, frozen: clock.FrozenClock) -> None:
    joined = int(clock.epoch())
    frozen.advance(seconds=20)
    assert send_webhook(session, "participant_left", disconnectReason="CLIENT_INITIATED") == 200
    assert send_webhook(session, "participant_joined", at=joined, identity=session.id) == 200
    call = find_call(session)
    assert (call.state, call.duration_seconds) == (State.COMPLETED, 20)


def test_a_stranger_opts_no_number_out(token: WidgetToken, session: WidgetSession) -> None:
    stranger = start(token, phone="+14155550142").session
    send_webhook(stranger, "participant_joined", identity=stranger.id)
    words = "Do not call me again. Remove my number from your list."
    said = {"event": "turn", "number": 0, "speaker": "rep", "text": words, "startMs": 0, "endMs": 900}
    assert send_reports(stranger, said) == 200
    assert find_call(stranger).opted_out_at, "the wish is on the call"
    assert ledgers.list_opt_outs(stranger.org_id, 10)[0] == []
    assert find_call(stranger).person_number == "web"
