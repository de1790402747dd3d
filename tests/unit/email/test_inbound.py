"""Mail that comes in: where it lands, once, in which chain, and what is never done with it."""

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
from switchboard.aws import attributes, clients, objects, writes
from switchboard.aws.reads import Query
from switchboard.aws.writes import _flatten as flatten
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


def mail(*to: str, **headers: str) -> EmailMessage:
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


def notice(
    raw: bytes | EmailMessage, *recipients: str, sender: str | None = "ada@example.com", **verdicts: str
) -> dict[str, Any]:
    """SES' notice of a mail, which lies where it says."""
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


def received(raw: bytes | EmailMessage, *recipients: str, **options: Any) -> list[Message]:
    return inbound.receive_mail(notice(raw, *recipients, **options))


def sent(acme: Tenant, external_id: str = "0100-ours@email.amazonses.com", correlation_id: str = "order-7") -> Message:
    """A mail of the agent's that SES has taken."""
    draft = MailDraft(to=["ada@example.com"], subject="Your order", body="It is on its way.")
    message = service.send_message(acme.caller(correlation_id=correlation_id), draft)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(carriers, "mail_carrier", lambda: _Provider(external_id))
        delivery.send_queued(message.org_id, message.id)
    return stored(message)


class _Provider:
    """SES, which gives a mail this Message-ID."""

    def __init__(self, external_id: str) -> None:
        self._external_id = external_id

    def send(self, _: carriers.OutgoingMail) -> str:
        return self._external_id


def chain(acme: Tenant, correlation_id: str) -> list[dict[str, Any]]:
    entries, _ = audit.list_workflow_events(acme.caller(master=True), correlation_id, 100, None)
    return [entry.document for entry in entries]


def stored(message: Message) -> Message:
    found = store.get_message(message.org_id, message.id)
    assert found
    return found


# Where it lands.


def test_a_mail_lands_in_the_agents_inbox_unread(acme: Tenant) -> None:
    (message,) = received(mail(acme.address, Date="Thu, 15 Jan 2026 18:00:00 +0100"), acme.address)
    assert stored(message) == message
    assert (message.org_id, message.agent_id, message.direction) == (acme.org_id, acme.agent_id, "INBOUND")
    assert (message.state, message.labels, message.received_at) == (MailState.RECEIVED, ["unread"], AT)
    assert (message.from_address, message.from_name, message.to) == ("ada@example.com", "Ada Park", [acme.address])
    assert (message.subject, message.body, message.sent_at) == ("A question", "Is anybody there?\n", AT)
    assert [one.id for one in service.list_messages(acme.caller(), None, {"direction": ["INBOUND"]}, 10, None)[0]] == [
        message.id
    ]


def test_it_begins_a_chain_and_its_event_holds_digests_only(acme: Tenant) -> None:
    (message,) = received(mail(acme.address), acme.address)
    assert message.correlation_id.startswith("corr_")
    (event,) = chain(acme, message.correlation_id)
    assert (event["action"], event["resourceId"], event["agentId"]) == ("email.received", message.id, acme.agent_id)
    assert "@" not in json.dumps(event)


def test_a_note_behind_the_slug_is_the_senders_own(acme: Tenant) -> None:
    (message,) = received(mail(), f"{acme.address.replace('@', '+orders@')}")
    assert message.agent_id == acme.agent_id
    assert message.reception
    assert message.reception.recipient == acme.address.replace("@", "+orders@")


def test_the_case_of_an_address_means_nothing(acme: Tenant) -> None:
    assert received(mail(), acme.address.upper())[0].agent_id == acme.agent_id


def test_a_blind_copy_is_found_by_the_envelope(acme: Tenant) -> None:
    (message,) = received(mail("somebody@example.org"), acme.address)
    assert message.to == ["somebody@example.org"]
    shown = schemas.MessageView.of(message)
    assert (shown.to_address, shown.status) == (acme.address, "DELIVERED")


def test_without_an_envelope_the_headers_say_whom_it_is_for(acme: Tenant) -> None:
    assert received(mail("sales@company.example", X_Original_To=acme.address))[0].agent_id == acme.agent_id
    assert received(mail("sales@company.example", Delivered_To=acme.address))[0].agent_id == acme.agent_id
    assert received(mail("other@example.com", acme.address))[0].agent_id == acme.agent_id


def test_several_recipients_of_ours_get_one_message_each(acme: Tenant) -> None:
    other = tenant("other")
    master = acme.caller(master=True)
    colleague = agents.create_agent(master, "colleague", "Colleague", {}).agent
    landed = received(mail(), acme.address, other.address, colleague.address, acme.address.replace("@", "+x@"))
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
    assert received(mail(), address.format(domain=domain)) == []
    assert metrics == ["MailForUnknownInbox"]


def test_a_notice_of_something_else_is_counted_and_let_go(metrics: list[str]) -> None:
    assert inbound.receive_mail({"notificationType": "AmazonSnsSubscriptionSucceeded"}) == []
    assert inbound.receive_mail({}) == []
    assert metrics == ["MailNoticeIgnored"] * 2


def test_a_mail_that_is_not_there_goes_back_to_the_queue(acme: Tenant) -> None:
    gone = notice(mail(), acme.address)
    clients.get_client("s3").delete_object(
        Bucket=settings.text("BUCKET_INBOUND_MAIL"), Key=gone["receipt"]["action"]["objectKey"]
    )
    with pytest.raises(clients.ClientError):
        inbound.receive_mail(gone)


# Once.


def test_a_notice_that_comes_again_makes_nothing_new(acme: Tenant) -> None:
    told = notice(with_file(mail()), acme.address)
    (message,) = inbound.receive_mail(told)
    assert inbound.receive_mail(told) == []
    assert counted(acme) == 1
    assert len(chain(acme, message.correlation_id)) == 1


def test_what_a_stop_before_the_commit_left_is_used_again(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    told = notice(with_file(mail()), acme.address)

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(inbound, "commit", stop)
        with pytest.raises(KeyboardInterrupt):
            inbound.receive_mail(told)
    (message,) = inbound.receive_mail(told)
    kept = clients.get_client("s3").list_objects_v2(Bucket=settings.text("BUCKET_ATTACHMENTS"))["Contents"]
    assert [one["Key"] for one in kept] == [message.attachments[0].key]


def test_the_same_mail_handed_in_again_by_a_relay_is_one(acme: Tenant) -> None:
    made = mail()
    assert len(received(made, acme.address)) == 1
    again = b"Received: by another.example.net\r\n" + bytes(made)
    assert received(again, acme.address) == []
    assert counted(acme) == 1


def test_another_mail_under_the_same_message_id_is_another_mail(acme: Tenant) -> None:
    first, second = (mail(Message_ID="<always@example.com>", Subject=subject) for subject in ("one", "two"))
    assert len(received(first, acme.address)) == len(received(second, acme.address)) == 1
    assert counted(acme) == 2


def test_a_mail_without_a_message_id_is_taken_every_time_it_is_sent(acme: Tenant) -> None:
    made = mail()
    del made["Message-ID"]
    told = notice(made, acme.address)
    assert len(inbound.receive_mail(told)) == 1
    assert inbound.receive_mail(told) == []
    assert len(received(made, acme.address)) == 1


def test_a_message_id_that_another_copy_takes_meanwhile_is_joined(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    colleague = agents.create_agent(acme.caller(master=True), "colleague", "Colleague", {}).agent
    made, commit = mail(), writes.commit
    landed: list[Message] = []

    def overtaken(*parts: Any) -> None:
        monkeypatch.setattr(inbound, "commit", commit)
        landed.extend(received(made, colleague.address))
        commit(*parts)

    monkeypatch.setattr(inbound, "commit", overtaken)
    (message,) = received(made, acme.address)
    assert (message.thread_id, message.correlation_id) == (landed[0].thread_id, landed[0].correlation_id)
    assert counted(acme) == 2


# In which chain.


def test_a_reply_joins_the_chain_and_the_thread_of_what_it_answers(acme: Tenant) -> None:
    first = sent(acme)
    (reply,) = received(mail(In_Reply_To="<0100-ours@email.amazonses.com>"), acme.address)
    assert (reply.correlation_id, reply.thread_id) == ("order-7", first.thread_id)
    assert [event["action"] for event in chain(acme, "order-7")] == ["email.queued", "email.sent", "email.received"]


def test_references_are_looked_through_from_the_newest(acme: Tenant) -> None:
    sent(acme, "old@email.amazonses.com", "old")
    sent(acme, "new@email.amazonses.com", "new")
    headers = {
        "In_Reply_To": "<unknown@example.com>",
        "References": "<old@email.amazonses.com> <new@email.amazonses.com> <between@example.com>",
    }
    assert received(mail(**headers), acme.address)[0].correlation_id == "new"


def test_a_reply_to_a_mail_that_came_in_joins_that(acme: Tenant) -> None:
    (first,) = received(mail(Message_ID="<first@example.com>"), acme.address)
    (second,) = received(mail(In_Reply_To="<first@example.com>"), acme.address)
    assert (second.correlation_id, second.thread_id) == (first.correlation_id, first.thread_id)


def test_a_message_id_of_another_organization_never_links(acme: Tenant) -> None:
    theirs = sent(tenant("other"))
    (message,) = received(mail(In_Reply_To=f"<{theirs.external_id}>"), acme.address)
    assert message.correlation_id.startswith("corr_")
    assert message.thread_id == message.id
    # Nor does a mail that calls itself by its Message-ID.
    (copy,) = received(mail(Message_ID=f"<{theirs.external_id}>"), acme.address)
    assert copy.thread_id == copy.id


def test_a_stranger_cannot_put_himself_before_a_mail_of_ours(acme: Tenant) -> None:
    ours = sent(acme)
    received(mail(Message_ID=f"<{ours.external_id}>"), acme.address)
    found = store.find_by_message_id(acme.org_id, f"<{ours.external_id}>")
    assert found
    assert found.id == ours.id


def test_a_copy_of_what_a_colleague_sent_belongs_to_its_chain(acme: Tenant) -> None:
    ours = sent(acme)
    colleague = agents.create_agent(acme.caller(master=True), "colleague", "Colleague", {}).agent
    (copy,) = received(mail(Message_ID=f"<{ours.external_id}>"), colleague.address)
    assert (copy.correlation_id, copy.thread_id) == (ours.correlation_id, ours.thread_id)
    assert copy.reception
    assert copy.reception.automatic is None


def test_an_agent_answers_a_mail_that_came_in(acme: Tenant) -> None:
    (first,) = received(mail(Message_ID="<q@example.com>", References="<a@example.com>"), acme.address)
    draft = MailDraft(to=["ada@example.com"], subject="Re: A question", body="Yes.", in_reply_to=first.id)
    answer = service.send_message(acme.caller(), draft)
    assert (answer.thread_id, answer.in_reply_to) == (first.thread_id, "<q@example.com>")
    assert answer.references == ["<a@example.com>", "<q@example.com>"]


def test_an_answer_to_a_mail_without_a_message_id_names_none(acme: Tenant) -> None:
    made = mail()
    del made["Message-ID"]
    (first,) = received(made, acme.address)
    answer = service.send_message(
        acme.caller(), MailDraft(to=["ada@example.com"], subject="Re", body="Yes.", in_reply_to=first.id)
    )
    assert (answer.thread_id, answer.in_reply_to, answer.references) == (first.thread_id, None, [])


# What machines write.

_MACHINES = {
    "auto-submitted": {"Auto_Submitted": "auto-replied"},
    "precedence": {"Precedence": "bulk"},
    "auto-response-suppress": {"X_Auto_Response_Suppress": "OOF, AutoReply"},
    "auto-reply": {"X_Autoreply": "yes"},
    "list": {"List_Id": "<friends.lists.example.org>"},
    "mailer-daemon": {"From": "Mail System <MAILER-DAEMON@example.net>"},
}


@pytest.mark.parametrize(("reason", "headers"), _MACHINES.items())
def test_mail_of_a_machine_is_marked(acme: Tenant, reason: str, headers: dict[str, str]) -> None:
    (message,) = received(mail(**headers), acme.address)
    assert message.reception
    assert message.reception.automatic == reason
    metadata = schemas.MessageView.of(message).metadata
    assert (metadata["autoReply"], metadata["autoReplyReason"]) == (True, reason)


@pytest.mark.parametrize("headers", [{}, {"Auto_Submitted": "no"}, {"Precedence": "first-class"}])
def test_mail_of_a_person_is_not(acme: Tenant, headers: dict[str, str]) -> None:
    (message,) = received(mail(**headers), acme.address)
    assert message.reception
    assert message.reception.automatic is None
    assert schemas.MessageView.of(message).metadata["autoReply"] is False


@pytest.mark.parametrize(("sender", "reason"), [("<>", "empty-sender"), ("", "empty-sender"), (None, None)])
def test_mail_from_nobody_is_marked(acme: Tenant, sender: str | None, reason: str | None) -> None:
    (message,) = received(mail(), acme.address, sender=sender)
    assert message.reception
    assert message.reception.automatic == reason


def test_mail_that_goes_round_in_a_circle_is_marked(acme: Tenant) -> None:
    hops = b"".join(b"Received: by relay%d.example.net\r\n" % number for number in range(26))
    (message,) = received(hops + bytes(mail()), acme.address)
    assert message.reception
    assert message.reception.automatic == "hops"


def test_an_agents_own_mail_that_comes_back_is_marked(acme: Tenant) -> None:
    ours = sent(acme)
    (message,) = received(mail(Message_ID=f"<{ours.external_id}>"), acme.address)
    assert message.reception
    assert (message.reception.automatic, message.correlation_id) == ("own-message", ours.correlation_id)


def test_a_bounce_is_marked_and_joins_the_chain_of_what_bounced(acme: Tenant) -> None:
    ours = sent(acme)
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
    (message,) = received(report.encode(), acme.address, sender="")
    assert message.correlation_id == ours.correlation_id
    assert schemas.MessageView.of(message).metadata["bounce"] == {
        "hard": True,
        "status": "5.1.1",
        "recipients": ["ada@example.com"],
    }
    # A stranger's word: what SES reports counts, and this does not.
    assert stored(ours).state is MailState.SENT


# What scanners say.


def with_file(made: EmailMessage, content: bytes = b"%PDF-1.4", name: str = "bill.pdf") -> EmailMessage:
    made.add_attachment(content, maintype="application", subtype="pdf", filename=name)
    return made


def test_verdicts_are_kept(acme: Tenant) -> None:
    (message,) = received(mail(), acme.address, spf="FAIL", dmarc="GRAY")
    assert message.reception
    assert message.reception.verdicts == {
        "spam": "PASS", "virus": "PASS", "spf": "FAIL", "dkim": "PASS", "dmarc": "GRAY",
    }  # fmt: skip
    assert message.labels == ["unread"]


def test_spam_is_labeled_and_kept_whole(acme: Tenant) -> None:
    (message,) = received(with_file(mail()), acme.address, spam="FAIL")
    assert (message.labels, len(message.attachments)) == (["unread", "spam"], 1)


def test_what_comes_with_a_virus_is_not_stored(acme: Tenant) -> None:
    (message,) = received(with_file(mail()), acme.address, virus="FAIL")
    assert (message.labels, message.attachments) == (["unread", "spam"], [])
    assert message.reception
    assert [(one.filename, one.reason) for one in message.reception.dropped] == [("bill.pdf", "virus")]
    assert "Contents" not in clients.get_client("s3").list_objects_v2(Bucket=settings.text("BUCKET_ATTACHMENTS"))


def test_a_verdict_in_the_mail_itself_counts_for_nothing(acme: Tenant) -> None:
    told = notice(mail(X_SES_Spam_Verdict="PASS", X_SES_Virus_Verdict="PASS"), acme.address, spam="FAIL")
    (message,) = inbound.receive_mail(told)
    assert message.labels == ["unread", "spam"]


# Files and limits.


def followed(link: str) -> tuple[bytes, dict[str, list[str]]]:
    """What a link leads to, and what it asks S3 to say of it. The link itself is followed over HTTP."""
    parts = urlsplit(link)
    found = objects.read_object("attachments", unquote(parts.path.lstrip("/")), 1_000_000, 0)
    return found.content, parse_qs(parts.query)


def test_a_file_is_stored_and_its_link_downloads_it(acme: Tenant) -> None:
    (message,) = received(with_file(mail(), b"%PDF-1.4 content", "Rechnung für Sie.pdf"), acme.address)
    (file,) = message.attachments
    assert file.key == f"{acme.org_id}/attachments/{message.id}/1"
    assert service.get_attachment(acme.caller(), message.id, file.id) == file
    content, headers = followed(attachments.attachment_link(file))
    assert content == b"%PDF-1.4 content"
    assert headers["response-content-type"] == ["application/pdf"]
    assert headers["response-content-disposition"] == [
        "attachment; filename=\"Rechnung f_r Sie.pdf\"; filename*=UTF-8''Rechnung%20f%C3%BCr%20Sie.pdf"
    ]
    assert headers["X-Amz-Expires"] == ["3600"]


def test_no_browser_runs_what_a_stranger_sent(acme: Tenant) -> None:
    made = mail()
    made.add_attachment("<script>1</script>", subtype="html", filename="page.html")
    (message,) = received(made, acme.address)
    _, headers = followed(attachments.attachment_link(message.attachments[0]))
    assert headers["response-content-type"] == ["application/octet-stream"]


def test_an_attachment_is_its_organizations_and_its_agents_alone(acme: Tenant) -> None:
    (message,) = received(with_file(mail()), acme.address)
    other, colleague = tenant("other"), agents.create_agent(acme.caller(master=True), "colleague", "Colleague", {})
    stranger = change(acme.caller(), agent_id=colleague.agent.id)
    for caller in (other.caller(), other.caller(master=True), stranger):
        with pytest.raises(NotFound):
            service.get_attachment(caller, message.id, message.attachments[0].id)
    with pytest.raises(NotFound):
        service.get_attachment(acme.caller(), message.id, "att_none")


def test_a_long_text_is_cut_and_lies_whole_beside_it(acme: Tenant) -> None:
    made = mail()
    made.set_content("ä" * 150_000)
    made.add_alternative("<p>" + "b" * 50_000 + "</p>", subtype="html")
    (message,) = received(made, acme.address)
    assert message.body_html == ""
    assert len(message.body.encode()) == inbound.MAX_CONTENT_BYTES
    shown = schemas.MessageView.of(message)
    assert shown.metadata["truncated"] is True
    assert followed(shown.metadata["bodyUrl"])[0].decode().strip() == "ä" * 150_000
    assert len(followed(shown.metadata["bodyHtmlUrl"])[0].strip()) == 50_007


@pytest.mark.parametrize("virus", ["PASS", "FAIL"])
def test_the_largest_message_fits_into_an_item(acme: Tenant, virus: str) -> None:
    people = ",\r\n ".join(f"{'p' * 240}{n}@example.com" for n in range(150))
    ids = "\r\n ".join(f"<{'r' * 900}{n}@example.com>" for n in range(60))
    others = "".join(f"X-{n}: {'ü' * 3_000}\r\n" for n in range(90))
    head = f"To: {people}\r\nCc: {people}\r\nReferences: {ids}\r\nSubject: {'ä' * 2_000}\r\n{others}"
    kind = f'Content-Type: {"a" * 80}/{"b" * 120}; name="{"文" * 200}.bin"'
    files = "".join(f"--b\r\n{kind}\r\n\r\n\r\n" for _ in range(110))
    body = f"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n{'ö' * 300_000}\r\n{files}--b--\r\n"
    (message,) = received((head + body).encode(), acme.address, virus=virus)
    assert message.reception
    assert len(message.attachments) + len(message.reception.dropped) == 100
    for write in flatten([store.put_message_writes(message)]):
        assert isinstance(write, writes.Put)
        assert (
            len(json.dumps(attributes.encode_item(write.item), default=bytes.hex, ensure_ascii=False).encode())
            < 400_000
        )


def test_a_mail_that_is_too_large_lands_by_its_headers(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_INBOUND_MAX_BYTES", "5000")
    (message,) = received(with_file(mail(), b"x" * 10_000), acme.address)
    assert (message.subject, message.attachments) == ("A question", [])
    assert message.reception
    assert [one.reason for one in message.reception.dropped] == ["message_too_large"]


# Use.


def counted(who: Tenant) -> int:
    return usage.get_monthly_usage(who.org_id, clock.now_iso()[:7]).units[Meter.EMAIL_RECEIVED]


def test_mail_that_comes_in_is_counted_and_costs_nothing(acme: Tenant) -> None:
    for _ in range(3):
        received(mail(), acme.address)
    found = usage.get_monthly_usage(acme.org_id, clock.now_iso()[:7])
    assert (found.units[Meter.EMAIL_RECEIVED], found.units[Meter.EMAIL], found.spent_micros) == (3, 0, 0)


def test_no_limit_refuses_mail(cloud: dict[str, str]) -> None:
    small = tenant("small", emails_per_month=0)
    assert received(mail(), small.address)


# Labels.


@pytest.fixture
def message(acme: Tenant) -> Message:
    return received(mail(), acme.address)[0]


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
def test_labels_are_put_on_and_taken_off(
    acme: Tenant, message: Message, add: list[str], remove: list[str], expected: list[str]
) -> None:
    assert service.change_labels(acme.caller(), message.id, add, remove).labels == expected
    assert stored(message).labels == expected


def test_what_changes_nothing_writes_nothing(acme: Tenant, message: Message) -> None:
    assert service.change_labels(acme.caller(), message.id, ["unread"], ["none"]) == message
    assert [event["action"] for event in chain(acme, message.correlation_id)] == ["email.received"]


def test_labels_that_contradict_each_other_are_refused(acme: Tenant, message: Message) -> None:
    for add, remove in ((["read", "unread"], []), (["x"], ["x"]), ([f"l{n}" for n in range(20)], [])):
        with pytest.raises(Invalid):
            service.change_labels(acme.caller(), message.id, add, remove)


def test_a_message_that_waits_to_be_sent_is_not_labeled(acme: Tenant) -> None:
    waiting = service.send_message(acme.caller(), MailDraft(to=["ada@example.com"], subject="s", body="b"))
    with pytest.raises(Conflict):
        service.change_labels(acme.caller(), waiting.id, ["x"], [])
    sent_already = sent(acme)
    assert service.change_labels(acme.caller(), sent_already.id, ["x"], []).labels == ["read", "x"]


def test_lists_narrow_to_a_label_and_to_a_status_of_several_states(acme: Tenant, message: Message) -> None:
    ours, read = sent(acme), received(mail(), acme.address)[0]
    service.change_labels(acme.caller(), read.id, ["read"], [])

    def ids(**filters: list[str]) -> set[str]:
        return {one.id for one in service.list_messages(acme.caller(), None, filters, 100, None)[0]}

    assert ids(labels=["unread"]) == {message.id}
    assert ids(labels=["read"]) == {ours.id, read.id}
    assert ids(state=schemas.STATES["DELIVERED"]) == {message.id, read.id}
    assert ids(state=schemas.STATES["SENT"], direction=["OUTBOUND"]) == {ours.id}


def test_a_page_is_no_larger_than_an_answer_may_be(acme: Tenant) -> None:
    for _ in range(12):
        made = mail()
        made.set_content("😀" * 48_000)
        received(made, acme.address)
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


def test_a_mail_of_nothing_at_all_lands(acme: Tenant) -> None:
    (message,) = received(b"", acme.address, sender="")
    assert (message.body, message.subject, message.from_address) == ("", "", "")
    assert schemas.MessageView.of(message).from_address == ""


def test_hostile_mail_lands_too(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mime_structure, "MAX_LINES", 10)
    (message,) = received(b"From: a@example.com\r\n\r\n" + b"\r\n" * 50, acme.address)
    assert schemas.MessageView.of(message).metadata["malformed"] is True


# Machines that answer each other.


def answer(acme: Tenant, message: Message) -> Message:
    draft = MailDraft(to=["ada@example.com"], subject="Re", body="b", in_reply_to=message.id)
    return service.send_message(acme.caller(), draft)


def test_a_mail_of_a_machine_is_not_answered(acme: Tenant) -> None:
    (message,) = received(mail(acme.address, Auto_Submitted="auto-replied"), acme.address)
    with pytest.raises(service.AutomaticParent) as refusal:
        answer(acme, message)
    assert refusal.value.details == {"automatic": "auto-submitted"}
    draft = MailDraft(to=["a@example.com"], subject="s", body="b", in_reply_to=f"<{message.external_id}>")
    with pytest.raises(service.AutomaticParent):
        service.send_message(acme.caller(), draft)


def test_what_an_agent_sends_says_that_a_machine_wrote_it(acme: Tenant) -> None:
    first = service.send_message(acme.caller(), MailDraft(to=["ada@example.com"], subject="s", body="b"))
    second = answer(acme, first)
    said = [parsing.parse_mail(composition.compose_mail(one).content) for one in (first, second)]
    assert [one.headers["Auto-Submitted"] for one in said] == ["auto-generated", "auto-replied"]
    assert [one.automatic for one in said] == ["auto-submitted"] * 2


def test_machines_that_do_not_say_so_are_stopped_after_some_turns(acme: Tenant) -> None:
    # It answers at once, each time, and says nothing of itself.
    message, rounds = sent(acme), service.MAX_MACHINE_TURNS // 2
    for number in range(rounds):
        (reply,) = received(mail(acme.address, In_Reply_To=f"<{message.external_id}>"), acme.address)
        if number < rounds - 1:
            message = sent_again(acme, answer(acme, reply), f"ours-{number}@example.org")
    with pytest.raises(service.TooManyMachineTurns):
        answer(acme, reply)


def test_a_person_begins_the_count_anew(acme: Tenant, frozen: clock.FrozenClock) -> None:
    message = sent(acme)
    for number in range(service.MAX_MACHINE_TURNS):
        message = sent_again(acme, answer(acme, message), f"ours-{number}@example.org") if number < 25 else message
    assert message.turns == 26
    late = notice(mail(acme.address, In_Reply_To=f"<{message.external_id}>"), acme.address)
    late["mail"]["timestamp"] = clock.format_iso(clock.now() + timedelta(hours=1))
    (reply,) = inbound.receive_mail(late)
    assert (reply.turns, answer(acme, reply).turns) == (0, 1)


def sent_again(acme: Tenant, message: Message, external_id: str) -> Message:
    feedback.record_acceptance(acme.org_id, message.id, external_id)
    return stored(message)


def test_the_references_of_a_long_thread_stay_short(acme: Tenant) -> None:
    first = message = sent(acme)
    for number in range(25):
        message = sent_again(acme, answer(acme, message), f"ours-{number}@example.org")
    assert (len(message.references), message.references[0]) == (20, f"<{first.external_id}>")


def test_a_webhook_tells_what_was_found_of_the_sender(acme: Tenant) -> None:
    (message,) = received(mail(acme.address), acme.address, dmarc="FAIL", dkim="GRAY")
    items = Query(table="activity", partition=events.workflow_partition(acme.org_id, message.correlation_id)).all()
    found = [events.parse_event(item) for item in items if item.get("outbox") == "event"]
    (told,) = [event for event in found if event.type == "email.received"]
    (rendered,) = webhooks.render(told, message.head)
    assert rendered.body["verdicts"] == {"spf": "PASS", "dkim": "GRAY", "dmarc": "FAIL"}
    assert schemas.MessageView.of(message).metadata["verdicts"]["dmarc"] == "FAIL"
