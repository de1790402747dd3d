"""An Idempotency-Key belongs to who acts, stands for one whole request, and is remembered for 24 hours."""

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
from tests.integration.sabotage import invoke, scan_items

MAIL = {"to": "you@example.com", "subject": "Hello", "body": "From an agent."}
Answer = tuple[int, Any, bool]


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    class Stands(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]
            return datetime.datetime.fromtimestamp(clock.epoch(), tz)

    for module in (base, datarecord, dynamodb):  # Powertools takes its own time
        monkeypatch.setattr(module, "dt", SimpleNamespace(datetime=Stands, timedelta=datetime.timedelta))
    return tenant()


def ask(function: str, method: str, path: str, key: str, body: Any, retry: str, query: Any = None) -> Answer:
    """Status, body, and whether it was given before."""
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


def send(key: str, retry: str = "k", *, query: Any = None, **changes: Any) -> Answer:
    return ask("anima/email", "POST", "/v1/email/send", key, MAIL | changes, retry, query)


def another_agent(acme: Tenant, slug: str) -> str:
    """The key of another agent."""
    made, writes = agents.agent_writes(
        system(acme.org_id), organizations.get_organization(acme.org_id), slug, slug, {}, None
    )
    commit(writes)
    return made.key_text


def another_key(acme: Tenant, kind: KeyKind, agent_id: str | None = None) -> str:
    made, writes = keys.key_writes(system(acme.org_id), kind, "another", agent_id=agent_id)
    commit(writes)
    return made.text


def mails() -> int:
    return sum(item.get("sk") == {"S": "message"} for item in scan_items("activity"))


def test_two_agents_with_one_key_and_one_body_each_send_their_own(acme: Tenant) -> None:
    first, second = send(acme.agent_key), send(another_agent(acme, "zoe"))
    assert (first[0], second[0], second[2]) == (200, 200, False)
    assert first[1]["id"] != second[1]["id"]
    assert first[1]["fromAddress"] != second[1]["fromAddress"]
    assert mails() == 2


def test_the_agent_and_the_master_key_are_two_who_act(acme: Tenant) -> None:
    sent = [send(acme.agent_key, agentId=acme.agent_id), send(acme.master_key, agentId=acme.agent_id)]
    assert [(status, replayed) for status, _, replayed in sent] == [(200, False), (200, False)]
    assert mails() == 2


@pytest.mark.parametrize("kind", [KeyKind.MASTER, KeyKind.SERVICE])
def test_all_keys_that_act_for_the_organization_share(acme: Tenant, kind: KeyKind) -> None:
    first = send(acme.master_key, agentId=acme.agent_id)
    again = send(another_key(acme, kind), agentId=acme.agent_id)
    assert again == (200, first[1], True)
    assert mails() == 1


def test_all_keys_of_an_agent_share(acme: Tenant) -> None:
    first = send(acme.agent_key)
    assert send(another_key(acme, KeyKind.AGENT, acme.agent_id)) == (200, first[1], True)


def test_a_credential_is_shown_to_the_key_that_made_it_alone(acme: Tenant) -> None:
    made = ask("anima/management", "POST", "/v1/agents", acme.master_key, {"username": "zoe"}, "k")
    again = ask("anima/management", "POST", "/v1/agents", acme.master_key, {"username": "zoe"}, "k")
    other = another_key(acme, KeyKind.MASTER)
    refused = ask("anima/management", "POST", "/v1/agents", other, {"username": "zoe"}, "k")
    assert (made[0], again) == (201, (201, made[1], True))
    assert (refused[0], refused[1]["code"]) == (409, "IDEMPOTENCY_BODY_MISMATCH")


def test_two_people_of_one_organization_act_for_themselves(acme: Tenant) -> None:
    cookies = [
        f"{COOKIE}={sessions.open_session(member(acme.org_id, name=name).user, acme.org_id)}" for name in ("Ada", "Zoe")
    ]
    body = {"e164": "+14155550142"}
    answers = [ask("hum/blocklist", "POST", "/api/blocklist", cookie, body, "k") for cookie in (*cookies, cookies[0])]
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
    first, second = send(acme.agent_key, query=query), send(acme.agent_key, query=other)
    if same:
        assert second == (200, first[1], True)
    else:
        assert (second[0], second[1]["code"]) == (409, "IDEMPOTENCY_BODY_MISMATCH")


def test_an_answer_is_kept_for_24_hours_to_the_second(acme: Tenant, frozen: clock.FrozenClock) -> None:
    first = send(acme.agent_key)
    frozen.advance(seconds=KEY_LIFETIME_SECONDS)
    assert send(acme.agent_key) == (200, first[1], True)
    assert send(acme.agent_key, subject="Other")[0] == 409
    frozen.advance(seconds=1)
    # The table may delete what has expired days later: until then it counts no more.
    other = send(acme.agent_key, subject="Other")
    assert (other[0], other[2], mails()) == (200, False, 2)
    assert send(acme.agent_key, subject="Other") == (200, other[1], True)


def test_a_marker_counts_for_24_hours_to_the_second(acme: Tenant, frozen: clock.FrozenClock) -> None:
    first = send(acme.agent_key)
    for passed, sent in ((KEY_LIFETIME_SECONDS, 1), (1, 2)):
        lose_answers()
        frozen.advance(seconds=passed)
        again = send(acme.agent_key)
        assert (again[0], again[1]["id"] == first[1]["id"], mails()) == (200, sent == 1, sent)


def lose_answers() -> None:
    """The records of answers, as if the process had died before it wrote them."""
    for item in scan_items("idempotency"):
        if not item["id"]["S"].startswith("effect#"):
            aws.dynamodb_client().delete_item(TableName=settings.table_name("idempotency"), Key={"id": item["id"]})
