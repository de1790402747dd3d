"""An Idempotency-Key belongs to one caller, covers the whole request, and is stored for 24 hours."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools.utilities.idempotency import base as handling
from aws_lambda_powertools.utilities.idempotency.persistence import base, datarecord, dynamodb
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from infra import topology
from infra.local.pool import Context
from switchboard.access import keys as access
from switchboard.accounts import keys, organizations
from switchboard.accounts.models import KeyKind
from switchboard.agents import service as agents
from switchboard.aws import clients
from switchboard.aws.writes import commit
from switchboard.dialects.anima.dialect import Anima
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.edge import idempotency
from switchboard.edge.exchange import Exchange, Reply, Request
from switchboard.edge.router import Operation, Router
from switchboard.errors import Conflict, Invalid, Unavailable
from switchboard.kit import clock, settings
from switchboard.people import sessions
from switchboard.persistence.idempotency import KEY_LIFETIME_SECONDS, IdempotencyKey, IdempotencyMismatch
from tests.actors import Tenant, member, system, tenant
from tests.integration.sabotage import Sabotage, invoke, scan_items

MAIL = {"to": "you@example.com", "subject": "Hello", "body": "From an agent."}
Answer = tuple[int, Any, bool]


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    class Stands(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]
            return datetime.datetime.fromtimestamp(clock.epoch(), tz)

    for module in (handling, base, datarecord, dynamodb):  # Powertools reads its own clock
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
    return sum(item.get("sk") == {"S": "message"} for item in scan_items("activity"))


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
    for item in scan_items("idempotency"):
        if not item["id"]["S"].startswith("effect#"):
            clients.dynamodb_client().delete_item(TableName=settings.table_name("idempotency"), Key={"id": item["id"]})


STRANGERS_KEY = "k" * 22


def call(key: str | list[str] = STRANGERS_KEY, *, secret: bool = False, **event: Any) -> Exchange:
    """A request of a stranger; `key` may be several values of the header."""
    found = {
        "httpMethod": "POST",
        "path": "/v1/things",
        "multiValueHeaders": {"Idempotency-Key": [key] if isinstance(key, str) else key},
        "requestContext": {"identity": {"sourceIp": "192.0.2.1"}},
        "body": "{}",
    } | event
    made = Exchange(Request(found, ""), Context(topology.function("anima/email")), Anima(), Router(lambda: None))
    made.operation = Operation(method="POST", path="/v1/things", secret=secret)
    made.correlation_id = "corr_of_this_request"
    return made


def effect_of(made: Exchange) -> IdempotencyKey:
    found = idempotency.effect_of(made)
    assert found is not None
    return found


def test_a_request_without_a_key_has_no_effect_of_its_own() -> None:
    assert idempotency.effect_of(call([])) is None


@pytest.mark.parametrize("key", [STRANGERS_KEY, "~" * 255, " " * 22, [STRANGERS_KEY, STRANGERS_KEY]])
def test_a_stranger_is_told_by_the_address_and_a_long_key(key: str | list[str]) -> None:
    found = effect_of(call(key))
    assert (found.scope, found.key) == ("ip#192.0.2.1", key if isinstance(key, str) else key[0])


PRINTABLE = "send one key of 1 to 255 printable ASCII characters"


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("", PRINTABLE),
        ("~" * 256, PRINTABLE),
        ("k" * 22 + "\x7f", PRINTABLE),
        ("k" * 22 + "\x1f", PRINTABLE),
        ("k" * 22 + "é", PRINTABLE),
        ([STRANGERS_KEY, STRANGERS_KEY + "2"], PRINTABLE),
        ("k" * 21, "without an API key, use 22 characters or more"),
    ],
)
def test_a_malformed_key_is_refused_with_what_it_takes(key: str | list[str], why: str) -> None:
    with pytest.raises(Invalid) as refused:
        idempotency.effect_of(call(key))
    assert refused.value.code == "invalid_idempotency_key"
    assert str(refused.value) == f"Invalid Idempotency-Key: {why}."


def test_one_character_is_a_key_for_a_caller_who_is_known(acme: Tenant) -> None:
    made = call("k")
    made.key_identity = access.authenticate_key(acme.agent_key, frozenset({KeyKind.AGENT}))
    assert effect_of(made).scope == made.key_identity.idempotency_scope


def test_a_fingerprint_stands_for_method_path_query_and_body() -> None:
    def digested(text: str) -> Exchange:
        made = call()
        made.digest = text
        return made

    different = [
        call(),
        call(httpMethod="PATCH"),
        call(path="/v1/other"),
        call(body="[]"),
        call(body=None),
        call(isBase64Encoded=True),
        call(isBase64Encoded=True, body=None),
        call(multiValueQueryStringParameters={"a": ["1"]}),
        digested("{}"),
        digested("other"),
    ]
    assert len({effect_of(made).fingerprint for made in different}) == len(different)
    assert effect_of(call()).fingerprint == effect_of(call("x" * 30)).fingerprint
    digests = [effect_of(digested("{}")).fingerprint, effect_of(digested("{}")).fingerprint]
    assert digests[0] == digests[1]
    assert effect_of(call(body="")).fingerprint == effect_of(call(body=None)).fingerprint
    assert (
        effect_of(call(body="", isBase64Encoded=True)).fingerprint
        == effect_of(call(body=None, isBase64Encoded=True)).fingerprint
    )


def test_a_fingerprint_is_the_digest_of_the_request_as_json() -> None:
    # Fingerprints are kept for a day: another form would refuse the retries of that day.
    def digest(*parts: Any) -> str:
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    digested = call()
    digested.digest = "sha"
    whole = ("POST", "/v1/things", [])
    assert effect_of(call()).fingerprint == digest(*whole, "{}")
    assert effect_of(call(body=None)).fingerprint == digest(*whole, "")
    assert effect_of(call(isBase64Encoded=True)).fingerprint == digest(*whole, "bytes", "{}")
    assert effect_of(call(isBase64Encoded=True, body=None)).fingerprint == digest(*whole, "bytes", "")
    assert effect_of(digested).fingerprint == digest(*whole, "digest", "sha")


def once(made: Exchange, proceed: Callable[[], Reply] | None = None) -> Reply:
    def unasked() -> Reply:
        raise AssertionError("the first answer is there")

    return idempotency.once(made, effect_of(made), proceed or unasked)


def kept() -> dict[str, Any]:
    """The answer that the table keeps, as Powertools writes it."""
    (item,) = (item for item in scan_items("idempotency") if not item["id"]["S"].startswith("effect#"))
    assert item["id"]["S"].startswith("switchboard#")
    return {"expiration": int(item["expiration"]["N"])} | json.loads(item["data"]["S"])


ANSWERS = [
    Reply(201, '{"id":"é"}', {"content-type": "application/json"}),
    Reply(204),
    Reply(200, "x" * 2_048, {"content-type": "text/plain"}),
    Reply(200, "é" * 1_025, {"content-type": "text/plain"}),
]


@pytest.mark.parametrize("secret", [False, True])
@pytest.mark.parametrize("answer", ANSWERS, ids=["json", "nothing", "long", "too long"])
def test_the_first_answer_is_given_again_as_it_was(acme: Tenant, answer: Reply, secret: bool) -> None:
    first, again = call(secret=secret), call(secret=secret)
    first.correlation_id = "corr_1"
    assert once(first, lambda: answer) is answer
    assert (first.replayed, first.correlation_id) == (False, "corr_1")
    given = once(again)
    assert (given.status, given.body, given.headers) == (answer.status, answer.body, answer.headers)
    assert (again.replayed, again.correlation_id) == (True, "corr_1")


def test_a_correlation_id_that_the_caller_chose_stays(acme: Tenant) -> None:
    first = call()
    first.correlation_id = "corr_1"
    once(first, lambda: ANSWERS[0])
    again = call(headers={"X-Correlation-Id": "corr_mine"}, multiValueHeaders=None)
    again.request.headers["idempotency-key"] = STRANGERS_KEY
    once(again)
    assert (again.replayed, again.correlation_id) == (True, "corr_of_this_request")


def test_an_answer_is_kept_for_a_day_and_a_long_one_compressed(acme: Tenant, frozen: clock.FrozenClock) -> None:
    once(call(), lambda: ANSWERS[2])
    found = kept()
    assert (found["expiration"], found["body"]) == (int(frozen.at) + 24 * 60 * 60, "x" * 2_048)
    frozen.advance(seconds=24 * 60 * 60 + 1)
    once(call(), lambda: ANSWERS[3])
    found = kept()
    assert len(found["packed"]) < 200
    assert "body" not in found


def test_a_credential_is_kept_encrypted_for_whoever_sent_key_and_credential(acme: Tenant) -> None:
    def by(credential: str) -> Exchange:
        made = call(secret=True)
        made.credential = credential
        return made

    once(by("one"), lambda: ANSWERS[0])
    assert set(kept()) == {"expiration", "status", "type", "correlation_id", "sealed"}
    assert "é" not in json.dumps(kept(), ensure_ascii=False)
    assert once(by("one")).body == ANSWERS[0].body
    for other in ("two", "", "one "):
        with pytest.raises(IdempotencyMismatch, match="was used with another credential: use a new"):
            once(by(other))


def test_an_answer_without_a_type_is_kept_without_one(acme: Tenant) -> None:
    once(call(), lambda: Reply(204))
    assert kept().items() >= {"status": 204, "type": "", "body": ""}.items()


def test_the_key_of_a_sealed_answer_is_made_by_the_published_formula() -> None:
    made = call()
    made.credential = "credential"
    derived = HKDF(SHA256(), 32, salt=b"scope", info=b"idempotent answer").derive(b"key\x1fcredential")
    assert idempotency._cipher_key(made, IdempotencyKey("scope", "key", "f")) == derived


def test_two_answers_with_one_key_of_two_callers_are_sealed_differently(acme: Tenant) -> None:
    effects = [IdempotencyKey(scope, "k", "f") for scope in ("a", "b")] + [IdempotencyKey("a", "k2", "f")]
    keys = {idempotency._cipher_key(call(), found) for found in effects}
    assert len(keys) == 3
    sealed = idempotency._encrypt(call(), effects[0], b"text")
    assert sealed[:12] != idempotency._encrypt(call(), effects[0], b"text")[:12]
    assert len(sealed) == 12 + len(b"text") + 16
    assert idempotency._decrypt(call(), effects[0], sealed) == b"text"
    for other in effects[1:]:
        with pytest.raises(IdempotencyMismatch):
            idempotency._decrypt(call(), other, sealed)


def test_a_second_request_while_the_first_is_under_way_is_told_to_wait(acme: Tenant) -> None:
    def second() -> Reply:
        with pytest.raises(Conflict) as refused:
            once(call())
        assert (refused.value.code, refused.value.details) == ("in_flight", {"retry_after": 2})
        assert str(refused.value) == "The first request with this Idempotency-Key is still in progress: retry later."
        return ANSWERS[0]

    assert once(call(), second) is ANSWERS[0]


def test_a_key_that_is_used_for_another_request_is_refused(acme: Tenant) -> None:
    once(call(), lambda: ANSWERS[0])
    with pytest.raises(IdempotencyMismatch, match="was used for another request: use a new key"):
        once(call(httpMethod="PATCH"))


def test_a_request_whose_answer_raises_is_tried_again(acme: Tenant) -> None:
    def fail() -> Reply:
        raise LookupError

    with pytest.raises(LookupError):
        once(call(), fail)
    assert once(call(), lambda: ANSWERS[0]) is ANSWERS[0]


def test_a_request_that_cannot_be_recorded_is_not_made(acme: Tenant) -> None:
    sabotage = Sabotage()
    sabotage.fail("PutItem", "InternalServerError", times=100)
    with pytest.raises(Unavailable) as refused:
        once(call())
    assert refused.value.details == {"retry_after": 2}
    assert str(refused.value) == "The request could not be recorded: retry it."
