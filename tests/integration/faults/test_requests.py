"""Requests under faults: killed anywhere and repeated with their key, they have one effect."""

from __future__ import annotations

import pytest

from switchboard.access import keys as access
from switchboard.accounts import keys, organizations
from switchboard.accounts.models import KeyKind
from switchboard.agents import service as agents
from switchboard.dialects.anima import dialect
from switchboard.kit import clock
from switchboard.usage import service as usage
from tests.actors import Tenant
from tests.integration.faults.conftest import KEY, SEND, Request, list_events, list_messages, parse_body, send_request
from tests.integration.sabotage import Dying, Sabotage

pytestmark = pytest.mark.usefixtures("cloud")


def list_kill_points(saboteur: Sabotage, request: Request, credential: str | None) -> range:
    """Each number of AWS calls after which the request can be killed."""
    with saboteur.counting() as calls:
        assert send_request(request, credential, f"a-first-one-that-nobody-disturbs: {request[2]}")["statusCode"] < 300
    return range(len(calls))


def test_a_send_killed_anywhere_and_repeated_with_its_key_sends_one_mail(
    acme: Tenant, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    for done in list_kill_points(saboteur, SEND, acme.agent_key):
        frozen.advance(seconds=1)
        before = len(list_messages(acme))
        with saboteur.killing(after=done):
            send_request(SEND, acme.agent_key, f"key-{done}", Dying)
        answer, again = (send_request(SEND, acme.agent_key, f"key-{done}") for _ in range(2))
        assert (answer["statusCode"], again["body"]) == (200, answer["body"])
        assert again["headers"]["Idempotent-Replayed"] == "true"
        sent = list_messages(acme)
        assert len(sent) == before + 1
        assert parse_body(answer)["id"] == sent[0].id
        assert [event.type for event in list_events(sent[0])] == ["email.queued"]
        assert usage.get_monthly_usage(acme.org_id, clock.now_iso()[:7]).units["email"] == before + 1


def test_a_sign_up_killed_anywhere_and_repeated_makes_one_organization_with_working_keys(
    acme: Tenant, saboteur: Sabotage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_SIGN_UPS_PER_HOUR", "1000")

    def request(name: str) -> Request:
        return "anima/signup", "POST", "/v1/agent/sign-up", {"human_email": f"{name}@example.com", "username": name}

    for done in list_kill_points(saboteur, request("undisturbed"), None):
        before = len(organizations.list_organizations(100)[0])
        with saboteur.killing(after=done):
            send_request(request(f"agent-{done}"), None, f"{KEY}-{done}", Dying)
        answer, again = (send_request(request(f"agent-{done}"), None, f"{KEY}-{done}") for _ in range(2))
        assert (answer["statusCode"], again["body"]) == (200, answer["body"])
        made = parse_body(answer)
        assert len(organizations.list_organizations(100)[0]) == before + 1
        for key in (made["api_key"], made["master_key"]):
            assert access.authenticate_key(key, dialect.KEYS).organization.id == made["organization_id"]


def test_an_agent_whose_creation_is_killed_anywhere_is_made_once_and_its_key_works(
    acme: Tenant, saboteur: Sabotage
) -> None:
    def request(name: str) -> Request:
        return "anima/management", "POST", "/v1/agents", {"username": name}

    for done in list_kill_points(saboteur, request("undisturbed"), acme.master_key):
        before = len(agents.list_agents(acme.org_id, 100, None)[0])
        with saboteur.killing(after=done):
            send_request(request(f"agent-{done}"), acme.master_key, f"key-{done}", Dying)
        answer, again = (send_request(request(f"agent-{done}"), acme.master_key, f"key-{done}") for _ in range(2))
        assert (answer["statusCode"], again["body"]) == (201, answer["body"])
        assert len(agents.list_agents(acme.org_id, 100, None)[0]) == before + 1
        snapshot = access.authenticate_key(parse_body(answer)["apiKey"], dialect.KEYS)
        assert snapshot.agent is not None
        assert snapshot.agent.id == parse_body(answer)["id"]


def test_a_key_whose_creation_or_rotation_is_killed_anywhere_is_made_once_and_works(
    acme: Tenant, saboteur: Sabotage
) -> None:
    def create() -> Request:
        return "anima/management", "POST", "/v1/keys", {"name": "another", "type": "agent", "agentId": acme.agent_id}

    def rotate() -> Request:
        old = keys.create_key(acme.caller(master=True), KeyKind.AGENT, "old", agent_id=acme.agent_id)
        return "anima/management", "POST", f"/v1/keys/{old.key.id}/rotate", {"overlapSeconds": 60}

    for request in (create, rotate):
        for done in list_kill_points(saboteur, request(), acme.master_key):
            wanted = request()
            before = len(keys.list_keys(acme.org_id, 100, None)[0])
            with saboteur.killing(after=done):
                send_request(wanted, acme.master_key, f"{request.__name__}-{done}", Dying)
            answer, again = (send_request(wanted, acme.master_key, f"{request.__name__}-{done}") for _ in range(2))
            assert answer["statusCode"] in (200, 201), answer["body"]
            assert again["body"] == answer["body"]
            assert len(keys.list_keys(acme.org_id, 100, None)[0]) == before + 1
            assert access.authenticate_key(parse_body(answer)["key"], dialect.KEYS).key.id == parse_body(answer)["id"]


def killed_after_its_commit(saboteur: Sabotage, request: Request, credential: str) -> None:
    send_request(request, credential, "the-first-also-looks-the-credential-up")
    with saboteur.counting() as calls:
        send_request(request, credential, "a-second-one-that-nobody-disturbs")
    commit_ = calls.index("TransactWriteItems") + 1
    with saboteur.killing(after=commit_):
        send_request(request, credential, KEY, Dying)
    assert saboteur.calls == calls[:commit_]


def test_another_body_after_a_crash_is_refused_and_the_original_still_succeeds(
    acme: Tenant, saboteur: Sabotage
) -> None:
    killed_after_its_commit(saboteur, SEND, acme.agent_key)
    count = len(list_messages(acme))
    other = (*SEND[:3], SEND[3] | {"subject": "another"})
    refused = send_request(other, acme.agent_key)
    assert (refused["statusCode"], parse_body(refused)["code"]) == (409, "IDEMPOTENCY_BODY_MISMATCH")
    answer = send_request(SEND, acme.agent_key)
    assert (answer["statusCode"], parse_body(answer)["subject"]) == (200, "s")
    assert len(list_messages(acme)) == count


def test_a_response_that_cannot_be_recorded_is_503_and_a_retry_finds_the_effect(
    acme: Tenant, saboteur: Sabotage
) -> None:
    saboteur.fail("UpdateItem", "InternalServerError", times=50)
    lost = send_request(SEND, acme.agent_key, context=Dying)
    saboteur.mend()
    assert (lost["statusCode"], parse_body(lost)["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert int(lost["headers"]["Retry-After"]) > 0
    answer = send_request(SEND, acme.agent_key)
    assert [message.id for message in list_messages(acme)] == [parse_body(answer)["id"]]


def test_a_retried_cap_does_not_overwrite_a_newer_cap(acme: Tenant, saboteur: Sabotage) -> None:
    def cap(cents: int) -> Request:
        return "anima/management", "PUT", "/v1/billing/hard-cap", {"enabled": True, "monthlyCapCents": cents}

    killed_after_its_commit(saboteur, cap(100), acme.master_key)
    send_request(cap(200), acme.master_key, key="the-newer-one")
    assert send_request(cap(100), acme.master_key)["statusCode"] == 200
    assert organizations.get_organization(acme.org_id).hard_cap.monthly_cap_cents == 200


def test_a_rate_limited_request_succeeds_when_it_is_repeated(
    acme: Tenant, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_SIGN_UPS_PER_HOUR", "0")
    request = ("anima/signup", "POST", "/v1/agent/sign-up", {"human_email": "me@example.com", "username": "me"})
    assert send_request(request, None)["statusCode"] == 429
    monkeypatch.setenv("SWITCHBOARD_SIGN_UPS_PER_HOUR", "1")
    assert send_request(request, None)["statusCode"] == 200
