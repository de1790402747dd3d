"""Anima over HTTP: the life of a mail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from switchboard.audit import chain
from tests.integration.anima.conftest import MAIL, SEND, assert_problem
from tests.integration.conftest import SignedUp, wait_until


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
