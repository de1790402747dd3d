"""Anima over HTTP: the life of a mail, visibility, and one response for each kind of bad input."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from switchboard.audit import chain
from tests.integration.conftest import SignedUp, wait_until

MAIL = {"to": "you@example.com", "subject": "Hello", "body": "From an agent."}
SEND = "/v1/email/send"


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Assert a problem document with its legacy sibling. Returns its details."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    body: dict[str, Any] = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["status"] == status
    assert body["type"] == "https://docs.useanima.sh/errors/" + code.lower().replace("_", "-")
    assert body["instance"] == answer.request.url.path
    assert body["error"] == {"code": code, "message": body["detail"], "details": body["details"]}
    assert answer.headers["x-request-id"].startswith("req_")
    assert answer.headers["x-correlation-id"]
    assert int(answer.headers["x-ratelimit-limit"]) > 0
    details: dict[str, Any] = body["details"]
    return details


# --- the way of a mail ------------------------------------------------------------------------------------------


def wait_for_delivery(http: httpx.Client, who: SignedUp, message_id: str) -> dict[str, Any] | None:
    message: dict[str, Any] = http.get(f"/v1/email/messages/{message_id}", headers=who.agent).json()
    return message if message["status"] not in ("QUEUED", "SENT") else None


def test_a_mail_is_queued_sent_and_delivered_with_a_valid_chain(http: httpx.Client, acme: SignedUp) -> None:
    sent = http.post(SEND, json=MAIL, headers=acme.agent | {"x-correlation-id": "tour"})
    assert (sent.status_code, sent.json()["status"]) == (200, "QUEUED")
    assert sent.headers["x-correlation-id"] == sent.json()["correlationId"] == "tour"
    message = wait_until(lambda: wait_for_delivery(http, acme, sent.json()["id"]))
    assert message["status"] == "DELIVERED"
    assert message["externalId"]
    assert message["sentAt"]

    def sealed() -> Any:
        found = http.get("/v1/audit/events", params={"correlation_id": "tour"}, headers=acme.agent).json()
        return found if found["count"] == 3 and all(event["seq"] for event in found["events"]) else None

    events = wait_until(sealed)["events"]
    assert [event["action"] for event in events] == ["email.queued", "email.sent", "email.delivered"]
    exported = http.get("/v1/audit/export", headers=acme.master).json()
    verdict = chain.verify_export(exported["documents"])
    assert (verdict.fault, verdict.head) == (None, exported["head"]["hash"])
    assert {event["immutableHash"] for event in events} <= {one["immutableHash"] for one in exported["documents"]}


def test_a_bounce_is_shown_and_stops_further_mail(http: httpx.Client, acme: SignedUp) -> None:
    address = "bounce+1@simulator.amazonses.com"
    sent = http.post(SEND, json=MAIL | {"to": address}, headers=acme.agent).json()
    bounced = wait_until(lambda: wait_for_delivery(http, acme, sent["id"]))
    assert bounced["status"] == "BOUNCED"
    (reported,) = bounced["recipients"]
    assert (reported["address"], reported["status"], reported["permanent"]) == (address, "BOUNCED", True)
    again = http.post(SEND, json=MAIL | {"to": ["fine@example.com", address]}, headers=acme.agent)
    assert assert_problem(again, 409, "RECIPIENT_SUPPRESSED")["recipients"] == [address]


def test_a_reply_joins_the_thread_and_refers_to_its_original(http: httpx.Client, acme: SignedUp) -> None:
    first = http.post(SEND, json=MAIL, headers=acme.agent).json()
    first = wait_until(lambda: wait_for_delivery(http, acme, first["id"]))
    reply = http.post(SEND, json=MAIL | {"inReplyTo": first["id"]}, headers=acme.agent).json()
    assert reply["threadId"] == first["threadId"]
    assert reply["inReplyTo"] == f"<{first['externalId']}>"
    by_message_id = http.post(SEND, json=MAIL | {"inReplyTo": f"<{first['externalId']}>"}, headers=acme.agent).json()
    assert by_message_id["threadId"] == first["threadId"]


def test_the_welcome_mail_reaches_the_human_and_holds_no_key(http: httpx.Client, acme: SignedUp, stack: Any) -> None:
    def mail() -> str | None:
        texts = (path.read_text() for path in (stack.home / "mail").glob("*.eml"))
        return next((text for text in texts if f"{acme.inbox_id} is ready" in text), None)

    text = wait_until(mail)
    assert "To: " + acme.inbox_id.partition("@")[0] + "@example.com" in text
    assert not any(key["Authorization"].split()[1] in text for key in (acme.agent, acme.master))


def test_lists_filter_and_page(http: httpx.Client, acme: SignedUp) -> None:
    ids = [http.post(SEND, json=MAIL | {"subject": str(n)}, headers=acme.agent).json()["id"] for n in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = http.get("/v1/email/messages", params=params, headers=acme.agent).json()
        seen += [message["id"] for message in page["items"]]
        cursor = page["pagination"]["nextCursor"]
        assert page["pagination"]["hasMore"] is (cursor is not None)
        if not cursor:
            break
    assert seen == ids[::-1]
    thread = http.get("/v1/email/messages", params={"threadId": ids[0]}, headers=acme.agent).json()
    assert [message["id"] for message in thread["items"]] == [ids[0]]
    inbound = http.get("/v1/email/messages", params={"direction": "INBOUND"}, headers=acme.agent).json()
    assert inbound["items"] == []


def test_a_cursor_works_for_its_own_list_and_organization_only(
    http: httpx.Client, acme: SignedUp, sign_up: Callable[[], SignedUp]
) -> None:
    for _ in range(3):
        http.post(SEND, json=MAIL, headers=acme.agent)
    path = "/v1/email/messages"
    cursor = http.get(path, params={"limit": 1}, headers=acme.agent).json()["pagination"]["nextCursor"]
    elsewhere = [
        http.get(path, params={"cursor": cursor}, headers=sign_up().agent),
        http.get(path, params={"cursor": cursor, "status": "SENT"}, headers=acme.agent),
        http.get(path, params={"cursor": "A" + cursor[1:]}, headers=acme.agent),
        http.get(path, params={"cursor": "no cursor"}, headers=acme.agent),
    ]
    for answer in elsewhere:
        assert assert_problem(answer, 400, "VALIDATION_ERROR")["reason"] == "invalid_cursor"


# --- who may see what -------------------------------------------------------------------------------------------


def test_another_organizations_ids_are_not_found(
    http: httpx.Client, acme: SignedUp, sign_up: Callable[[], SignedUp]
) -> None:
    other = sign_up()
    sent = http.post(SEND, json=MAIL, headers=acme.agent | {"x-correlation-id": "private"}).json()
    key = http.get("/v1/keys", headers=acme.master).json()["items"][0]["id"]
    foreign = [
        http.get(f"/v1/email/messages/{sent['id']}", headers=other.master),
        http.get("/v1/audit/events", params={"correlation_id": "private"}, headers=other.master),
        http.get(f"/v1/agents/{acme.agent_id}", headers=other.master),
        http.get("/v1/email/messages", params={"agentId": acme.agent_id}, headers=other.agent),
        http.post(f"/v1/keys/{key}/rotate", json={}, headers=other.master),
        http.delete(f"/v1/keys/{key}", headers=other.master),
        http.post(SEND, json=MAIL | {"agentId": acme.agent_id}, headers=other.master),
        http.post(SEND, json=MAIL | {"inReplyTo": sent["id"]}, headers=other.agent),
        http.post("/v1/keys", json={"name": "x", "agentId": acme.agent_id}, headers=other.master),
    ]
    for answer in foreign:
        assert_problem(answer, 404, "NOT_FOUND")


def test_an_agent_key_sees_its_own_agent_only(http: httpx.Client, acme: SignedUp) -> None:
    second = http.post("/v1/agents", json={"username": f"two-{secrets.token_hex(4)}"}, headers=acme.master).json()
    two = {"Authorization": f"Bearer {second['apiKey']}"}
    sent = http.post(SEND, json=MAIL, headers=acme.agent | {"x-correlation-id": "shared"}).json()
    http.post(SEND, json=MAIL, headers=two | {"x-correlation-id": "shared"})
    assert_problem(http.get(f"/v1/email/messages/{sent['id']}", headers=two), 404, "NOT_FOUND")
    assert_problem(http.get(f"/v1/agents/{acme.agent_id}", headers=two), 404, "NOT_FOUND")
    chain_of = lambda who: http.get("/v1/audit/events", params={"correlation_id": "shared"}, headers=who).json()  # noqa: E731
    assert {event["agentId"] for event in chain_of(two)["events"]} == {second["id"]}
    assert {event["agentId"] for event in chain_of(acme.master)["events"]} == {second["id"], acme.agent_id}
    assert_problem(http.post(SEND, json=MAIL | {"agentId": acme.agent_id}, headers=two), 403, "FORBIDDEN")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/agents"),
        ("GET", "/v1/agents"),
        ("POST", "/v1/keys"),
        ("GET", "/v1/keys"),
        ("POST", "/v1/keys/key_1/rotate"),
        ("DELETE", "/v1/keys/key_1"),
        ("GET", "/v1/billing/hard-cap"),
        ("PUT", "/v1/billing/hard-cap"),
        ("GET", "/v1/billing/usage"),
        ("GET", "/v1/billing/tier"),
        ("GET", "/v1/audit/export"),
    ],
)
def test_an_agent_key_is_refused_where_a_master_key_is_needed(
    http: httpx.Client, acme: SignedUp, method: str, path: str
) -> None:
    assert_problem(http.request(method, path, headers=acme.agent), 403, "MASTER_KEY_REQUIRED")


# --- keys -------------------------------------------------------------------------------------------------------


def is_refused(http: httpx.Client, headers: dict[str, str]) -> bool:
    return http.get("/v1/email/messages", headers=headers).status_code == 401


def test_a_revoked_key_is_refused(http: httpx.Client, acme: SignedUp) -> None:
    made = http.post("/v1/keys", json={"name": "spare", "agentId": acme.agent_id}, headers=acme.master).json()
    spare = {"Authorization": f"Bearer {made['key']}"}
    assert not is_refused(http, spare)
    assert http.delete(f"/v1/keys/{made['id']}", headers=acme.master).json()["revoked"] is True
    # Each process caches a good key for a short time (KEY_CACHE_SECONDS).
    wait_until(lambda: all(is_refused(http, spare) for _ in range(12)), seconds=8)
    assert_problem(http.get("/v1/email/messages", headers=spare), 401, "UNAUTHORIZED")


def test_a_rotated_key_works_during_its_overlap_and_its_successor_at_once(http: httpx.Client, acme: SignedUp) -> None:
    made = http.post("/v1/keys", json={"name": "spare", "agentId": acme.agent_id}, headers=acme.master).json()
    old = {"Authorization": f"Bearer {made['key']}"}
    rotated = http.post(f"/v1/keys/{made['id']}/rotate", json={"overlapSeconds": 3600}, headers=acme.master).json()
    new = {"Authorization": f"Bearer {rotated['key']}"}
    assert not is_refused(http, old)
    assert not is_refused(http, new)
    assert rotated["agentId"] == acme.agent_id
    again = http.post(f"/v1/keys/{made['id']}/rotate", json={}, headers=acme.master)
    assert assert_problem(again, 409, "CONFLICT")["reason"] == "key_not_active"
    http.post(f"/v1/keys/{rotated['id']}/rotate", json={"overlapSeconds": 0}, headers=acme.master)
    wait_until(lambda: is_refused(http, new), seconds=5)


def test_a_key_expires(http: httpx.Client, acme: SignedUp) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    body = {"name": "short", "agentId": acme.agent_id, "expiresAt": soon}
    made = http.post("/v1/keys", json=body, headers=acme.master).json()
    short = {"Authorization": f"Bearer {made['key']}"}
    assert not is_refused(http, short)
    wait_until(lambda: is_refused(http, short), seconds=6)
    past = body | {"expiresAt": "2020-01-01T00:00:00Z"}
    assert_problem(http.post("/v1/keys", json=past, headers=acme.master), 400, "VALIDATION_ERROR")


def test_a_key_is_shown_once_and_its_use_is_recorded(http: httpx.Client, acme: SignedUp) -> None:
    keys = http.get("/v1/keys", headers=acme.master).json()["items"]
    assert len(keys) == 2
    assert all("key" not in key and "hash" not in key for key in keys)
    assert any(key["lastUsedAt"] for key in keys)


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Basic YTpi",
        "Bearer ak_short",
        "Bearer ak_" + "a" * 38,
        "Bearer sk_live_" + "a" * 38,
        "Bearer ath_live_" + "a" * 38,
    ],
)
def test_no_key_or_a_bad_one_is_refused_before_anything_is_read(http: httpx.Client, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = http.post(SEND, content=b"{not json", headers=headers | {"Content-Type": "application/json"})
    assert_problem(answer, 401, "UNAUTHORIZED")
    assert answer.headers["x-amzn-remapped-www-authenticate"] == "Bearer"


# --- bad input --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"{not json",
        b'{"to":"a@example.com","to":"b@example.com","subject":"s","body":"b"}',
        b'{"to":"a@example.com","subject":"s","body":NaN}',
        b'{"to":"a@example.com","subject":"s","body":"\\ud800"}',
        b'{"to":"a@example.com","subject":"s","body":"\xff"}',
        b"[" * 100_000,
        b'{"n":' + b"9" * 5_000 + b"}",
        b'"a string"',
        b"null",
        b"",
    ],
    ids=["malformed", "duplicate key", "NaN", "half surrogate", "not UTF-8", "deep", "huge", "string", "null", "none"],
)
def test_a_body_other_than_a_json_object_is_400(http: httpx.Client, acme: SignedUp, body: bytes) -> None:
    answer = http.post(SEND, content=body, headers=acme.agent | {"Content-Type": "application/json"})
    assert_problem(answer, 400, "VALIDATION_ERROR")


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_another_media_type_is_415(http: httpx.Client, acme: SignedUp, media_type: str) -> None:
    answer = http.post(SEND, content=b"{}", headers=acme.agent | {"Content-Type": media_type})
    assert_problem(answer, 415, "UNSUPPORTED_MEDIA_TYPE")


def test_an_oversized_body_is_413_from_the_function_and_from_the_gateway(http: httpx.Client, acme: SignedUp) -> None:
    headers = acme.agent | {"Content-Type": "application/json"}
    assert_problem(http.post(SEND, content=b" " * (1_048_576 + 1), headers=headers), 413, "PAYLOAD_TOO_LARGE")
    far_too_large = http.post(SEND, content=b" " * (10 * 1_048_576 + 1), headers=headers)
    assert (far_too_large.status_code, far_too_large.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert far_too_large.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"to": "nobody"}, "to"),
        ({"to": []}, "to"),
        ({"to": ["fine@example.com", "a@b@c"]}, "to"),
        ({"to": "x@localhost"}, "to"),
        ({"to": "a@example.com\r\nBcc: b@example.com"}, "to"),
        ({"cc": ["@example.com"]}, "cc"),
        ({"bcc": "a@example.com"}, "bcc"),
        ({"subject": None}, "subject"),
        ({"subject": "x" * 999}, "subject"),
        ({"subject": "Hello\r\nBcc: b@example.com"}, "subject"),
        ({"body": 5}, "body"),
        ({"body": "x" * 200_000}, "body"),
        ({"headers": {"Bcc": "b@example.com"}}, "headers"),
        ({"headers": {"X-SES-CONFIGURATION-SET": "other"}}, "headers"),
        ({"headers": {"X-Fine": "a\nb"}}, "headers"),
        ({"headers": {"Reply-To": "support@"}}, "headers"),
        ({"headers": {"Reply-To": '"'}}, "headers"),
        ({"headers": {"List-Unsubscribe": "stop"}}, "headers"),
        ({"inReplyTo": "<no id>"}, "inReplyTo"),
        ({"references": ["<fine@example.com>", "no id"]}, "references"),
        ({"attachments": [{"filename": "a"}]}, "attachments"),
        ({"correlation_id": "with space"}, "correlation_id"),
        ({"to": [f"{n}@example.com" for n in range(51)]}, "to"),
    ],
)
def test_an_invalid_field_is_400_and_named(
    http: httpx.Client, acme: SignedUp, change: dict[str, Any], field: str
) -> None:
    answer = http.post(SEND, json=MAIL | change, headers=acme.agent)
    fields = assert_problem(answer, 400, "VALIDATION_ERROR")["fields"]
    assert any(name.split(".")[0] == field for name in fields), fields
    assert http.get("/v1/email/messages", headers=acme.agent).json()["items"] == []


@pytest.mark.parametrize("username", ["Shouting", "under_score", "-edge", "edge-", "admin", "", "x" * 64])
def test_a_username_that_cannot_be_an_inbox_is_400(http: httpx.Client, username: str) -> None:
    body = {"human_email": f"{secrets.token_hex(4)}@example.com", "username": username}
    assert_problem(http.post("/v1/agent/sign-up", json=body), 400, "VALIDATION_ERROR")


def test_the_same_human_or_a_taken_username_is_409(http: httpx.Client, acme: SignedUp) -> None:
    name = acme.inbox_id.partition("@")[0]
    fresh = f"fresh-{secrets.token_hex(4)}"
    same_human = {"human_email": f"{name.upper()}@Example.com", "username": fresh}
    taken = {"human_email": f"{fresh}@example.com", "username": name}
    assert assert_problem(http.post("/v1/agent/sign-up", json=same_human), 409, "CONFLICT")["reason"] == "owner_exists"
    assert assert_problem(http.post("/v1/agent/sign-up", json=taken), 409, "CONFLICT")["reason"] == "username_taken"
    both_free = {"human_email": f"{fresh}@example.com", "username": fresh}
    assert http.post("/v1/agent/sign-up", json=both_free).status_code == 200, "a refused sign-up left items behind"


@pytest.mark.parametrize("value", ["with space", "x" * 129, "ünï"])
def test_a_malformed_correlation_id_is_400(http: httpx.Client, acme: SignedUp, value: str) -> None:
    headers = {**acme.agent, "x-correlation-id": value.encode("utf-8")}
    answer = http.post(SEND, json=MAIL, headers=headers)  # type: ignore[arg-type]
    assert "correlation_id" in assert_problem(answer, 400, "VALIDATION_ERROR")["fields"]


def test_an_unknown_correlation_id_is_404_and_a_missing_one_400(http: httpx.Client, acme: SignedUp) -> None:
    assert_problem(http.get("/v1/audit/events?correlation_id=nobody", headers=acme.agent), 404, "NOT_FOUND")
    assert_problem(http.get("/v1/audit/events", headers=acme.agent), 400, "VALIDATION_ERROR")


# --- idempotency ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\tinside", "ünï"])
def test_a_malformed_idempotency_key_is_400(http: httpx.Client, acme: SignedUp, key: str) -> None:
    headers = {**acme.agent, "Idempotency-Key": key.encode("utf-8")}
    answer = http.post(SEND, json=MAIL, headers=headers)  # type: ignore[arg-type]
    assert_problem(answer, 400, "INVALID_IDEMPOTENCY_KEY")
    assert http.get("/v1/email/messages", headers=acme.agent).json()["items"] == []


def test_a_repeated_request_gets_the_first_response_byte_for_byte(http: httpx.Client, acme: SignedUp) -> None:
    headers = acme.agent | {"Idempotency-Key": "send-1747-abc"}
    first, second = (http.post(SEND, json=MAIL, headers=headers) for _ in range(2))
    assert first.content == second.content
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert first.headers["x-correlation-id"] == second.headers["x-correlation-id"]
    assert len(http.get("/v1/email/messages", headers=acme.agent).json()["items"]) == 1


def test_a_large_answer_is_replayed_too(http: httpx.Client, acme: SignedUp) -> None:
    headers = acme.agent | {"Idempotency-Key": "large"}
    first, second = (http.post(SEND, json=MAIL | {"body": "漢" * 60_000}, headers=headers) for _ in range(2))
    assert first.status_code == 200
    assert first.content == second.content


def test_a_refusal_is_replayed_too(http: httpx.Client, acme: SignedUp) -> None:
    headers = acme.agent | {"Idempotency-Key": "refused"}
    first, second = (http.post(SEND, json=MAIL | {"to": "nobody"}, headers=headers) for _ in range(2))
    assert (first.status_code, first.content) == (400, second.content)
    assert second.headers["idempotent-replayed"] == "true"


def test_the_same_key_with_another_body_or_path_is_409(http: httpx.Client, acme: SignedUp) -> None:
    headers = acme.master | {"Idempotency-Key": "once"}
    mail = MAIL | {"agentId": acme.agent_id}
    assert http.post(SEND, json=mail, headers=headers).status_code == 200
    other_body = http.post(SEND, json=mail | {"body": "other"}, headers=headers)
    other_path = http.post("/v1/agents", json=mail, headers=headers)
    assert_problem(other_body, 409, "IDEMPOTENCY_BODY_MISMATCH")
    assert_problem(other_path, 409, "IDEMPOTENCY_BODY_MISMATCH")


def test_two_organizations_may_use_the_same_key(
    http: httpx.Client, acme: SignedUp, sign_up: Callable[[], SignedUp]
) -> None:
    key = {"Idempotency-Key": "shared-name"}
    first, second = (http.post(SEND, json=MAIL, headers=who.agent | key) for who in (acme, sign_up()))
    assert first.json()["id"] != second.json()["id"]
    assert "idempotent-replayed" not in second.headers


def test_a_sign_up_is_repeated_with_the_same_keys(http: httpx.Client) -> None:
    name = f"agent-{secrets.token_hex(5)}"
    body = {"human_email": f"{name}@example.com", "username": name}
    headers = {"Idempotency-Key": secrets.token_urlsafe(18)}
    first, second = (http.post("/v1/agent/sign-up", json=body, headers=headers) for _ in range(2))
    assert (first.status_code, first.content) == (200, second.content)
    assert second.headers["idempotent-replayed"] == "true"
    short = http.post("/v1/agent/sign-up", json=body, headers={"Idempotency-Key": "guessable"})
    assert_problem(short, 400, "INVALID_IDEMPOTENCY_KEY")


def test_a_response_with_a_secret_is_replayed_to_the_same_credential_only(http: httpx.Client, acme: SignedUp) -> None:
    body = {"name": "spare", "agentId": acme.agent_id}
    headers = acme.master | {"Idempotency-Key": "new-key"}
    first, second = (http.post("/v1/keys", json=body, headers=headers) for _ in range(2))
    assert (first.status_code, first.content) == (201, second.content)
    other = http.post("/v1/keys", json={"name": "second", "type": "master"}, headers=acme.master).json()["key"]
    stolen = http.post("/v1/keys", json=body, headers=headers | {"Authorization": f"Bearer {other}"})
    assert_problem(stolen, 409, "IDEMPOTENCY_BODY_MISMATCH")


# --- limits -----------------------------------------------------------------------------------------------------


def test_the_hard_cap_holds_and_its_refusal_says_so(http: httpx.Client, acme: SignedUp) -> None:
    cap = {"enabled": True, "monthlyCapCents": 0}
    assert http.put("/v1/billing/hard-cap", json=cap, headers=acme.master).json()["enabled"] is True
    answer = wait_until(
        lambda: (a := http.post(SEND, json=MAIL, headers=acme.agent)).status_code == 402 and a, seconds=5
    )
    assert assert_problem(answer, 402, "PAYMENT_REQUIRED") == {
        "reason": "hard_cap", "resource": "email", "current": 0, "cap": 0,
    }  # fmt: skip
    assert http.get("/v1/billing/hard-cap", headers=acme.master).json() == cap | {
        "meters": {"email": True, "sms": True, "voice": True}
    }


def test_usage_counts_recipients(http: httpx.Client, acme: SignedUp) -> None:
    http.post(SEND, json=MAIL | {"cc": ["a@example.com", "b@example.com"]}, headers=acme.agent)
    used = http.get("/v1/billing/usage", headers=acme.master).json()
    assert used["usage"]["message_sent"] == 3
    assert used["spentCents"] == pytest.approx(0.15)
    tier = http.get("/v1/billing/tier", headers=acme.master).json()
    assert (tier["tier"], tier["limits"]["agents"]) == ("free", 3)


def test_the_plans_limit_of_agents_holds(http: httpx.Client, acme: SignedUp) -> None:
    for number in range(2):
        made = http.post("/v1/agents", json={"username": f"a{number}-{secrets.token_hex(4)}"}, headers=acme.master)
        assert made.status_code == 201
    full = http.post("/v1/agents", json={"username": f"a3-{secrets.token_hex(4)}"}, headers=acme.master)
    assert assert_problem(full, 402, "PAYMENT_REQUIRED")["reason"] == "agent_limit"
    assert len(http.get("/v1/agents", headers=acme.master).json()["items"]) == 3


def test_the_rate_limit_holds_and_says_when_it_ends(http: httpx.Client, acme: SignedUp) -> None:
    answers = []
    for _ in range(
        130
    ):  # The free plan's limit is 60. The loop runs twice as long, because a minute may end meanwhile.
        answers.append(http.get("/v1/email/messages?limit=1", headers=acme.agent))
        if answers[-1].status_code == 429:
            break
    refusal = answers[-1]
    details = assert_problem(refusal, 429, "RATE_LIMIT")
    assert details["limit"] == 60
    assert details["remaining"] == 0
    assert int(refusal.headers["retry-after"]) == details["retryAfter"] <= 60
    assert refusal.headers["x-ratelimit-remaining"] == "0"
    assert refusal.headers["ratelimit-policy"] == '"minute";q=60;w=60, "second";q=100;w=1'
