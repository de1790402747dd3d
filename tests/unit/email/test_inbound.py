"""Incoming mail: its inbox and chain, deduplication, and replies."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace as change
from datetime import timedelta
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from functions.anima.email import schemas
from switchboard import telemetry
from switchboard.agents import service as agents
from switchboard.audit import service as audit
from switchboard.aws import clients, dynamodb, objects, writes
from switchboard.aws.reads import Query
from switchboard.aws.writes import _flatten
from switchboard.carriers import mail as carriers
from switchboard.dialects.anima import webhooks
from switchboard.email import (
    attachments,
    composition,
    delivery,
    feedback,
    inbound,
    mime_structure,
    parsing,
    receipts,
    service,
    store,
)
from switchboard.email.models import MailDraft, MailState, Message
from switchboard.errors import Conflict, Invalid, NotFound
from switchboard.events import service as events
from switchboard.kit import clock, settings
from switchboard.usage import service as usage
from switchboard.usage.models import Meter
from tests.actors import Tenant, tenant

pytestmark = pytest.mark.usefixtures("cloud")
AT = "2026-01-15T17:00:00.000Z"


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    return tenant()


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    counted: list[str] = []
    monkeypatch.setattr(telemetry, "emit_metric", lambda name, *_, **__: counted.append(name))
    return counted


def make_mail(*to: str, **headers: str) -> EmailMessage:
    """A mail from a person."""
    made = EmailMessage()
    made["From"] = "Ada Park <ada@example.com>"
    made["To"] = ", ".join(to) or "desk@example.org"
    made["Message-ID"] = f"<{secrets.token_hex(8)}@example.com>"
    made["Subject"] = "A question"
    for name, value in headers.items():
        del made[name.replace("_", "-")]
        made[name.replace("_", "-")] = value
    made.set_content("Is anybody there?")
    return made


def make_notice(
    raw: bytes | EmailMessage, *recipients: str, sender: str | None = "ada@example.com", **verdicts: str
) -> dict[str, Any]:
    """SES' notice about a stored mail."""
    ses_id = secrets.token_hex(20)
    objects.put_object(
        "inbound-mail", f"inbound/{ses_id}", raw if isinstance(raw, bytes) else bytes(raw), "message/rfc822"
    )
    found = {"spam": "PASS", "virus": "PASS", "spf": "PASS", "dkim": "PASS", "dmarc": "PASS"} | verdicts
    return {
        "notificationType": "Received",
        "receipt": {
            "timestamp": AT,
            "recipients": list(recipients),
            **{f"{name}Verdict": {"status": status} for name, status in found.items()},
            "action": {"type": "S3", "objectKey": f"inbound/{ses_id}"},
        },
        "mail": {"timestamp": AT, "messageId": ses_id, "destination": list(recipients)}
        | ({} if sender is None else {"source": sender}),
    }


def receive_mail(raw: bytes | EmailMessage, *recipients: str, **options: Any) -> list[Message]:
    return inbound.receive_mail(make_notice(raw, *recipients, **options))


def send_mail(
    acme: Tenant, external_id: str = "0100-ours@email.amazonses.com", correlation_id: str = "order-7"
) -> Message:
    """A mail of the agent that SES has accepted."""
    draft = MailDraft(to=["ada@example.com"], subject="Your order", body="It is on its way.")
    message = service.send_message(acme.caller(correlation_id=correlation_id), draft)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(carriers, "mail_carrier", lambda: _Provider(external_id))
        delivery.send_queued(message.org_id, message.id)
    return read_stored_body(message)


class _Provider:
    """SES, which gives a mail this Message-ID."""

    def __init__(self, external_id: str) -> None:
        self._external_id = external_id

    def send(self, _: carriers.OutgoingMail) -> str:
        return self._external_id


def list_chain_types(acme: Tenant, correlation_id: str) -> list[dict[str, Any]]:
    entries, _ = audit.list_workflow_events(acme.caller(master=True), correlation_id, 100, None)
    return [entry.document for entry in entries]


def read_stored_body(message: Message) -> Message:
    found = store.get_message(message.org_id, message.id)
    assert found
    return found


# Inbox.


def test_a_mail_lands_in_the_agents_inbox_unread(acme: Tenant) -> None:
    (message,) = receive_mail(make_mail(acme.address, Date="Thu, 15 Jan 2026 18:00:00 +0100"), acme.address)
    assert read_stored_body(message) == message
    assert (message.org_id, message.agent_id, message.direction) == (acme.org_id, acme.agent_id, "INBOUND")
    assert (message.state, message.labels, message.received_at) == (MailState.RECEIVED, ["unread"], AT)
    assert (message.from_address, message.from_name, message.to) == ("ada@example.com", "Ada Park", [acme.address])
    assert (message.subject, message.body, message.sent_at) == ("A question", "Is anybody there?\n", AT)
    assert [one.id for one in service.list_messages(acme.caller(), None, {"direction": ["INBOUND"]}, 10, None)[0]] == [
        message.id
    ]


def test_it_starts_a_chain_and_its_event_holds_digests_only(acme: Tenant) -> None:
    (message,) = receive_mail(make_mail(acme.address), acme.address)
    assert message.correlation_id.startswith("corr_")
    (event,) = list_chain_types(acme, message.correlation_id)
    assert (event["action"], event["resourceId"], event["agentId"]) == ("email.received", message.id, acme.agent_id)
    assert "@" not in json.dumps(event)


def test_a_plus_tag_of_the_slug_is_ignored(acme: Tenant) -> None:
    (message,) = receive_mail(make_mail(), f"{acme.address.replace('@', '+orders@')}")
    assert message.agent_id == acme.agent_id
    assert message.reception
    assert message.reception.recipient == acme.address.replace("@", "+orders@")


def test_the_case_of_an_address_is_ignored(acme: Tenant) -> None:
    assert receive_mail(make_mail(), acme.address.upper())[0].agent_id == acme.agent_id


def test_a_blind_copy_is_found_by_the_envelope(acme: Tenant) -> None:
    (message,) = receive_mail(make_mail("somebody@example.org"), acme.address)
    assert message.to == ["somebody@example.org"]
    shown = schemas.MessageView.of(message)
    assert (shown.to_address, shown.status) == (acme.address, "DELIVERED")


def test_without_an_envelope_the_headers_name_the_recipients(acme: Tenant) -> None:
    assert receive_mail(make_mail("sales@company.example", X_Original_To=acme.address))[0].agent_id == acme.agent_id
    assert receive_mail(make_mail("sales@company.example", Delivered_To=acme.address))[0].agent_id == acme.agent_id
    assert receive_mail(make_mail("other@example.com", acme.address))[0].agent_id == acme.agent_id


def test_several_agents_get_one_message_each(acme: Tenant) -> None:
    other = tenant("other")
    master = acme.caller(master=True)
    colleague = agents.create_agent(master, "colleague", "Colleague", {}).agent
    landed = receive_mail(make_mail(), acme.address, other.address, colleague.address, acme.address.replace("@", "+x@"))
    assert [(one.org_id, one.agent_id) for one in landed] == [
        (acme.org_id, acme.agent_id),
        (other.org_id, other.agent_id),
        (acme.org_id, colleague.id),
    ]
    # Colleagues share the chain; strangers do not.
    assert landed[0].correlation_id == landed[2].correlation_id != landed[1].correlation_id
    assert landed[0].thread_id == landed[2].thread_id != landed[1].thread_id


@pytest.mark.parametrize("address", ["nobody@{domain}", "acme@elsewhere.example", "@{domain}", "", "+x@{domain}"])
def test_mail_for_an_unknown_inbox_is_counted_and_dropped(acme: Tenant, metrics: list[str], address: str) -> None:
    domain = acme.address.partition("@")[2]
    assert receive_mail(make_mail(), address.format(domain=domain)) == []
    assert metrics == ["MailForUnknownInbox"]


def test_an_unrelated_notice_is_counted_and_dropped(metrics: list[str]) -> None:
    assert inbound.receive_mail({"notificationType": "AmazonSnsSubscriptionSucceeded"}) == []
    assert inbound.receive_mail({}) == []
    assert metrics == ["MailNoticeIgnored"] * 2


def test_a_notice_of_a_missing_mail_returns_to_the_queue(acme: Tenant) -> None:
    gone = make_notice(make_mail(), acme.address)
    clients.get_client("s3").delete_object(
        Bucket=settings.text("BUCKET_INBOUND_MAIL"), Key=gone["receipt"]["action"]["objectKey"]
    )
    with pytest.raises(clients.ClientError):
        inbound.receive_mail(gone)


# Deduplication.


def test_a_repeated_notice_creates_nothing_new(acme: Tenant) -> None:
    told = make_notice(with_file(make_mail()), acme.address)
    (message,) = inbound.receive_mail(told)
    assert inbound.receive_mail(told) == []
    assert count_usage(acme) == 1
    assert len(list_chain_types(acme, message.correlation_id)) == 1


def test_files_of_a_killed_run_are_used_again(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    told = make_notice(with_file(make_mail()), acme.address)

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(inbound, "commit", stop)
        with pytest.raises(KeyboardInterrupt):
            inbound.receive_mail(told)
    (message,) = inbound.receive_mail(told)
    kept = clients.get_client("s3").list_objects_v2(Bucket=settings.text("BUCKET_ATTACHMENTS"))["Contents"]
    assert [one["Key"] for one in kept] == [message.attachments[0].key]


def test_the_same_mail_from_a_relay_is_stored_once(acme: Tenant) -> None:
    made = make_mail()
    assert len(receive_mail(made, acme.address)) == 1
    again = b"Received: by another.example.net\r\n" + bytes(made)
    assert receive_mail(again, acme.address) == []
    assert count_usage(acme) == 1


def test_another_mail_under_the_same_message_id_is_another_mail(acme: Tenant) -> None:
    first, second = (make_mail(Message_ID="<always@example.com>", Subject=subject) for subject in ("one", "two"))
    assert len(receive_mail(first, acme.address)) == len(receive_mail(second, acme.address)) == 1
    assert count_usage(acme) == 2


def test_a_mail_without_a_message_id_is_stored_each_time(acme: Tenant) -> None:
    made = make_mail()
    del made["Message-ID"]
    told = make_notice(made, acme.address)
    assert len(inbound.receive_mail(told)) == 1
    assert inbound.receive_mail(told) == []
    assert len(receive_mail(made, acme.address)) == 1


def test_a_concurrent_copy_with_the_same_message_id_is_joined(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    colleague = agents.create_agent(acme.caller(master=True), "colleague", "Colleague", {}).agent
    made, commit = make_mail(), writes.commit
    landed: list[Message] = []

    def overtaken(*parts: Any) -> None:
        monkeypatch.setattr(inbound, "commit", commit)
        landed.extend(receive_mail(made, colleague.address))
        commit(*parts)

    monkeypatch.setattr(inbound, "commit", overtaken)
    (message,) = receive_mail(made, acme.address)
    assert (message.thread_id, message.correlation_id) == (landed[0].thread_id, landed[0].correlation_id)
    assert count_usage(acme) == 2


# Chain.


def test_a_reply_joins_the_chain_and_the_thread_of_its_original(acme: Tenant) -> None:
    first = send_mail(acme)
    (reply,) = receive_mail(make_mail(In_Reply_To="<0100-ours@email.amazonses.com>"), acme.address)
    assert (reply.correlation_id, reply.thread_id) == ("order-7", first.thread_id)
    assert [event["action"] for event in list_chain_types(acme, "order-7")] == [
        "email.queued",
        "email.sent",
        "email.received",
    ]


def test_references_are_searched_from_the_newest(acme: Tenant) -> None:
    send_mail(acme, "old@email.amazonses.com", "old")
    send_mail(acme, "new@email.amazonses.com", "new")
    headers = {
        "In_Reply_To": "<unknown@example.com>",
        "References": "<old@email.amazonses.com> <new@email.amazonses.com> <between@example.com>",
    }
    assert receive_mail(make_mail(**headers), acme.address)[0].correlation_id == "new"


def test_a_reply_to_an_incoming_mail_joins_its_chain(acme: Tenant) -> None:
    (first,) = receive_mail(make_mail(Message_ID="<first@example.com>"), acme.address)
    (second,) = receive_mail(make_mail(In_Reply_To="<first@example.com>"), acme.address)
    assert (second.correlation_id, second.thread_id) == (first.correlation_id, first.thread_id)


def test_a_message_id_of_another_organization_never_links(acme: Tenant) -> None:
    theirs = send_mail(tenant("other"))
    (message,) = receive_mail(make_mail(In_Reply_To=f"<{theirs.external_id}>"), acme.address)
    assert message.correlation_id.startswith("corr_")
    assert message.thread_id == message.id
    # Nor does a mail that claims the other mail's Message-ID.
    (copy,) = receive_mail(make_mail(Message_ID=f"<{theirs.external_id}>"), acme.address)
    assert copy.thread_id == copy.id


def test_a_stranger_cannot_take_over_the_message_id_of_our_mail(acme: Tenant) -> None:
    ours = send_mail(acme)
    receive_mail(make_mail(Message_ID=f"<{ours.external_id}>"), acme.address)
    found = store.find_by_message_id(acme.org_id, f"<{ours.external_id}>")
    assert found
    assert found.id == ours.id


def test_a_copy_of_a_colleagues_mail_belongs_to_its_chain(acme: Tenant) -> None:
    ours = send_mail(acme)
    colleague = agents.create_agent(acme.caller(master=True), "colleague", "Colleague", {}).agent
    (copy,) = receive_mail(make_mail(Message_ID=f"<{ours.external_id}>"), colleague.address)
    assert (copy.correlation_id, copy.thread_id) == (ours.correlation_id, ours.thread_id)
    assert copy.reception
    assert copy.reception.automatic is None


def test_an_agent_replies_to_an_incoming_mail(acme: Tenant) -> None:
    (first,) = receive_mail(make_mail(Message_ID="<q@example.com>", References="<a@example.com>"), acme.address)
    draft = MailDraft(to=["ada@example.com"], subject="Re: A question", body="Yes.", in_reply_to=first.id)
    answer = service.send_message(acme.caller(), draft)
    assert (answer.thread_id, answer.in_reply_to) == (first.thread_id, "<q@example.com>")
    assert answer.references == ["<a@example.com>", "<q@example.com>"]


def test_a_reply_to_a_mail_without_a_message_id_names_none(acme: Tenant) -> None:
    made = make_mail()
    del made["Message-ID"]
    (first,) = receive_mail(made, acme.address)
    answer = service.send_message(
        acme.caller(), MailDraft(to=["ada@example.com"], subject="Re", body="Yes.", in_reply_to=first.id)
    )
    assert (answer.thread_id, answer.in_reply_to, answer.references) == (first.thread_id, None, [])


# Automatic mail.

_MACHINES = {
    "auto-submitted": {"Auto_Submitted": "auto-replied"},
    "precedence": {"Precedence": "bulk"},
    "auto-response-suppress": {"X_Auto_Response_Suppress": "OOF, AutoReply"},
    "auto-reply": {"X_Autoreply": "yes"},
    "list": {"List_Id": "<friends.lists.example.org>"},
    "mailer-daemon": {"From": "Mail System <MAILER-DAEMON@example.net>"},
}


@pytest.mark.parametrize(("reason", "headers"), _MACHINES.items())
def test_automatic_mail_is_marked(acme: Tenant, reason: str, headers: dict[str, str]) -> None:
    (message,) = receive_mail(make_mail(**headers), acme.address)
    assert message.reception
    assert message.reception.automatic == reason
    metadata = schemas.MessageView.of(message).metadata
    assert (metadata["autoReply"], metadata["autoReplyReason"]) == (True, reason)


@pytest.mark.parametrize("headers", [{}, {"Auto_Submitted": "no"}, {"Precedence": "first-class"}])
def test_mail_of_a_person_is_not_marked_automatic(acme: Tenant, headers: dict[str, str]) -> None:
    (message,) = receive_mail(make_mail(**headers), acme.address)
    assert message.reception
    assert message.reception.automatic is None
    assert schemas.MessageView.of(message).metadata["autoReply"] is False


@pytest.mark.parametrize(("sender", "reason"), [("<>", "empty-sender"), ("", "empty-sender"), (None, None)])
def test_mail_from_nobody_is_marked(acme: Tenant, sender: str | None, reason: str | None) -> None:
    (message,) = receive_mail(make_mail(), acme.address, sender=sender)
    assert message.reception
    assert message.reception.automatic == reason


def test_mail_in_a_loop_is_marked(acme: Tenant) -> None:
    hops = b"".join(b"Received: by relay%d.example.net\r\n" % number for number in range(26))
    (message,) = receive_mail(hops + bytes(make_mail()), acme.address)
    assert message.reception
    assert message.reception.automatic == "hops"


def test_an_agents_own_returned_mail_is_marked(acme: Tenant) -> None:
    ours = send_mail(acme)
    (message,) = receive_mail(make_mail(Message_ID=f"<{ours.external_id}>"), acme.address)
    assert message.reception
    assert (message.reception.automatic, message.correlation_id) == ("own-message", ours.correlation_id)


def test_a_bounce_is_marked_and_joins_the_chain_of_the_bounced_mail(acme: Tenant) -> None:
    ours = send_mail(acme)
    report = f"""\
From: MAILER-DAEMON@mx.example.net
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b

It did not arrive.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; ada@example.com
Action: failed
Status: 5.1.1
--b
Content-Type: message/rfc822

Message-ID: <{ours.external_id}>
Subject: Your order

--b--
"""
    (message,) = receive_mail(report.encode(), acme.address, sender="")
    assert message.correlation_id == ours.correlation_id
    assert schemas.MessageView.of(message).metadata["bounce"] == {
        "hard": True,
        "status": "5.1.1",
        "recipients": ["ada@example.com"],
    }
    # A header is the sender's claim: SES' verdict counts, and this does not.
    assert read_stored_body(ours).state is MailState.SENT


# Verdicts of scanners.


def with_file(made: EmailMessage, content: bytes = b"%PDF-1.4", name: str = "bill.pdf") -> EmailMessage:
    made.add_attachment(content, maintype="application", subtype="pdf", filename=name)
    return made


def test_verdicts_are_kept(acme: Tenant) -> None:
    (message,) = receive_mail(make_mail(), acme.address, spf="FAIL", dmarc="GRAY")
    assert message.reception
    assert message.reception.verdicts == {
        "spam": "PASS", "virus": "PASS", "spf": "FAIL", "dkim": "PASS", "dmarc": "GRAY",
    }  # fmt: skip
    assert message.labels == ["unread"]


def test_spam_is_labeled_and_kept_complete(acme: Tenant) -> None:
    (message,) = receive_mail(with_file(make_mail()), acme.address, spam="FAIL")
    assert (message.labels, len(message.attachments)) == (["unread", "spam"], 1)


def test_a_mail_with_a_virus_is_not_stored(acme: Tenant) -> None:
    (message,) = receive_mail(with_file(make_mail()), acme.address, virus="FAIL")
    assert (message.labels, message.attachments) == (["unread", "spam"], [])
    assert message.reception
    assert [(one.filename, one.reason) for one in message.reception.dropped] == [("bill.pdf", "virus")]
    assert "Contents" not in clients.get_client("s3").list_objects_v2(Bucket=settings.text("BUCKET_ATTACHMENTS"))


def test_a_verdict_in_the_mail_itself_is_ignored(acme: Tenant) -> None:
    told = make_notice(make_mail(X_SES_Spam_Verdict="PASS", X_SES_Virus_Verdict="PASS"), acme.address, spam="FAIL")
    (message,) = inbound.receive_mail(told)
    assert message.labels == ["unread", "spam"]


# Files and limits.


def follow_link(link: str) -> tuple[bytes, dict[str, list[str]]]:
    """The target of a link, and the response headers that it asks S3 for. The link itself is followed over HTTP."""
    parts = urlsplit(link)
    found = objects.read_object("attachments", unquote(parts.path.lstrip("/")), 1_000_000, 0)
    return found.content, parse_qs(parts.query)


def test_a_file_is_stored_and_its_link_downloads_it(acme: Tenant) -> None:
    (message,) = receive_mail(with_file(make_mail(), b"%PDF-1.4 content", "Rechnung für Sie.pdf"), acme.address)
    (file,) = message.attachments
    assert file.key == f"{acme.org_id}/attachments/{message.id}/1"
    assert service.get_attachment(acme.caller(), message.id, file.id) == file
    content, headers = follow_link(attachments.attachment_link(file))
    assert content == b"%PDF-1.4 content"
    assert headers["response-content-type"] == ["application/pdf"]
    assert headers["response-content-disposition"] == [
        "attachment; filename=\"Rechnung f_r Sie.pdf\"; filename*=UTF-8''Rechnung%20f%C3%BCr%20Sie.pdf"
    ]
    assert headers["X-Amz-Expires"] == ["3600"]


def test_an_attachment_is_downloaded_and_never_rendered(acme: Tenant) -> None:
    made = make_mail()
    made.add_attachment("<script>1</script>", subtype="html", filename="page.html")
    (message,) = receive_mail(made, acme.address)
    _, headers = follow_link(attachments.attachment_link(message.attachments[0]))
    assert headers["response-content-type"] == ["application/octet-stream"]


def test_an_attachment_is_visible_to_its_organization_and_agent_only(acme: Tenant) -> None:
    (message,) = receive_mail(with_file(make_mail()), acme.address)
    other, colleague = tenant("other"), agents.create_agent(acme.caller(master=True), "colleague", "Colleague", {})
    stranger = change(acme.caller(), agent_id=colleague.agent.id)
    for caller in (other.caller(), other.caller(master=True), stranger):
        with pytest.raises(NotFound):
            service.get_attachment(caller, message.id, message.attachments[0].id)
    with pytest.raises(NotFound):
        service.get_attachment(acme.caller(), message.id, "att_none")


def test_a_long_text_is_cut_and_stored_complete_as_a_file(acme: Tenant) -> None:
    made = make_mail()
    made.set_content("ä" * 150_000)
    made.add_alternative("<p>" + "b" * 50_000 + "</p>", subtype="html")
    (message,) = receive_mail(made, acme.address)
    assert message.body_html == ""
    assert len(message.body.encode()) == inbound.MAX_CONTENT_BYTES
    shown = schemas.MessageView.of(message)
    assert shown.metadata["truncated"] is True
    assert follow_link(shown.metadata["bodyUrl"])[0].decode().strip() == "ä" * 150_000
    assert len(follow_link(shown.metadata["bodyHtmlUrl"])[0].strip()) == 50_007


@pytest.mark.parametrize("virus", ["PASS", "FAIL"])
def test_the_largest_message_fits_into_an_item(acme: Tenant, virus: str) -> None:
    people = ",\r\n ".join(f"{'p' * 240}{n}@example.com" for n in range(150))
    ids = "\r\n ".join(f"<{'r' * 900}{n}@example.com>" for n in range(60))
    others = "".join(f"X-{n}: {'ü' * 3_000}\r\n" for n in range(90))
    head = f"To: {people}\r\nCc: {people}\r\nReferences: {ids}\r\nSubject: {'ä' * 2_000}\r\n{others}"
    kind = f'Content-Type: {"a" * 80}/{"b" * 120}; name="{"文" * 200}.bin"'
    files = "".join(f"--b\r\n{kind}\r\n\r\n\r\n" for _ in range(110))
    body = f"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n{'ö' * 300_000}\r\n{files}--b--\r\n"
    (message,) = receive_mail((head + body).encode(), acme.address, virus=virus)
    assert message.reception
    assert len(message.attachments) + len(message.reception.dropped) == 100
    for write in _flatten([store.put_message_writes(message)]):
        assert isinstance(write, writes.Put)
        assert (
            len(json.dumps(dynamodb.encode_item(write.item), default=bytes.hex, ensure_ascii=False).encode()) < 400_000
        )


def test_a_mail_that_is_too_large_is_stored_with_its_headers_only(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_INBOUND_MAX_BYTES", "5000")
    (message,) = receive_mail(with_file(make_mail(), b"x" * 10_000), acme.address)
    assert (message.subject, message.attachments) == ("A question", [])
    assert message.reception
    assert [one.reason for one in message.reception.dropped] == ["message_too_large"]


# Usage.


def count_usage(who: Tenant) -> int:
    return usage.get_monthly_usage(who.org_id, clock.now_iso()[:7]).units[Meter.EMAIL_RECEIVED]


def test_incoming_mail_is_counted_and_free(acme: Tenant) -> None:
    for _ in range(3):
        receive_mail(make_mail(), acme.address)
    found = usage.get_monthly_usage(acme.org_id, clock.now_iso()[:7])
    assert (found.units[Meter.EMAIL_RECEIVED], found.units[Meter.EMAIL], found.spent_micros) == (3, 0, 0)


def test_incoming_mail_is_not_limited(cloud: dict[str, str]) -> None:
    small = tenant("small", emails_per_month=0)
    assert receive_mail(make_mail(), small.address)


# Labels.


@pytest.fixture
def message(acme: Tenant) -> Message:
    return receive_mail(make_mail(), acme.address)[0]


@pytest.mark.parametrize(
    ("add", "remove", "expected"),
    [
        (["read"], [], ["read"]),
        ([], ["unread"], ["read"]),
        (["unread"], [], ["unread"]),
        (["orders"], [], ["unread", "orders"]),
        (["archived", "read"], [], ["archived", "read"]),
        ([], ["orders"], ["unread"]),
    ],
)
def test_labels_are_added_and_removed(
    acme: Tenant, message: Message, add: list[str], remove: list[str], expected: list[str]
) -> None:
    assert service.change_labels(acme.caller(), message.id, add, remove).labels == expected
    assert read_stored_body(message).labels == expected


def test_an_unchanged_label_writes_nothing(acme: Tenant, message: Message) -> None:
    assert service.change_labels(acme.caller(), message.id, ["unread"], ["none"]) == message
    assert [event["action"] for event in list_chain_types(acme, message.correlation_id)] == ["email.received"]


def test_labels_that_contradict_each_other_are_refused(acme: Tenant, message: Message) -> None:
    for add, remove in ((["read", "unread"], []), (["x"], ["x"]), ([f"l{n}" for n in range(20)], [])):
        with pytest.raises(Invalid):
            service.change_labels(acme.caller(), message.id, add, remove)


def test_a_message_that_waits_to_be_sent_is_not_labeled(acme: Tenant) -> None:
    waiting = service.send_message(acme.caller(), MailDraft(to=["ada@example.com"], subject="s", body="b"))
    with pytest.raises(Conflict):
        service.change_labels(acme.caller(), waiting.id, ["x"], [])
    sent_already = send_mail(acme)
    assert service.change_labels(acme.caller(), sent_already.id, ["x"], []).labels == ["read", "x"]


def test_lists_narrow_to_a_label_and_to_a_status_of_several_states(acme: Tenant, message: Message) -> None:
    ours, read = send_mail(acme), receive_mail(make_mail(), acme.address)[0]
    service.change_labels(acme.caller(), read.id, ["read"], [])

    def ids(**filters: list[str]) -> set[str]:
        return {one.id for one in service.list_messages(acme.caller(), None, filters, 100, None)[0]}

    assert ids(labels=["unread"]) == {message.id}
    assert ids(labels=["read"]) == {ours.id, read.id}
    assert ids(state=schemas.STATES["DELIVERED"]) == {message.id, read.id}
    assert ids(state=schemas.STATES["SENT"], direction=["OUTBOUND"]) == {ours.id}


def test_a_page_fits_into_a_response(acme: Tenant) -> None:
    for _ in range(12):
        made = make_mail()
        made.set_content("😀" * 48_000)
        receive_mail(made, acme.address)
    caller = acme.caller()
    page, cursor = service.list_messages(caller, None, {}, 100, None)
    assert 1 < len(page) < 12
    assert len(json.dumps([schemas.MessageView.of(one).model_dump() for one in page])) < 5_500_000
    seen = [one.id for one in page]
    while cursor:
        page, cursor = service.list_messages(caller, None, {}, 100, cursor)
        seen += [one.id for one in page]
    assert len(seen) == len(set(seen)) == 12


# The notice.


def test_a_notice_without_times_or_verdicts_is_read() -> None:
    found = receipts.parse_receipt(
        {"notificationType": "Received", "receipt": {"action": {"objectKey": "k"}}, "mail": {"messageId": "1"}}
    )
    assert found
    assert (found.received_at, found.verdicts, found.recipients) == ("1970-01-01T00:00:00.000Z", {}, [])
    assert not found.is_spam


def test_an_empty_mail_is_stored(acme: Tenant) -> None:
    (message,) = receive_mail(b"", acme.address, sender="")
    assert (message.body, message.subject, message.from_address) == ("", "", "")
    assert schemas.MessageView.of(message).from_address == ""


def test_hostile_mail_is_stored_too(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mime_structure, "MAX_LINES", 10)
    (message,) = receive_mail(b"From: a@example.com\r\n\r\n" + b"\r\n" * 50, acme.address)
    assert schemas.MessageView.of(message).metadata["malformed"] is True


# Automatic mail from both sides.


def reply_to(acme: Tenant, message: Message) -> Message:
    draft = MailDraft(to=["ada@example.com"], subject="Re", body="b", in_reply_to=message.id)
    return service.send_message(acme.caller(), draft)


def test_automatic_mail_is_not_answered(acme: Tenant) -> None:
    (message,) = receive_mail(make_mail(acme.address, Auto_Submitted="auto-replied"), acme.address)
    with pytest.raises(service.AutomaticParent) as refusal:
        reply_to(acme, message)
    assert refusal.value.details == {"automatic": "auto-submitted"}
    draft = MailDraft(to=["a@example.com"], subject="s", body="b", in_reply_to=f"<{message.external_id}>")
    with pytest.raises(service.AutomaticParent):
        service.send_message(acme.caller(), draft)


def test_an_agents_mail_is_marked_as_automatic(acme: Tenant) -> None:
    first = service.send_message(acme.caller(), MailDraft(to=["ada@example.com"], subject="s", body="b"))
    second = reply_to(acme, first)
    said = [parsing.parse_mail(composition.compose_mail(one).content) for one in (first, second)]
    assert [one.headers["Auto-Submitted"] for one in said] == ["auto-generated", "auto-replied"]
    assert [one.automatic for one in said] == ["auto-submitted"] * 2


def test_undeclared_automatic_exchanges_stop_after_some_turns(acme: Tenant) -> None:
    # It replies at once, each time, and does not identify itself as automatic.
    message, rounds = send_mail(acme), service.MAX_MACHINE_TURNS // 2
    for number in range(rounds):
        (reply,) = receive_mail(make_mail(acme.address, In_Reply_To=f"<{message.external_id}>"), acme.address)
        if number < rounds - 1:
            message = sent_again(acme, reply_to(acme, reply), f"ours-{number}@example.org")
    with pytest.raises(service.TooManyMachineTurns):
        reply_to(acme, reply)


def test_mail_of_a_person_resets_the_count(acme: Tenant, frozen: clock.FrozenClock) -> None:
    message = send_mail(acme)
    for number in range(service.MAX_MACHINE_TURNS):
        message = sent_again(acme, reply_to(acme, message), f"ours-{number}@example.org") if number < 25 else message
    assert message.turns == 26
    late = make_notice(make_mail(acme.address, In_Reply_To=f"<{message.external_id}>"), acme.address)
    late["mail"]["timestamp"] = clock.format_iso(clock.now() + timedelta(hours=1))
    (reply,) = inbound.receive_mail(late)
    assert (reply.turns, reply_to(acme, reply).turns) == (0, 1)


def sent_again(acme: Tenant, message: Message, external_id: str) -> Message:
    feedback.record_acceptance(acme.org_id, message.id, external_id)
    return read_stored_body(message)


def test_the_references_of_a_long_thread_stay_short(acme: Tenant) -> None:
    first = message = send_mail(acme)
    for number in range(25):
        message = sent_again(acme, reply_to(acme, message), f"ours-{number}@example.org")
    assert (len(message.references), message.references[0]) == (20, f"<{first.external_id}>")


def test_a_webhook_contains_the_sender_checks(acme: Tenant) -> None:
    (message,) = receive_mail(make_mail(acme.address), acme.address, dmarc="FAIL", dkim="GRAY")
    items = Query(table="activity", partition=events.workflow_partition(acme.org_id, message.correlation_id)).read_all()
    found = [events.parse_event(item) for item in items if item.get("outbox") == "event"]
    (told,) = [event for event in found if event.type == "email.received"]
    (rendered,) = webhooks.render(told, message.head)
    assert rendered.body["verdicts"] == {"spf": "PASS", "dkim": "GRAY", "dmarc": "FAIL"}
    assert schemas.MessageView.of(message).metadata["verdicts"]["dmarc"] == "FAIL"
