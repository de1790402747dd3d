"""LiveKit's callbacks: signed ones are applied, and forge_token, repeated or reordered ones do no harm."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.callbacks.livekit import handler as livekit
from infra import topology
from infra.local.pool import Context
from switchboard.aws import clients, secret
from switchboard.carriers.signatures import verify_livekit
from switchboard.kit import clock, jwts
from switchboard.outbound import client
from switchboard.roleplay import lifecycle, scoring, store, transports
from switchboard.roleplay.models import RoleplayCall, RoleplayEndReason, RoleplayState
from switchboard.roleplay.transports import Down, livekit_reports
from tests.actors import Reseller, reseller
from tests.fakes.issuer import forge_token
from tests.integration.role import check_role
from tests.integration.sabotage import drain_queue, run_worker
from tests.unit.edge.asking import Answer
from tests.unit.properties import example_settings
from tests.unit.roleplay.conftest import list_reports, load_call, redeem_session

API_SECRET, OLD_SECRET = (
    "a secret of LiveKit's, thirty-two bytes and more",
    "the secret before it, which still verifies it",
)
WEBHOOK, REPORTS = "/callbacks/livekit", "/callbacks/livekit/reports"
FUNCTION = topology.function("callbacks/livekit")


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Reseller:
    clients.get_client("secretsmanager").create_secret(
        Name="livekit/secret", SecretString=f"{API_SECRET}\n{OLD_SECRET}\n"
    )
    secret.clear_cache()
    for name, value in {
        "ROLEPLAY_TRANSPORT": "livekit",
        "LIVEKIT_URL": "wss://example.livekit.cloud",
        "LIVEKIT_API_KEY": "APIexample",
        "LIVEKIT_SECRET": "livekit/secret",
    }.items():
        monkeypatch.setenv(f"SWITCHBOARD_{name}", value)
    return reseller()


def sign_token(body: bytes, key: str = API_SECRET, **claims: Any) -> str:
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    at = int(clock.epoch())
    told = {"iss": "APIexample", "nbf": at, "exp": at + 300, "sha256": digest} | claims
    return jwts.sign_claims({name: value for name, value in told.items() if value is not None}, key.encode())


def post_callback(path: str, body: bytes, authorization: str, media_type: str = livekit.WEBHOOK_JSON) -> Answer:
    sent = {"Content-Type": media_type, "Authorization": authorization}
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
    with check_role(FUNCTION):
        answer = livekit.handler(event, Context(FUNCTION))
    return Answer(answer["statusCode"], answer["body"], answer["headers"])


def build_webhook(call: RoleplayCall, event: str, **facts: Any) -> bytes:
    """Returns a webhook as LiveKit's server writes it: it omits zeros, and writes big numbers as text."""
    told = {
        "event": event,
        "room": {"sid": "RM_1", "name": lifecycle.room_of(call).name, "creationTime": str(int(clock.epoch()))},
        "id": "EV_1",
        "createdAt": str(int(clock.epoch())),
    }
    return json.dumps(told | facts).encode()


def build_participant(call: RoleplayCall, **facts: Any) -> dict[str, Any]:
    return {"sid": "PA_1", "identity": call.session_id, "state": "ACTIVE"} | facts


def apply_event(call: RoleplayCall, event: str, **facts: Any) -> None:
    body = build_webhook(call, event, **facts)
    assert post_callback(WEBHOOK, body, sign_token(body)).status == 200


def list_turn_reports(call: RoleplayCall, user: str = "rep_excellent") -> list[dict[str, Any]]:
    """Returns the turns that an agent reports about a call with a scripted rep."""
    from dataclasses import replace

    from switchboard.roleplay.transports import simulator

    room = replace(lifecycle.room_of(call), rep=user)
    found = [report["turn"] for _, report in simulator.course(room, step=1) if report["kind"] == "turn"]
    return [
        {"event": "turn", "startMs": one["start_ms"], "endMs": one["end_ms"]}
        | {name: one[name] for name in ("number", "speaker", "text")}
        for one in found
    ]


def build_end_report(turns: int, reason: str = "completed") -> dict[str, Any]:
    return {"event": "ended", "reason": reason, "turns": turns, "at": clock.now_iso()}


def post_reports(call: RoleplayCall, *reported: dict[str, Any], **signed: Any) -> Answer:
    body = json.dumps({"room": lifecycle.room_of(call).name, "reports": reported}).encode()
    return post_callback(REPORTS, body, sign_token(body, **signed), "application/json")


def test_a_real_roleplay_gets_its_turns_and_its_score(acme: Reseller, frozen: clock.FrozenClock) -> None:
    call = redeem_session(acme, "rep_1")
    apply_event(call, "room_started")
    apply_event(call, "participant_joined", participant=build_participant(call, kind="AGENT", identity="agent-AJ_1"))
    apply_event(call, "participant_joined", participant=build_participant(call))
    said = list_turn_reports(call)
    for start in range(0, len(said), 3):
        frozen.advance(seconds=20)
        assert post_reports(call, *said[start : start + 3]).status == 200
    assert post_reports(call, build_end_report(len(said))).status == 200
    apply_event(call, "participant_left", participant=build_participant(call, disconnectReason="CLIENT_INITIATED"))
    apply_event(call, "room_finished")
    run_worker("workers/roleplay")
    over = load_call(call)
    assert (over.state, over.end_reason, over.expected_turns) == (
        RoleplayState.ENDED,
        RoleplayEndReason.COMPLETED,
        len(said),
    )
    assert over.duration_seconds == 20 * -(-len(said) // 3)
    scoring.score_call(call.org_id, call.id)
    detail = store.get_scored_call(call.org_id, call.id)
    assert detail is not None
    assert (load_call(call).state, detail.score.overall, len(detail.turns)) == (RoleplayState.SCORED, 100, len(said))


def test_only_the_rep_makes_a_call_live_and_not_the_agent_or_a_recorder(acme: Reseller) -> None:
    call = redeem_session(acme)
    for kind in ("AGENT", "EGRESS", "INGRESS", "SIP", 4):
        apply_event(call, "participant_joined", participant=build_participant(call, kind=kind))
        apply_event(
            call,
            "participant_left",
            participant=build_participant(call, kind=kind, disconnectReason="CLIENT_INITIATED"),
        )
    assert drain_queue("roleplay") == []


@pytest.mark.parametrize("reason", [None, "STATE_MISMATCH", "SIGNAL_CLOSE", "DUPLICATE_IDENTITY"])
def test_a_rep_may_return_after_a_lost_connection(acme: Reseller, reason: str | None) -> None:
    call = redeem_session(acme)
    apply_event(call, "participant_joined", participant=build_participant(call))
    apply_event(
        call, "participant_left", participant=build_participant(call) | ({"disconnectReason": reason} if reason else {})
    )
    run_worker("workers/roleplay")
    assert load_call(call).state is RoleplayState.LIVE
    apply_event(call, "room_finished")
    run_worker("workers/roleplay")
    assert load_call(call).state is RoleplayState.ENDED


Forgery = Callable[[bytes, RoleplayCall], str]

FORGERIES: dict[str, Forgery] = {
    "nothing": lambda *_: "",
    "no token": lambda *_: "Bearer",
    "another secret": lambda body, _: sign_token(body, "another secret, which is just as long as it"),
    "another body": lambda body, _: sign_token(body + b" "),
    "no digest": lambda body, _: sign_token(body, sha256=None),
    "a digest that is no text": lambda body, _: sign_token(body, sha256=["x"]),
    "a digest in hex": lambda body, _: sign_token(body, sha256=hashlib.sha256(body).hexdigest()),
    "no end": lambda body, _: sign_token(body, exp=None),
    "an old one": lambda body, _: sign_token(body, exp=int(clock.epoch()) - 61),
    "one for later": lambda body, _: sign_token(body, nbf=int(clock.epoch()) + 61),
    "an end that is no number": lambda body, _: sign_token(body, exp="tomorrow"),
    "a rep's ticket": lambda _, call: transports.named("livekit").make_ticket(lifecycle.room_of(call)).token,
    "unsigned": lambda body, _: forge_token(
        {"exp": int(clock.epoch()) + 300, "sha256": base64.b64encode(hashlib.sha256(body).digest()).decode()},
        None,
        alg="none",
        typ="JWT",
    ),
    "nested": lambda *_: base64.urlsafe_b64encode(b"[" * 2_900).decode() + ".e30.x",
    "too long": lambda body, _: sign_token(body, iss="x" * 5_000),
}


@pytest.mark.parametrize("name", FORGERIES)
@pytest.mark.parametrize("path", [WEBHOOK, REPORTS])
def test_an_unsigned_callback_changes_nothing(acme: Reseller, name: str, path: str) -> None:
    call = redeem_session(acme)
    body = build_webhook(call, "participant_joined", participant=build_participant(call))
    answer = post_callback(path, body, FORGERIES[name](body, call), "application/json")
    assert (answer.status, answer.body) == (403, "")
    assert drain_queue("roleplay") == []


def test_without_a_transport_every_callback_is_refused(acme: Reseller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWITCHBOARD_LIVEKIT_SECRET")
    assert post_callback(WEBHOOK, b"{}", sign_token(b"{}")).status == 403


@pytest.mark.parametrize("key", [API_SECRET, OLD_SECRET])
@pytest.mark.parametrize("scheme", ["", "Bearer "])
def test_the_secret_can_be_rotated(acme: Reseller, key: str, scheme: str) -> None:
    call = redeem_session(acme)
    body = build_webhook(call, "participant_joined", participant=build_participant(call))
    assert post_callback(WEBHOOK, body, scheme + sign_token(body, key)).status == 200
    assert len(drain_queue("roleplay")) == 1


def test_a_repeated_callback_changes_nothing(acme: Reseller, frozen: clock.FrozenClock) -> None:
    call = redeem_session(acme)
    joined = build_webhook(call, "participant_joined", participant=build_participant(call))
    signed = sign_token(joined)
    left = build_webhook(
        call, "participant_left", participant=build_participant(call, disconnectReason="CLIENT_INITIATED")
    )
    for body, header in (
        (joined, signed),
        (joined, signed),
        (left, sign_token(left)),
        (joined, signed),
        (left, sign_token(left)),
    ):
        frozen.advance(seconds=10)
        assert post_callback(WEBHOOK, body, header).status == 200
        run_worker("workers/roleplay")
    assert (load_call(call).state, load_call(call).end_reason) == (RoleplayState.ENDED, RoleplayEndReason.REP_HANGUP)
    assert load_call(call).version == 3
    frozen.advance(seconds=400)
    assert post_callback(WEBHOOK, joined, signed).status == 403, "the token has expired"


STEPS = ("joined", "left", "finished", "ended", *range(6))


@example_settings(15, slow=True)
@given(st.permutations([*STEPS, "joined", 0, "finished"]))
def test_any_order_of_callbacks_leads_to_the_same_score(acme: Reseller, order: list[str | int]) -> None:
    call = redeem_session(acme, "rep_1", drill_key="fe-closing")
    said = list_turn_reports(call)[:6]
    posts: dict[str | int, Callable[[], Any]] = {
        "joined": lambda: apply_event(call, "participant_joined", participant=build_participant(call)),
        "left": lambda: apply_event(
            call, "participant_left", participant=build_participant(call, disconnectReason="CLIENT_INITIATED")
        ),
        "finished": lambda: apply_event(call, "room_finished"),
        "ended": lambda: post_reports(call, build_end_report(len(said))),
    }
    for step in order:
        posts[step]() if isinstance(step, str) else post_reports(call, said[step])
    run_worker("workers/roleplay", together=3)
    scoring.score_call(call.org_id, call.id)
    detail = store.get_scored_call(call.org_id, call.id)
    assert detail is not None
    assert detail.score.heard == [*range(6)]
    assert detail.call.end_reason is RoleplayEndReason.COMPLETED or order.index("ended") < order.index("left")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"{}",
        b'{"event": "room_finished"}',
        b'{"event": "room_finished", "room": []}',
        b'{"event": "room_finished", "room": {"name": 1}}',
        b'{"event": "room_finished", "room": {"name": "org_1.athos_call_x"}}',
        b'{"event": [], "room": {"name": "org_1.athos_call_aaaaaaaaaaaaaaaaaaaaa"}}',
        b'{"event": "participant_joined", "room": {"name": "another product\'s room"}, "participant": {}}',
        b"{",
        b"\xff",
        b"[" * 3_000,
    ],
)
def test_a_signed_callback_without_use_is_accepted(acme: Reseller, body: bytes) -> None:
    assert post_callback(WEBHOOK, body, sign_token(body)).status in (200, 400)
    assert post_callback(REPORTS, body, sign_token(body), "application/json").status == 400
    assert drain_queue("roleplay") == []


@pytest.mark.parametrize(
    "change",
    [
        {"number": -1},
        {"number": 10_000},
        {"number": "x"},
        {"speaker": "somebody"},
        {"text": "x" * 16_001},
        {"text": None},
        {"startMs": -1},
        {"event": "other"},
    ],
)
def test_the_reports_of_an_agent_have_limits(acme: Reseller, change: dict[str, Any]) -> None:
    call = redeem_session(acme)
    (turn, *_) = list_turn_reports(call)
    assert post_reports(call, turn, turn | change).status == 400
    assert post_reports(call, build_end_report(10_001)).status == 400
    assert post_reports(call, *[turn] * 101).status == 400
    assert drain_queue("roleplay") == []


def test_a_room_of_no_call_is_not_found(acme: Reseller) -> None:
    body = json.dumps({"room": "another", "reports": [build_end_report(0)]}).encode()
    assert post_callback(REPORTS, body, sign_token(body), "application/json").status == 404
    call = redeem_session(acme).model_copy(update={"id": "athos_call_" + "x" * 21})
    assert post_reports(call, build_end_report(0)).status == 200
    run_worker("workers/roleplay")
    assert store.CALLS.get_object(call.org_id, call.id) is None


def test_a_time_is_parsed_as_protojson_writes_it(acme: Reseller) -> None:
    call = redeem_session(acme)
    for at, read in (("1768496400", "2026-01-15T17:00:00.000Z"), (1768496400, "2026-01-15T17:00:00.000Z")):
        event = json.loads(build_webhook(call, "room_finished", createdAt=at))
        assert (livekit_reports.of_webhook(event) or {})["at"] == read
    for odd in (None, "", "0", "²", "1e9", "-1", [], "9" * 12, "99999999999" * 1):
        event = json.loads(build_webhook(call, "room_finished", createdAt=odd))
        assert "at" not in (livekit_reports.of_webhook(event) or {}) or odd == "99999999999"


def test_a_long_header_is_refused_quickly() -> None:
    assert not verify_livekit(b"", "e30." * 100_000, ["s" * 32], 0)


class Server:
    """The part of LiveKit's API that closes rooms."""

    def __init__(self, status: int = 200, error: Exception | None = None) -> None:
        self.status, self.error, self.got = status, error, list[tuple[str, dict[str, str], bytes]]()

    async def post(self, _: Any, url: str, headers: dict[str, str], body: bytes, seconds: float) -> client.Response:
        await asyncio.sleep(0)
        assert 0 < seconds <= 5
        self.got.append((url, headers, body))
        if self.error:
            raise self.error
        return client.Response(self.status, {}, b"{}", 1)


def replace_client(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    async def post(self: Any, *asked: Any) -> client.Response:
        return await server.post(self, *asked)

    monkeypatch.setattr(client.GuardedClient, "post", post)


@pytest.mark.parametrize("status", [200, 404])
def test_a_room_is_deleted_through_the_servers_api(
    acme: Reseller, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    server = Server(status)
    replace_client(monkeypatch, server)
    call = redeem_session(acme)
    lifecycle.apply_report(next(list_reports(call)))
    lifecycle.close_room(call.org_id, call.id)
    assert not server.got
    lifecycle.close_call(call.org_id, call.id, RoleplayState.LIVE.value)
    lifecycle.close_room(call.org_id, call.id)
    ((url, headers, body),) = server.got
    assert url == "https://example.livekit.cloud/twirp/livekit.RoomService/DeleteRoom"
    assert json.loads(body) == {"room": lifecycle.room_of(call).name}
    claims = jwts.verify_claims(headers["Authorization"].removeprefix("Bearer "), API_SECRET.encode())
    assert (claims["iss"], claims["video"]) == ("APIexample", {"roomCreate": True})
    assert claims["exp"] - claims["nbf"] == 60


@pytest.mark.parametrize("server", [Server(503), Server(401), Server(error=client.TimedOutError("too slow"))])
def test_a_room_that_cannot_be_closed_is_retried(
    acme: Reseller, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    replace_client(monkeypatch, server)
    call = redeem_session(acme)
    lifecycle.close_call(call.org_id, call.id, RoleplayState.CREATED.value)
    with pytest.raises(Down):
        lifecycle.close_room(call.org_id, call.id)
