"""Mail over SMTP: it appears in the list, the chain and the usage, with its files."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from email.message import EmailMessage
from smtplib import SMTP, SMTPRecipientsRefused
from typing import Any

import httpx
import pytest

from tests.conftest import Stack
from tests.integration.conftest import SignedUp, wait_until

LIST = "/v1/email/messages"


@pytest.fixture
def post(stack: Stack) -> Callable[..., None]:
    """Hand in a mail as a mail client does."""

    def hand_in(mail: EmailMessage, *recipients: str, sender: str = "ada@example.com") -> None:
        with SMTP("127.0.0.1", int((stack.home / "smtp_port").read_text())) as smtp:
            smtp.send_message(mail, sender, recipients)

    return hand_in


def make_letter(subject: str = "A question", **headers: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Ada Park <ada@example.com>"
    mail["Subject"] = subject
    mail["Message-ID"] = f"<{secrets.token_hex(8)}@example.com>"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content("Grüße, is anybody there?")
    return mail


def wait_for_mails(http: httpx.Client, who: SignedUp, count: int = 1) -> list[dict[str, Any]]:
    """The agent's received mails, newest first, once there are enough."""

    def found() -> list[dict[str, Any]] | None:
        items = http.get(LIST, params={"direction": "INBOUND"}, headers=who.agent).json()["items"]
        return items if len(items) >= count else None

    items: list[dict[str, Any]] = wait_until(found)
    assert len(items) == count
    return items


def wait_for_actions(http: httpx.Client, who: SignedUp, correlation_id: str, *expected: str) -> list[dict[str, Any]]:
    """The events of a chain, once all of them are sealed."""

    def sealed() -> Any:
        answer = http.get("/v1/audit/events", params={"correlation_id": correlation_id}, headers=who.agent).json()
        events = answer.get("events", [])
        return events if len(events) >= len(expected) and all(event["seq"] for event in events) else None

    events: list[dict[str, Any]] = wait_until(sealed)
    assert [event["action"] for event in events] == list(expected)
    return events


def test_a_mail_shows_up_in_the_list_the_chain_and_the_usage(
    http: httpx.Client, acme: SignedUp, post: Callable[..., None]
) -> None:
    mail = make_letter()
    mail["To"] = acme.inbox_id
    mail.add_attachment(b"a,b\n1,2\n", maintype="text", subtype="csv", filename="rows.csv")
    post(mail, acme.inbox_id)
    (message,) = wait_for_mails(http, acme)
    assert (message["direction"], message["status"], message["labels"]) == ("INBOUND", "DELIVERED", ["unread"])
    assert (message["fromAddress"], message["toAddress"]) == ("ada@example.com", acme.inbox_id)
    assert (message["subject"], message["body"]) == ("A question", "Grüße, is anybody there?\n")
    assert message["externalId"] == mail["Message-ID"].strip("<>")
    assert message["receivedAt"]
    assert message["metadata"]["verdicts"]["virus"] == "PASS"
    assert message["metadata"]["autoReply"] is False
    (event,) = wait_for_actions(http, acme, message["correlationId"], "email.received")
    assert (event["resourceId"], event["channel"]) == (message["id"], "email")
    used = http.get("/v1/billing/usage", headers=acme.master).json()
    assert (used["usage"]["message_received"], used["usage"]["message_sent"], used["spentCents"]) == (1, 0, 0)


def test_a_file_is_downloaded_by_its_link_and_belongs_to_its_organization(
    http: httpx.Client, acme: SignedUp, post: Callable[..., None], sign_up: Callable[[], SignedUp]
) -> None:
    mail = make_letter()
    mail.add_attachment(b"%PDF-1.4 x", maintype="application", subtype="pdf", filename="Rechnung für Sie.pdf")
    post(mail, acme.inbox_id)
    (message,) = wait_for_mails(http, acme)
    (file,) = message["attachments"]
    assert (file["filename"], file["mimeType"], file["sizeBytes"]) == ("Rechnung für Sie.pdf", "application/pdf", 10)
    download = httpx.get(file["url"])
    assert (download.status_code, download.content) == (200, b"%PDF-1.4 x")
    assert "f%C3%BCr%20Sie.pdf" in download.headers["content-disposition"]
    path = f"{LIST}/{message['id']}/attachments/{file['id']}"
    fresh = http.get(path, headers=acme.agent).json()
    assert httpx.get(fresh["url"]).content == b"%PDF-1.4 x"
    assert httpx.get(file["url"].replace(file["storageKey"], file["storageKey"][:-1] + "2")).status_code == 403
    other = sign_up()
    for key in (other.agent, other.master):
        assert http.get(path, headers=key).status_code == 404
        assert http.get(f"{LIST}/{message['id']}", headers=key).status_code == 404
        assert http.post(f"{LIST}/{message['id']}/labels", json={"add": ["read"]}, headers=key).status_code == 404


def test_a_reply_joins_the_chain_of_the_mail_that_it_answers(
    http: httpx.Client, acme: SignedUp, post: Callable[..., None]
) -> None:
    body = {"to": "ada@example.com", "subject": "Your order", "body": "It is on its way."}
    first = http.post("/v1/email/send", json=body, headers=acme.agent | {"x-correlation-id": "order-7"}).json()
    first = wait_until(lambda: _delivered(http, acme, first["id"]))
    post(make_letter("Re: Your order", In_Reply_To=f"<{first['externalId']}>"), acme.inbox_id)
    (reply,) = wait_for_mails(http, acme)
    assert (reply["threadId"], reply["correlationId"]) == (first["threadId"], "order-7")
    wait_for_actions(http, acme, "order-7", "email.queued", "email.sent", "email.delivered", "email.received")
    # And the agent replies.
    body = {"to": "ada@example.com", "subject": "Re: Your order", "body": "You are welcome.", "inReplyTo": reply["id"]}
    answer = http.post("/v1/email/send", json=body, headers=acme.agent).json()
    assert (answer["threadId"], answer["inReplyTo"]) == (first["threadId"], f"<{reply['externalId']}>")
    thread = http.get(LIST, params={"threadId": first["threadId"]}, headers=acme.agent).json()["items"]
    assert [message["direction"] for message in thread] == ["OUTBOUND", "INBOUND", "OUTBOUND"]


def _delivered(http: httpx.Client, who: SignedUp, message_id: str) -> dict[str, Any] | None:
    message: dict[str, Any] = http.get(f"{LIST}/{message_id}", headers=who.agent).json()
    return message if message["status"] == "DELIVERED" else None


def test_a_mail_from_agent_to_agent_is_received_the_same_way(
    http: httpx.Client, acme: SignedUp, sign_up: Callable[[], SignedUp]
) -> None:
    peer = sign_up()
    body = {"to": peer.inbox_id, "subject": "Grüße", "body": "Von Agent zu Agent."}
    http.post("/v1/email/send", json=body, headers=acme.agent | {"x-correlation-id": "between"})
    (message,) = wait_for_mails(http, peer)
    assert (message["fromAddress"], message["subject"]) == (acme.inbox_id, "Grüße")
    assert message["body"].strip() == "Von Agent zu Agent."
    # Another organization's chain is separate.
    assert message["correlationId"] != "between"
    # Two agents that answer each other would never stop.
    body = {"to": acme.inbox_id, "subject": "Re: Grüße", "body": "Danke.", "inReplyTo": message["id"]}
    answer = http.post("/v1/email/send", json=body, headers=peer.agent)
    assert (answer.status_code, answer.json()["details"]["reason"]) == (409, "automatic_message")
    # Nor by the Message-ID.
    again = body | {"inReplyTo": f"<{message['externalId']}>"}
    assert http.post("/v1/email/send", json=again, headers=peer.agent).status_code == 409


def test_several_recipients_get_one_message_each(
    http: httpx.Client, acme: SignedUp, sign_up: Callable[[], SignedUp], post: Callable[..., None]
) -> None:
    other = sign_up()
    post(make_letter(), acme.inbox_id, other.inbox_id.replace("@", "+note@"))
    assert wait_for_mails(http, acme)[0]["toAddress"] == acme.inbox_id
    assert wait_for_mails(http, other)[0]["toAddress"] == other.inbox_id.replace("@", "+note@")


def test_other_domains_are_refused_and_unknown_inboxes_are_not_revealed(
    acme: SignedUp, http: httpx.Client, post: Callable[..., None]
) -> None:
    with pytest.raises(SMTPRecipientsRefused) as refusal:
        post(make_letter(), "somebody@example.com")
    assert refusal.value.recipients["somebody@example.com"][0] == 550
    domain = acme.inbox_id.partition("@")[2]
    post(make_letter("For nobody"), f"nobody-{secrets.token_hex(4)}@{domain}")
    post(make_letter("After it"), acme.inbox_id)
    assert [message["subject"] for message in wait_for_mails(http, acme)] == ["After it"]


def test_machines_spam_and_viruses_are_marked(http: httpx.Client, acme: SignedUp, post: Callable[..., None]) -> None:
    post(make_letter("Away", Auto_Submitted="auto-replied"), acme.inbox_id)
    (away,) = wait_for_mails(http, acme)
    assert (away["metadata"]["autoReply"], away["metadata"]["autoReplyReason"]) == (True, "auto-submitted")
    spam = make_letter("Buy")
    spam.set_content("XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X")
    post(spam, acme.inbox_id)
    assert wait_for_mails(http, acme, 2)[0]["labels"] == ["unread", "spam"]
    virus = make_letter("Open")
    content = b"-".join((b"EICAR", b"STANDARD", b"ANTIVIRUS", b"TEST", b"FILE"))
    virus.add_attachment(content, maintype="application", subtype="zip", filename="open.zip")
    post(virus, acme.inbox_id)
    found = wait_for_mails(http, acme, 3)[0]
    assert (found["attachments"], found["labels"]) == ([], ["unread", "spam"])
    assert [one["reason"] for one in found["metadata"]["droppedAttachments"]] == ["virus"]


def test_mail_is_marked_read_and_unread_mail_is_found(
    http: httpx.Client, acme: SignedUp, post: Callable[..., None]
) -> None:
    post(make_letter("First"), acme.inbox_id)
    wait_for_mails(http, acme)
    post(make_letter("Second"), acme.inbox_id)
    second, first = wait_for_mails(http, acme, 2)
    path = f"{LIST}/{first['id']}/labels"
    marked = http.post(path, json={"add": ["read", "done"]}, headers=acme.agent)
    assert (marked.status_code, marked.json()["labels"]) == (200, ["read", "done"])
    unread = http.get(LIST, params={"label": "unread"}, headers=acme.agent).json()["items"]
    assert [message["id"] for message in unread] == [second["id"]]
    assert http.post(path, json={"add": ["No Label"]}, headers=acme.agent).status_code == 400
    assert http.post(path, json={"add": ["read", "unread"]}, headers=acme.agent).status_code == 400


def test_large_mail_arrives_complete(http: httpx.Client, acme: SignedUp, post: Callable[..., None]) -> None:
    mail = make_letter()
    mail.set_content("line\n" * 100_000)
    mail.add_attachment(b"x" * 12_000_000, maintype="application", subtype="octet-stream", filename="large.bin")
    post(mail, acme.inbox_id)
    (message,) = wait_for_mails(http, acme)
    assert message["metadata"]["truncated"] is True
    assert len(message["body"].encode()) == 192 * 1024
    assert len(httpx.get(message["metadata"]["bodyUrl"]).content.splitlines()) == 100_000
    assert len(httpx.get(message["attachments"][0]["url"]).content) == 12_000_000
