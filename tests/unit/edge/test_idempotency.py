"""An Idempotency-Key belongs to one caller, covers the whole request, and is stored for 24 hours."""

from __future__ import annotations

import datetime
import json
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools.utilities.idempotency.persistence import base, datarecord, dynamodb

from switchboard.accounts import keys, organizations
from switchboard.accounts.models import KeyKind
from switchboard.agents import service as agents
from switchboard.aws import clients as aws
from switchboard.aws.writes import commit
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.kit import clock, settings
from switchboard.people import sessions
from switchboard.persistence.idempotency import KEY_LIFETIME_SECONDS
from tests.actors import Tenant, member, system, tenant
from tests.integration.sabotage import everything, invoke

MAIL = {"to": "you@example.com", "subject": "Hello", "body": "From an agent."}
Answer = tuple[int, Any, bool]


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    class Stands(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]
            return datetime.datetime.fromtimestamp(clock.epoch(), tz)

    for module in (base, datarecord, dynamodb):  # Powertools reads its own clock
        monkeypatch.setattr(module, "dt", SimpleNamespace(datetime=Stands, timedelta=datetime.timedelta))
    return tenant()


def send_request(function: str, method: str, path: str, key: str, body: Any, retry: str, query: Any = None) -> Answer:
    """Returns the status, the body, and whether the answer is a replay."""
    headers = {"content-type": "application/json", "idempotency-key": retry}
    headers |= {"cookie": key} if key.startswith(COOKIE) else {"authorization": f"Bearer {key}"}
    event = {
        "httpMethod": method,
        "path": path,
        "headers": headers,
        "multiValueQueryStringParameters": query,
        "requestContext": {"identity": {"sourceIp": "192.0.2.1"}},
        "body": json.dumps(body) if body is not None else None,
    }
    answer = invoke(function, event)
    return answer["statusCode"], json.loads(answer["body"]), "Idempotent-Replayed" in answer["headers"]


def send_mail(key: str, retry: str = "k", *, query: Any = None, **changes: Any) -> Answer:
    return send_request("anima/email", "POST", "/v1/email/send", key, MAIL | changes, retry, query)


def create_agent_key(acme: Tenant, slug: str) -> str:
    """Returns the key of another agent."""
    made, writes = agents.agent_writes(
        system(acme.org_id), organizations.get_organization(acme.org_id), slug, slug, {}, None
    )
    commit(writes)
    return made.key_text


def create_other_key(acme: Tenant, kind: KeyKind, agent_id: str | None = None) -> str:
    made, writes = keys.key_writes(system(acme.org_id), kind, "another", agent_id=agent_id)
    commit(writes)
    return made.text


def count_mails() -> int:
    return sum(item.get("sk") == {"S": "message"} for item in everything("activity"))


def test_two_agents_with_the_same_key_and_body_each_send_a_mail(acme: Tenant) -> None:
    first, second = send_mail(acme.agent_key), send_mail(create_agent_key(acme, "zoe"))
    assert (first[0], second[0], second[2]) == (200, 200, False)
    assert first[1]["id"] != second[1]["id"]
    assert first[1]["fromAddress"] != second[1]["fromAddress"]
    assert count_mails() == 2


def test_an_agent_key_and_a_master_key_are_different_callers(acme: Tenant) -> None:
    sent = [send_mail(acme.agent_key, agentId=acme.agent_id), send_mail(acme.master_key, agentId=acme.agent_id)]
    assert [(status, replayed) for status, _, replayed in sent] == [(200, False), (200, False)]
    assert count_mails() == 2


@pytest.mark.parametrize("kind", [KeyKind.MASTER, KeyKind.SERVICE])
def test_all_keys_that_act_for_the_organization_share_their_idempotency_keys(acme: Tenant, kind: KeyKind) -> None:
    first = send_mail(acme.master_key, agentId=acme.agent_id)
    again = send_mail(create_other_key(acme, kind), agentId=acme.agent_id)
    assert again == (200, first[1], True)
    assert count_mails() == 1


def test_all_keys_of_an_agent_share_their_idempotency_keys(acme: Tenant) -> None:
    first = send_mail(acme.agent_key)
    assert send_mail(create_other_key(acme, KeyKind.AGENT, acme.agent_id)) == (200, first[1], True)


def test_a_created_credential_is_replayed_only_to_the_key_that_created_it(acme: Tenant) -> None:
    made = send_request("anima/management", "POST", "/v1/agents", acme.master_key, {"username": "zoe"}, "k")
    again = send_request("anima/management", "POST", "/v1/agents", acme.master_key, {"username": "zoe"}, "k")
    other = create_other_key(acme, KeyKind.MASTER)
    refused = send_request("anima/management", "POST", "/v1/agents", other, {"username": "zoe"}, "k")
    assert (made[0], again) == (201, (201, made[1], True))
    assert (refused[0], refused[1]["code"]) == (409, "IDEMPOTENCY_BODY_MISMATCH")


def test_two_people_of_one_organization_are_different_callers(acme: Tenant) -> None:
    cookies = [
        f"{COOKIE}={sessions.open_session(member(acme.org_id, name=name).user, acme.org_id)}" for name in ("Ada", "Zoe")
    ]
    body = {"e164": "+14155550142"}
    answers = [
        send_request("hum/blocklist", "POST", "/api/blocklist", cookie, body, "k") for cookie in (*cookies, cookies[0])
    ]
    assert [(status, replayed) for status, _, replayed in answers] == [(200, False), (200, False), (200, True)]


@pytest.mark.parametrize(
    ("query", "other", "same"),
    [
        (None, {"a": ["1"]}, False),
        ({"a": ["1"]}, {"a": ["2"]}, False),
        ({"a": ["1", "2"]}, {"a": ["2", "1"]}, False),
        ({"a": ["1"], "b": ["2"]}, {"b": ["2"], "a": ["1"]}, True),
        ({"a": ["1&b=2"]}, {"a": ["1"], "b": ["2"]}, False),
        (None, {}, True),
    ],
)
def test_the_query_is_part_of_the_request(acme: Tenant, query: Any, other: Any, same: bool) -> None:
    first, second = send_mail(acme.agent_key, query=query), send_mail(acme.agent_key, query=other)
    if same:
        assert second == (200, first[1], True)
    else:
        assert (second[0], second[1]["code"]) == (409, "IDEMPOTENCY_BODY_MISMATCH")


def test_an_answer_is_stored_for_exactly_24_hours(acme: Tenant, frozen: clock.FrozenClock) -> None:
    first = send_mail(acme.agent_key)
    frozen.advance(seconds=KEY_LIFETIME_SECONDS)
    assert send_mail(acme.agent_key) == (200, first[1], True)
    assert send_mail(acme.agent_key, subject="Other")[0] == 409
    frozen.advance(seconds=1)
    # The table may delete expired records days later: they do not count until then.
    other = send_mail(acme.agent_key, subject="Other")
    assert (other[0], other[2], count_mails()) == (200, False, 2)
    assert send_mail(acme.agent_key, subject="Other") == (200, other[1], True)


def test_a_marker_counts_for_exactly_24_hours(acme: Tenant, frozen: clock.FrozenClock) -> None:
    first = send_mail(acme.agent_key)
    for passed, sent in ((KEY_LIFETIME_SECONDS, 1), (1, 2)):
        delete_answers()
        frozen.advance(seconds=passed)
        again = send_mail(acme.agent_key)
        assert (again[0], again[1]["id"] == first[1]["id"], count_mails()) == (200, sent == 1, sent)


def delete_answers() -> None:
    """Delete the records of answers, as if the process had died before it wrote them."""
    for item in everything("idempotency"):
        if not item["id"]["S"].startswith("effect#"):
            aws.dynamodb_client().delete_item(TableName=settings.table_name("idempotency"), Key={"id": item["id"]})
