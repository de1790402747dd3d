"""Suppressions: list, add and lift them, and the ways in which every recipient can unsubscribe."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from functions.anima.email.handler import api
from switchboard.aws import clients, dynamodb
from switchboard.aws.writes import commit
from switchboard.carriers import mail as carriers
from switchboard.cli import main
from switchboard.email import delivery, feedback, notifications, parsing, service, store, suppressions, unsubscribe
from switchboard.email.models import MailDraft, MailState, Message
from switchboard.email.service import RecipientSuppressed
from switchboard.errors import NotFound
from switchboard.events import service as events
from switchboard.kit import settings
from switchboard.persistence.idempotency import IdempotencyKey
from tests.actors import Tenant, system, tenant
from tests.unit.edge.asking import Answer, send_request
from tests.unit.email.test_inbound import make_mail, receive_mail

pytestmark = pytest.mark.usefixtures("cloud")
PATH = "/v1/email/suppressions"
ADA = "ada@example.com"


class Provider:
    """A provider that accepts everything."""

    sent: list[carriers.OutgoingMail]

    def __init__(self) -> None:
        self.sent = []

    def send(self, outbound: carriers.OutgoingMail) -> str:
        self.sent.append(outbound)
        return f"ses-{len(self.sent)}@email.amazonses.com"


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    found = Provider()
    monkeypatch.setattr(carriers, "mail_carrier", lambda: found)
    monkeypatch.setenv("SWITCHBOARD_PUBLIC_URL", "https://api.example.org")
    return found


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    return tenant()


def queue_mail(acme: Tenant, *to: str, **facts: Any) -> Message:
    return service.send_message(acme.caller(), MailDraft(to=list(to or (ADA,)), subject="s", body="b", **facts))


def send_mail(acme: Tenant, *to: str, **facts: Any) -> Message:
    message = queue_mail(acme, *to, **facts)
    delivery.send_queued(message.org_id, message.id)
    found = store.get_message(message.org_id, message.id)
    assert found
    assert found.state is MailState.SENT
    return found


def ask_with_key(key: str, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    sent_ = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    sent_ |= {name.replace("_", "-"): value for name, value in headers.items()}
    return send_request(
        api, method, path, None if body is None else json.dumps(body).encode(), headers=sent_, binary=False
    )


def list_suppressions(acme: Tenant) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(ask_with_key(acme.master_key, "GET", PATH).body)["items"]
    return items


def list_events(org_id: str, kind: str) -> list[events.Event]:
    rows = clients.dynamodb_client().scan(TableName=settings.table_name("activity"))["Items"]
    found = [events.parse_event(item) for row in rows if (item := dynamodb.decode_item(row)).get("outbox") == "event"]
    return [event for event in found if event.type == kind and event.org_id == org_id]


# The owner's list.


def test_an_address_is_suppressed_listed_and_lifted(acme: Tenant) -> None:
    made = ask_with_key(acme.master_key, "POST", PATH, {"address": "Ada@Example.com", "note": "ticket 7"})
    assert made.status == 201, made.body
    (entry,) = list_suppressions(acme)
    assert (entry["address"], entry["reason"], entry["note"]) == ("Ada@example.com", "manual", "ticket 7")
    with pytest.raises(RecipientSuppressed):
        queue_mail(acme)
    assert ask_with_key(acme.master_key, "DELETE", f"{PATH}/ADA%40example.com").status == 200
    assert queue_mail(acme).state is MailState.QUEUED
    again = ask_with_key(acme.master_key, "DELETE", f"{PATH}/ada@example.com")
    assert (again.status, json.loads(again.body)["code"]) == (404, "NOT_FOUND")
    assert [len(list_events(acme.org_id, f"email.{kind}")) for kind in ("suppressed", "unsuppressed")] == [1, 1]


def test_only_master_keys_of_the_organization_may_use_the_list(acme: Tenant) -> None:
    ask_with_key(acme.master_key, "POST", PATH, {"address": ADA})
    for method, path, body in (
        ("GET", PATH, None),
        ("POST", PATH, {"address": ADA}),
        ("DELETE", f"{PATH}/{ADA}", None),
    ):
        answer = ask_with_key(acme.agent_key, method, path, body)
        assert (answer.status, json.loads(answer.body)["code"]) == (403, "MASTER_KEY_REQUIRED")
    other = tenant("other")
    assert list_suppressions(other) == []
    assert ask_with_key(other.master_key, "DELETE", f"{PATH}/{ADA}").status == 404
    assert len(list_suppressions(acme)) == 1


@pytest.mark.parametrize("bad", ["friend", "", "a@b@c", 7])
def test_an_invalid_address_in_a_body_is_400(acme: Tenant, bad: Any) -> None:
    assert ask_with_key(acme.master_key, "POST", PATH, {"address": bad}).status == 400


@pytest.mark.parametrize("odd", ["%00", "friend", "..%2f..", "%F0%9F%A6%84@example.com", "a" * 500])
def test_an_invalid_address_in_a_path_is_404(acme: Tenant, odd: str) -> None:
    assert ask_with_key(acme.master_key, "DELETE", f"{PATH}/{odd}").status == 404


def test_the_list_is_paged(acme: Tenant) -> None:
    for number in range(5):
        suppressions.add_suppression(acme.caller(master=True), f"p{number}@example.com")
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page, cursor = suppressions.list_suppressions(acme.org_id, 2, cursor)
        seen += [entry.address for entry in page]
        if cursor is None:
            break
    assert sorted(seen) == [f"p{number}@example.com" for number in range(5)]


def test_a_repeated_request_does_not_undo_later_changes(acme: Tenant) -> None:
    def adding(key: str) -> IdempotencyKey:
        return IdempotencyKey(scope=acme.org_id, key=key, fingerprint="f")

    owner = acme.caller(master=True)
    suppressions.add_suppression(owner, ADA, effect=adding("add"))
    suppressions.lift_suppression(owner, ADA, effect=adding("lift"))
    suppressions.add_suppression(owner, ADA, effect=adding("add"))
    assert suppressions.find_suppression(acme.org_id, ADA) is None
    suppressions.lift_suppression(owner, ADA, effect=adding("lift"))
    suppressions.add_suppression(owner, ADA)
    suppressions.lift_suppression(owner, ADA, effect=adding("lift"))
    assert suppressions.find_suppression(acme.org_id, ADA) is not None


def test_an_existing_entry_stays(acme: Tenant) -> None:
    message = queue_mail(acme)
    feedback.record_bounce(acme.org_id, message.id, [ADA], permanent=True)
    assert suppressions.add_suppression(acme.caller(master=True), ADA, "mine").reason == "bounce"
    suppressions.lift_suppression(acme.caller(master=True), ADA)
    assert queue_mail(acme).state is MailState.QUEUED


def test_a_queued_mail_to_a_newly_suppressed_address_is_not_sent(acme: Tenant, provider: Provider) -> None:
    message = queue_mail(acme)
    suppressions.add_suppression(acme.caller(master=True), ADA)
    delivery.send_queued(message.org_id, message.id)
    head = store.find_head(message.org_id, message.id)
    assert head
    assert (head.state, provider.sent) == (MailState.FAILED, [])


# One click.


def click_link(
    link: str, method: str = "POST", body: bytes | None = b"List-Unsubscribe=One-Click", **headers: str
) -> Answer:
    typed = {"Content-Type": "application/x-www-form-urlencoded"} | headers
    return send_request(api, method, urlsplit(link).path, body, headers=typed if body else {}, binary=False)


def list_unsubscribe_links(provider: Provider) -> list[str]:
    """The links of List-Unsubscribe in the last mail."""
    headers = parsing.parse_mail(provider.sent[-1].content).headers
    return re.findall(r"<([^>]+)>", headers.get("List-Unsubscribe", ""))


def test_one_click_stops_mail_at_once_with_an_event(acme: Tenant, provider: Provider) -> None:
    message = send_mail(acme, "Ada@example.com")
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in provider.sent[0].content
    link, mailto = list_unsubscribe_links(provider)
    assert link.startswith("https://api.example.org/v1/email/unsubscribe/")
    assert mailto == f"mailto:{acme.address}?subject=unsubscribe%20{message.id}"
    page = click_link(link, "GET", None)
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert '<form method="post">' in page.body
    assert queue_mail(acme).state is MailState.QUEUED, "a scanner that follows links changes nothing"
    assert click_link(link).status == 200
    with pytest.raises(RecipientSuppressed):
        queue_mail(acme)
    assert click_link(link).status == 200
    (event,) = list_events(acme.org_id, "email.suppressed")
    assert (event.data["reason"], event.correlation_id) == ("unsubscribe", message.correlation_id)
    assert queue_mail(tenant("other")).state is MailState.QUEUED


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=b", "text/plain"])
def test_a_click_counts_in_any_form(acme: Tenant, provider: Provider, kind: str) -> None:
    send_mail(acme)
    assert click_link(list_unsubscribe_links(provider)[0], body=b"--b--", **{"Content-Type": kind}).status == 200
    assert [entry["reason"] for entry in list_suppressions(acme)] == ["unsubscribe"]


def test_a_link_works_for_its_organization_and_address_only(acme: Tenant, provider: Provider) -> None:
    other = tenant("other")
    mine, his = send_mail(acme), send_mail(other, "bob@example.com")
    tokens = [urlsplit(unsubscribe.unsubscribe_link(one) or "").path.rpartition("/")[2] for one in (mine, his)]
    (org, message, mac), (org2, message2, mac2) = (token.split(".") for token in tokens)
    made = [f"{org}.{message}.{mac2}", f"{org2}.{message}.{mac}", f"{org}.{message2}.{mac}", f"{org}.{message}."]
    made += [mac, f"{org}.{message}", "x", f"{org}.{message}.{mac}x", f"{org}.{message}.{mac[:-1]}"]
    for token in made:
        for method in ("GET", "POST"):
            assert click_link(f"https://api.example.org{unsubscribe.PATH}/{token}", method).status == 404
    assert (list_suppressions(acme), list_suppressions(other)) == ([], [])


def test_a_mail_to_several_recipients_has_a_mailto_link_only(acme: Tenant, provider: Provider) -> None:
    send_mail(acme, ADA, "bob@example.com")
    assert [link.partition(":")[0] for link in list_unsubscribe_links(provider)] == ["mailto"]
    assert b"One-Click" not in provider.sent[0].content


def test_an_organizations_own_link_replaces_ours(acme: Tenant, provider: Provider) -> None:
    send_mail(acme, headers={"List-Unsubscribe": "<https://shop.example/stop>"})
    assert list_unsubscribe_links(provider) == ["https://shop.example/stop"]


def test_the_platforms_own_mail_has_no_link(acme: Tenant, provider: Provider) -> None:
    commit(service.system_mail_writes(system(acme.org_id), None, ADA, "Welcome", "b"))
    (event,) = list_events(acme.org_id, "email.queued")
    delivery.send_queued(acme.org_id, event.subject.id)
    assert (len(provider.sent), list_unsubscribe_links(provider)) == (1, [])


# A reply that asks to stop.


def receive_reply(acme: Tenant, message: Message | None, text: str, **headers: str) -> Message:
    made = make_mail(acme.address, **headers)
    if message:
        made["In-Reply-To"] = f"<{message.external_id}>"
    made.set_content(text)
    (landed,) = receive_mail(made, acme.address)
    return landed


STOPS = [
    "unsubscribe", "STOP", "Stop.", "  Remove me!", "Please remove me from your list", "BAJA", "Darme de baja",
    "\n\n> On Monday you wrote:\n> Hello\n\nunsubscribe\n", "Don\u2019t email me again.", "Cancelar suscripci\u00f3n",
    "stop\r\n\r\nOn Monday Bot wrote:\r\n> Hello",
]  # fmt: skip
GOES_ON = [
    "How do I unsubscribe from the other list?", "Do not stop", "Stop by on Monday", "Thanks!\nstop", "> stop", "",
    "...", "unsubscribe " * 20, "La mesa baja", "stop the press",
]  # fmt: skip


@pytest.mark.parametrize("text", STOPS)
def test_a_reply_that_asks_to_stop_suppresses(acme: Tenant, provider: Provider, text: str) -> None:
    message = send_mail(acme, "Ada+shop@example.com", "bob@example.com")
    receive_reply(acme, message, text)
    assert [(entry["address"], entry["reason"]) for entry in list_suppressions(acme)] == [
        ("Ada+shop@example.com", "reply")
    ]
    assert len(list_events(acme.org_id, "email.suppressed")) == 1
    receive_reply(acme, message, text)
    assert len(list_events(acme.org_id, "email.suppressed")) == 1


@pytest.mark.parametrize("text", GOES_ON)
def test_another_reply_suppresses_nothing(acme: Tenant, provider: Provider, text: str) -> None:
    receive_reply(acme, send_mail(acme), text)
    assert list_suppressions(acme) == []


def test_nobody_can_suppress_another_address(acme: Tenant, provider: Provider) -> None:
    message = send_mail(acme, "bob@example.com")
    receive_reply(acme, message, "unsubscribe")
    receive_reply(acme, None, "unsubscribe")
    receive_reply(acme, None, "b", Subject=f"unsubscribe {message.id}")
    receive_reply(tenant("other"), message, "unsubscribe")
    assert list_suppressions(acme) == []


def test_even_automatic_mail_to_the_unsubscribe_mailbox_suppresses(acme: Tenant, provider: Provider) -> None:
    message = send_mail(acme, ADA, "bob@example.com")
    receive_reply(acme, None, "", Subject=f"unsubscribe {message.id}", Auto_Submitted="auto-generated")
    assert [entry["address"] for entry in list_suppressions(acme)] == [ADA]


def test_an_absence_note_suppresses_nothing(acme: Tenant, provider: Provider) -> None:
    receive_reply(acme, send_mail(acme), "stop", Auto_Submitted="auto-replied")
    assert list_suppressions(acme) == []


# Reports of SES.


def apply_complaint(message: Message, *addresses: str, **more: str) -> None:
    notifications.apply_notification(
        {
            "eventType": "Complaint",
            "mail": {"tags": {"switchboard-org": [message.org_id], "switchboard-message": [message.id]}},
            "complaint": {"complainedRecipients": [{"emailAddress": one} for one in addresses], **more},
        }
    )


def test_a_not_spam_report_suppresses_nothing(acme: Tenant, provider: Provider) -> None:
    message = send_mail(acme)
    apply_complaint(message, ADA, complaintFeedbackType="not-spam")
    assert (list_suppressions(acme), list_events(acme.org_id, "email.complained")) == ([], [])


def test_an_ambiguous_complaint_suppresses_nobody(acme: Tenant, provider: Provider) -> None:
    message = send_mail(acme, "a@example.com", "b@example.com", "c@example.com")
    for _ in range(2):
        apply_complaint(message, "a@example.com", "B@example.com")
    assert list_suppressions(acme) == []
    (event,) = list_events(acme.org_id, "email.complained")
    assert (event.data["possible"], len(event.data["recipients"])) == (True, 2)
    _, reports = service.get_message_with_reports(acme.caller(), message.id)
    assert [bool(one.suspected_at) for one in reports] == [True, True, False]
    apply_complaint(message, "b@example.com", complaintFeedbackType="abuse")
    assert [entry["address"] for entry in list_suppressions(acme)] == ["b@example.com"]


def test_a_complaint_about_a_mail_to_one_recipient_suppresses_that_recipient(acme: Tenant, provider: Provider) -> None:
    apply_complaint(send_mail(acme), "forwarded@example.net", ADA)
    assert [entry["reason"] for entry in list_suppressions(acme)] == ["complaint"]


# The operator.


def test_an_operator_lists_adds_and_lifts_suppressions(acme: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mail", "suppress", acme.org_id, ADA]) == 0
    assert main(["mail", "suppressed", acme.org_id]) == 0
    assert ADA in capsys.readouterr().out
    assert main(["--json", "mail", "check", acme.org_id, ADA]) == 0
    assert json.loads(capsys.readouterr().out)["suppressed"] is True
    assert main(["mail", "lift", acme.org_id, ADA]) == 0
    assert main(["mail", "lift", acme.org_id, ADA]) == 1
    assert "not suppressed" in capsys.readouterr().err


def test_an_operator_lifts_the_platforms_own_suppression(acme: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mail", "suppress", "platform", ADA]) == 0
    assert store.is_unreachable("Ada+x@example.com") is True
    assert main(["mail", "check", "platform", ADA]) == 0
    assert main(["mail", "lift", "platform", ADA]) == 0
    assert store.is_unreachable(ADA) is False
    assert main(["mail", "lift", "platform", ADA]) == 1
    assert main(["mail", "suppressed", "platform"]) == 1
    assert "mail check platform" in capsys.readouterr().err


def test_a_missing_suppression_cannot_be_lifted(acme: Tenant) -> None:
    with pytest.raises(NotFound):
        suppressions.lift_suppression(acme.caller(master=True), ADA)
    assert list_events(acme.org_id, "email.unsuppressed") == []
