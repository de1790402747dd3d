"""Tickets: access tokens as LiveKit's servers read them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchboard.aws import clients, secret
from switchboard.kit import clock, jwts, settings
from switchboard.roleplay import lifecycle, transports
from switchboard.roleplay.models import RoleplayCall
from tests.actors import Reseller
from tests.integration.sabotage import drain
from tests.unit.roleplay.conftest import redeemed

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


def claims(token: str, key: bytes) -> dict[str, Any]:
    """A ticket's claims, checked as LiveKit checks them; the time is the test's."""
    return jwts.verify_claims(token, key)


@pytest.mark.usefixtures("livekit")
def test_a_livekit_ticket_opens_one_room_to_one_rep(acme: Reseller) -> None:
    call = redeemed(acme, "rep_1")
    assert call.transport == "livekit"
    ticket = transports.named("livekit").ticket(lifecycle.room_of(call))
    found, now = claims(ticket.token, API_SECRET), int(clock.epoch())
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
def test_the_agent_that_plays_the_persona_is_called_in_by_the_ticket(
    acme: Reseller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_LIVEKIT_AGENT", "persona")
    call = redeemed(acme)
    found = claims(transports.named("livekit").ticket(lifecycle.room_of(call)).token, API_SECRET)
    (agent,) = found["roomConfig"]["agents"]
    assert (agent["agentName"], agent["metadata"]) == ("persona", found["metadata"])
    lifecycle.begin_call(call.org_id, call.id)
    assert drain("roleplay") == [], "nobody is played here"


def test_a_simulated_ticket_is_of_the_same_form_under_a_key_of_our_own(acme: Reseller) -> None:
    call = redeemed(acme)
    ticket = transports.named(call.transport).ticket(lifecycle.room_of(call))
    assert claims(ticket.token, secret.derive("simulated transport"))["video"]["room"] == f"{call.org_id}.{call.id}"


@pytest.mark.usefixtures("livekit")
def test_a_call_stays_with_the_transport_that_it_began_on(acme: Reseller, monkeypatch: pytest.MonkeyPatch) -> None:
    call: RoleplayCall = redeemed(acme)
    monkeypatch.setenv("SWITCHBOARD_ROLEPLAY_TRANSPORT", "simulator")
    lifecycle.begin_call(call.org_id, call.id)
    assert drain("roleplay") == []


@pytest.mark.usefixtures("livekit")
def test_a_transport_that_is_not_set_up_is_our_fault(acme: Reseller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWITCHBOARD_LIVEKIT_URL")
    with pytest.raises(settings.MissingSettingError):
        redeemed(acme)
