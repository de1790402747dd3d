"""Tickets: access tokens as LiveKit's servers parse them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchboard.aws import clients, secret
from switchboard.kit import clock, jwts, settings
from switchboard.roleplay import lifecycle, transports
from switchboard.roleplay.models import RoleplayCall
from tests.actors import Reseller
from tests.integration.sabotage import drain_queue
from tests.unit.roleplay.conftest import redeem_session

API_SECRET = b"a secret of LiveKit's, thirty-two bytes and more"


@pytest.fixture
def livekit(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    clients.get_client("secretsmanager").create_secret(Name="livekit/secret", SecretString=API_SECRET.decode())
    for name, value in {
        "ROLEPLAY_TRANSPORT": "livekit",
        "LIVEKIT_URL": "wss://example.livekit.cloud",
        "LIVEKIT_API_KEY": "APIexample",
        "LIVEKIT_SECRET": "livekit/secret",
    }.items():
        monkeypatch.setenv(f"SWITCHBOARD_{name}", value)


def read_claims(token: str, key: bytes) -> dict[str, Any]:
    """A ticket's claims, checked as LiveKit checks them, at the test's time."""
    return jwts.verify_claims(token, key)


@pytest.mark.usefixtures("livekit")
def test_a_livekit_ticket_admits_one_rep_to_one_room(acme: Reseller) -> None:
    call = redeem_session(acme, "rep_1")
    assert call.transport == "livekit"
    ticket = transports.named("livekit").make_ticket(lifecycle.room_of(call))
    found, now = read_claims(ticket.token, API_SECRET), int(clock.epoch())
    metadata = json.loads(found.pop("metadata"))
    assert ticket.url == "wss://example.livekit.cloud"
    assert found == {
        "iss": "APIexample",
        "sub": call.session_id,
        "nbf": now,
        "exp": now + 150,
        "name": "rep_1",
        "video": {"room": f"{call.org_id}.{call.id}", "roomJoin": True, "canPublish": True, "canSubscribe": True},
    }
    assert metadata == {
        "callId": call.id,
        "drillKey": "ma-full-sale",
        "persona": call.persona.id,
        "difficulty": "Beginner",
    }


@pytest.mark.usefixtures("livekit")
def test_the_ticket_dispatches_the_agent_that_plays_the_persona(
    acme: Reseller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_LIVEKIT_AGENT", "persona")
    call = redeem_session(acme)
    found = read_claims(transports.named("livekit").make_ticket(lifecycle.room_of(call)).token, API_SECRET)
    (agent,) = found["roomConfig"]["agents"]
    assert (agent["agentName"], agent["metadata"]) == ("persona", found["metadata"])
    lifecycle.begin_call(call.org_id, call.id)
    assert drain_queue("roleplay") == [], "no persona plays here"


def test_a_simulated_ticket_has_the_same_form_and_our_own_key(acme: Reseller) -> None:
    call = redeem_session(acme)
    ticket = transports.named(call.transport).make_ticket(lifecycle.room_of(call))
    assert (
        read_claims(ticket.token, secret.derive("simulated transport"))["video"]["room"] == f"{call.org_id}.{call.id}"
    )


@pytest.mark.usefixtures("livekit")
def test_a_call_keeps_its_first_transport(acme: Reseller, monkeypatch: pytest.MonkeyPatch) -> None:
    call: RoleplayCall = redeem_session(acme)
    monkeypatch.setenv("SWITCHBOARD_ROLEPLAY_TRANSPORT", "simulator")
    lifecycle.begin_call(call.org_id, call.id)
    assert drain_queue("roleplay") == []


@pytest.mark.usefixtures("livekit")
def test_a_transport_without_settings_is_an_internal_error(acme: Reseller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWITCHBOARD_LIVEKIT_URL")
    with pytest.raises(settings.MissingSettingError):
        redeem_session(acme)
