"""Who gets no more mail: seen, added and lifted, and everybody who is mailed can say stop."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from functions.anima.email.handler import api
from switchboard.aws import attributes, clients
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
from tests.unit.email.test_inbound import mail, received

pytestmark = pytest.mark.usefixtures("cloud")
PATH = "/v1/email/suppressions"
ADA = "ada@example.com"


class Provider:
    """A provider that takes everything."""

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


def queued(acme: Tenant, *to: str, **facts: Any) -> Message:
    return service.send_message(acme.caller(), MailDraft(to=list(to or (ADA,)), subject="s", body="b", **facts))


def sent(acme: Tenant, *to: str, **facts: Any) -> Message:
    message = queued(acme, *to, **facts)
    delivery.send_queued(message.org_id, message.id)
    found = store.get_message(message.org_id, message.id)
    assert found
    assert found.state is MailState.SENT
    return found


def request(key: str, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    sent_ = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    sent_ |= {name.replace("_", "-"): value for name, value in headers.items()}
    return send_request(
        api, method, path, None if body is None else json.dumps(body).encode(), headers=sent_, binary=False
    )


def listed(acme: Tenant) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(request(acme.master_key, "GET", PATH).body)["items"]
    return items


def told(org_id: str, kind: str) -> list[events.Event]:
    rows = clients.dynamodb_client().scan(TableName=settings.table_name("activity"))["Items"]
    found = [events.parse_event(item) for row in rows if (item := attributes.decode_item(row)).get("outbox") == "event"]
    return [event for event in found if event.type == kind and event.org_id == org_id]


# The owner's list.


def test_an_address_is_suppressed_seen_and_lifted(acme: Tenant) -> None:
    made = request(acme.master_key, "POST", PATH, {"address": "Ada@Example.com", "note": "ticket 7"})
    assert made.status == 201, made.body
    (entry,) = listed(acme)
    assert (entry["address"], entry["reason"], entry["note"]) == ("Ada@example.com", "manual", "ticket 7")
    with pytest.raises(RecipientSuppressed):
        queued(acme)
    assert request(acme.master_key, "DELETE", f"{PATH}/ADA%40example.com").status == 200
    assert queued(acme).state is MailState.QUEUED
    again = request(acme.master_key, "DELETE", f"{PATH}/ada@example.com")
    assert (again.status, json.loads(again.body)["code"]) == (404, "NOT_FOUND")
    assert [len(told(acme.org_id, f"email.{kind}")) for kind in ("suppressed", "unsuppressed")] == [1, 1]


def test_only_a_master_key_may_and_only_its_own_organization_sees_it(acme: Tenant) -> None:
    request(acme.master_key, "POST", PATH, {"address": ADA})
    for method, path, body in (
        ("GET", PATH, None),
        ("POST", PATH, {"address": ADA}),
        ("DELETE", f"{PATH}/{ADA}", None),
    ):
        answer = request(acme.agent_key, method, path, body)
        assert (answer.status, json.loads(answer.body)["code"]) == (403, "MASTER_KEY_REQUIRED")
    other = tenant("other")
    assert listed(other) == []
    assert request(other.master_key, "DELETE", f"{PATH}/{ADA}").status == 404
    assert len(listed(acme)) == 1


@pytest.mark.parametrize("bad", ["friend", "", "a@b@c", 7])
def test_what_is_no_address_is_400(acme: Tenant, bad: Any) -> None:
    assert request(acme.master_key, "POST", PATH, {"address": bad}).status == 400


@pytest.mark.parametrize("odd", ["%00", "friend", "..%2f..", "%F0%9F%A6%84@example.com", "a" * 500])
def test_what_is_no_address_is_not_found(acme: Tenant, odd: str) -> None:
    assert request(acme.master_key, "DELETE", f"{PATH}/{odd}").status == 404


def test_the_list_has_pages(acme: Tenant) -> None:
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


def test_a_request_made_again_undoes_nothing_that_came_between(acme: Tenant) -> None:
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


def test_an_entry_that_is_there_stays(acme: Tenant) -> None:
    message = queued(acme)
    feedback.record_bounce(acme.org_id, message.id, [ADA], permanent=True)
    assert suppressions.add_suppression(acme.caller(master=True), ADA, "mine").reason == "bounce"
    suppressions.lift_suppression(acme.caller(master=True), ADA)
    assert queued(acme).state is MailState.QUEUED


def test_a_queued_mail_to_who_is_suppressed_meanwhile_does_not_go(acme: Tenant, provider: Provider) -> None:
    message = queued(acme)
    suppressions.add_suppression(acme.caller(master=True), ADA)
    delivery.send_queued(message.org_id, message.id)
    head = store.find_head(message.org_id, message.id)
    assert head
    assert (head.state, provider.sent) == (MailState.FAILED, [])


# One click.


def click(
    link: str, method: str = "POST", body: bytes | None = b"List-Unsubscribe=One-Click", **headers: str
) -> Answer:
    typed = {"Content-Type": "application/x-www-form-urlencoded"} | headers
    return send_request(api, method, urlsplit(link).path, body, headers=typed if body else {}, binary=False)


def links(provider: Provider) -> list[str]:
    """The links of List-Unsubscribe in the last mail."""
    headers = parsing.parse_mail(provider.sent[-1].content).headers
    return re.findall(r"<([^>]+)>", headers.get("List-Unsubscribe", ""))


def test_one_click_stops_mail_at_once_with_an_event(acme: Tenant, provider: Provider) -> None:
    message = sent(acme, "Ada@example.com")
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in provider.sent[0].content
    link, mailto = links(provider)
    assert link.startswith("https://api.example.org/v1/email/unsubscribe/")
    assert mailto == f"mailto:{acme.address}?subject=unsubscribe%20{message.id}"
    page = click(link, "GET", None)
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert '<form method="post">' in page.body
    assert queued(acme).state is MailState.QUEUED, "a scanner that follows links changes nothing"
    assert click(link).status == 200
    with pytest.raises(RecipientSuppressed):
        queued(acme)
    assert click(link).status == 200
    (event,) = told(acme.org_id, "email.suppressed")
    assert (event.data["reason"], event.correlation_id) == ("unsubscribe", message.correlation_id)
    assert queued(tenant("other")).state is MailState.QUEUED


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=b", "text/plain"])
def test_a_click_counts_in_whatever_form_it_comes(acme: Tenant, provider: Provider, kind: str) -> None:
    sent(acme)
    assert click(links(provider)[0], body=b"--b--", **{"Content-Type": kind}).status == 200
    assert [entry["reason"] for entry in listed(acme)] == ["unsubscribe"]


def test_a_link_is_for_its_organization_and_address_alone(acme: Tenant, provider: Provider) -> None:
    other = tenant("other")
    mine, his = sent(acme), sent(other, "bob@example.com")
    tokens = [urlsplit(unsubscribe.unsubscribe_link(one) or "").path.rpartition("/")[2] for one in (mine, his)]
    (org, message, mac), (org2, message2, mac2) = (token.split(".") for token in tokens)
    made = [f"{org}.{message}.{mac2}", f"{org2}.{message}.{mac}", f"{org}.{message2}.{mac}", f"{org}.{message}."]
    made += [mac, f"{org}.{message}", "x", f"{org}.{message}.{mac}x", f"{org}.{message}.{mac[:-1]}"]
    for token in made:
        for method in ("GET", "POST"):
            assert click(f"https://api.example.org{unsubscribe.PATH}/{token}", method).status == 404
    assert (listed(acme), listed(other)) == ([], [])


def test_a_mail_to_several_names_a_mailbox_alone(acme: Tenant, provider: Provider) -> None:
    sent(acme, ADA, "bob@example.com")
    assert [link.partition(":")[0] for link in links(provider)] == ["mailto"]
    assert b"One-Click" not in provider.sent[0].content


def test_an_organizations_own_link_stands_for_ours(acme: Tenant, provider: Provider) -> None:
    sent(acme, headers={"List-Unsubscribe": "<https://shop.example/stop>"})
    assert links(provider) == ["https://shop.example/stop"]


def test_mail_of_the_platforms_own_has_no_link(acme: Tenant, provider: Provider) -> None:
    commit(service.system_mail_writes(system(acme.org_id), None, ADA, "Welcome", "b"))
    (event,) = told(acme.org_id, "email.queued")
    delivery.send_queued(acme.org_id, event.subject.id)
    assert (len(provider.sent), links(provider)) == (1, [])


# An answer that asks to stop.


def reply(acme: Tenant, message: Message | None, text: str, **headers: str) -> Message:
    made = mail(acme.address, **headers)
    if message:
        made["In-Reply-To"] = f"<{message.external_id}>"
    made.set_content(text)
    (landed,) = received(made, acme.address)
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
def test_an_answer_that_asks_to_stop_stops_mail(acme: Tenant, provider: Provider, text: str) -> None:
    message = sent(acme, "Ada+shop@example.com", "bob@example.com")
    reply(acme, message, text)
    assert [(entry["address"], entry["reason"]) for entry in listed(acme)] == [("Ada+shop@example.com", "reply")]
    assert len(told(acme.org_id, "email.suppressed")) == 1
    reply(acme, message, text)
    assert len(told(acme.org_id, "email.suppressed")) == 1


@pytest.mark.parametrize("text", GOES_ON)
def test_an_answer_that_does_not_ask_stops_nothing(acme: Tenant, provider: Provider, text: str) -> None:
    reply(acme, sent(acme), text)
    assert listed(acme) == []


def test_nobody_stops_anothers_mail(acme: Tenant, provider: Provider) -> None:
    message = sent(acme, "bob@example.com")
    reply(acme, message, "unsubscribe")
    reply(acme, None, "unsubscribe")
    reply(acme, None, "b", Subject=f"unsubscribe {message.id}")
    reply(tenant("other"), message, "unsubscribe")
    assert listed(acme) == []


def test_a_mail_to_the_mailbox_of_the_header_stops_mail_even_from_a_machine(acme: Tenant, provider: Provider) -> None:
    message = sent(acme, ADA, "bob@example.com")
    reply(acme, None, "", Subject=f"unsubscribe {message.id}", Auto_Submitted="auto-generated")
    assert [entry["address"] for entry in listed(acme)] == [ADA]


def test_an_absence_note_stops_nothing(acme: Tenant, provider: Provider) -> None:
    reply(acme, sent(acme), "stop", Auto_Submitted="auto-replied")
    assert listed(acme) == []


# What SES reports.


def complaint(message: Message, *addresses: str, **more: str) -> None:
    notifications.apply_notification(
        {
            "eventType": "Complaint",
            "mail": {"tags": {"switchboard-org": [message.org_id], "switchboard-message": [message.id]}},
            "complaint": {"complainedRecipients": [{"emailAddress": one} for one in addresses], **more},
        }
    )


def test_who_takes_a_mail_out_of_the_spam_folder_is_not_suppressed(acme: Tenant, provider: Provider) -> None:
    message = sent(acme)
    complaint(message, ADA, complaintFeedbackType="not-spam")
    assert (listed(acme), told(acme.org_id, "email.complained")) == ([], [])


def test_of_several_who_may_have_complained_none_is_suppressed(acme: Tenant, provider: Provider) -> None:
    message = sent(acme, "a@example.com", "b@example.com", "c@example.com")
    for _ in range(2):
        complaint(message, "a@example.com", "B@example.com")
    assert listed(acme) == []
    (event,) = told(acme.org_id, "email.complained")
    assert (event.data["possible"], len(event.data["recipients"])) == (True, 2)
    _, reports = service.get_message_with_reports(acme.caller(), message.id)
    assert [bool(one.suspected_at) for one in reports] == [True, True, False]
    complaint(message, "b@example.com", complaintFeedbackType="abuse")
    assert [entry["address"] for entry in listed(acme)] == ["b@example.com"]


def test_of_a_mail_to_one_a_complaint_under_several_names_means_that_one(acme: Tenant, provider: Provider) -> None:
    complaint(sent(acme), "forwarded@example.net", ADA)
    assert [entry["reason"] for entry in listed(acme)] == ["complaint"]


# The operator.


def test_an_operator_sees_suppresses_and_lifts(acme: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
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


def test_what_is_not_there_is_not_lifted(acme: Tenant) -> None:
    with pytest.raises(NotFound):
        suppressions.lift_suppression(acme.caller(master=True), ADA)
    assert told(acme.org_id, "email.unsuppressed") == []
