"""The provider's reports about each recipient, and the head that follows from them."""

from __future__ import annotations

from typing import Any

import pytest

from functions.anima.email.schemas import MessageDetail, MessageView
from switchboard import telemetry
from switchboard.accounts.plans import PlanName
from switchboard.aws import clients, dynamodb, reads
from switchboard.aws.writes import Put, commit
from switchboard.carriers import mail as carriers
from switchboard.email import delivery, feedback, notifications, service, store, suppressions
from switchboard.email.models import MailDraft, MailState, Message
from switchboard.email.service import RecipientSuppressed
from switchboard.email.status import MailStatus
from switchboard.errors import NotFound
from switchboard.events import service as events
from switchboard.kit import settings, texts
from tests.actors import Tenant, tenant, with_effect
from tests.integration.sabotage import Sabotage

pytestmark = pytest.mark.usefixtures("cloud")

#: How each notice of a provider is recorded.
RECORD = {
    "delivered": feedback.record_delivery,
    "bounced": feedback.record_bounce,
    "complained": feedback.record_complaint,
}


class Provider:
    """A provider that accepts everything."""

    sent: list[carriers.OutgoingMail]

    def __init__(self) -> None:
        self.sent = []

    def send(self, outbound: carriers.OutgoingMail) -> str:
        self.sent.append(outbound)
        return "ses-1@email.amazonses.com"


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    found = Provider()
    monkeypatch.setattr(carriers, "mail_carrier", lambda: found)
    return found


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    return tenant()


def queue_mail(acme: Tenant, *to: str, body: str = "b", key: str | None = None) -> Message:
    caller = acme.caller()
    draft = MailDraft(to=list(to), subject="s", body=body)
    return service.send_message(with_effect(caller, key) if key else caller, draft)


def send_mail(acme: Tenant, *to: str, body: str = "b") -> Message:
    message = queue_mail(acme, *to, body=body)
    delivery.send_queued(message.org_id, message.id)
    return message


def load_message(message: Message) -> MailStatus:
    found = store.get_status(message.org_id, message.id)
    assert found
    return found


def list_events(message: Message) -> list[events.Event]:
    partition = events.workflow_partition(message.org_id, message.correlation_id)
    items = reads.Query(table="activity", partition=partition).read_all()
    return [events.parse_event(item) for item in items if "outbox" in item]


def apply_notice(message: Message, kind: str, **detail: Any) -> dict[str, Any]:
    tags = {"switchboard-org": [message.org_id], "switchboard-message": [message.id]}
    return {"eventType": kind, "mail": {"tags": tags, "messageId": "x"}, kind.lower(): detail}


def test_a_servers_response_is_stored_with_its_recipient(acme: Tenant, provider: Provider) -> None:
    message = send_mail(acme, "A@example.com", "b@example.com")
    notifications.apply_notification(
        apply_notice(message, "Delivery", recipients=["a@example.com"], smtpResponse="250 OK")
    )
    gone = {"emailAddress": "b@example.com", "status": "5.1.1", "diagnosticCode": "550 " + "x" * 1_000}
    notifications.apply_notification(apply_notice(message, "Bounce", bounceType="Permanent", bouncedRecipients=[gone]))
    found = load_message(message).reports
    has_it, gone_ = found["a@example.com"], found["b@example.com"]
    assert (has_it.address, has_it.diagnostic, has_it.bounced_at) == ("A@example.com", "250 OK", None)
    assert has_it.delivered_at
    assert (gone_.code, gone_.delivered_at, len(gone_.diagnostic or "")) == ("5.1.1", None, 500)
    assert gone_.gone_at


def apply_bounce(message: Message, kind: str, **facts: str) -> dict[str, Any]:
    return apply_notice(
        message, "Bounce", bounceType=kind, bouncedRecipients=[{"emailAddress": "a@example.com", **facts}]
    )


def test_a_delivery_notice_after_a_permanent_bounce_is_ignored(acme: Tenant, provider: Provider) -> None:
    message = send_mail(acme, "a@example.com", "b@example.com")
    notifications.apply_notification(
        apply_bounce(message, "Permanent", status="5.1.1", diagnosticCode="550 user unknown")
    )
    arrived = apply_notice(
        message, "Delivery", recipients=["a@example.com", "b@example.com"], smtpResponse="250 accepted"
    )
    for _ in range(2):
        notifications.apply_notification(arrived)
    gone, has_it = load_message(message).report_of("a@example.com"), load_message(message).report_of("b@example.com")
    assert (gone.code, gone.diagnostic, has_it.diagnostic) == ("5.1.1", "550 user unknown", "250 accepted")
    assert gone.delivered_at
    delivered = [event for event in list_events(message) if event.type == "email.delivered"]
    assert [event.data["recipients"] for event in delivered] == [[texts.digest("b@example.com")]]
    assert load_message(message).head.state is MailState.BOUNCED


def test_code_and_text_come_from_the_same_notice(acme: Tenant, provider: Provider) -> None:
    message = send_mail(acme, "a@example.com")
    arrived = apply_notice(message, "Delivery", recipients=["a@example.com"], smtpResponse="250 accepted")
    heard = []
    for one in (
        apply_bounce(message, "Transient", status="4.4.7", diagnosticCode="450 greylisted"),
        arrived,
        apply_bounce(message, "Permanent", status="5.1.1"),
    ):
        notifications.apply_notification(one)
        report = load_message(message).report_of("a@example.com")
        heard.append((report.code, report.diagnostic))
    assert heard == [("4.4.7", "450 greylisted"), (None, "250 accepted"), ("5.1.1", None)]


def apply_complaint(message: Message, **facts: str) -> dict[str, Any]:
    return apply_notice(message, "Complaint", complainedRecipients=[{"emailAddress": "a@example.com"}], **facts)


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure"])
def test_feedback_other_than_a_complaint_suppresses_nothing(
    acme: Tenant, provider: Provider, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = send_mail(acme, "a@example.com")
    counted: list[tuple[str, Any]] = []
    monkeypatch.setattr(telemetry, "emit_metric", lambda name, *_, **facts: counted.append((name, facts)))
    notifications.apply_notification(apply_complaint(message, complaintFeedbackType=kind))
    assert counted == [("MailFeedback", {"Kind": kind})]
    assert (load_message(message).reports, store.list_suppressed(acme.org_id, ["a@example.com"])) == ({}, [])
    assert "email.complained" not in [event.type for event in list_events(message)]


def test_a_mail_stopped_by_the_providers_list_bounced_permanently(acme: Tenant, provider: Provider) -> None:
    message = send_mail(acme, "a@example.com")
    for _ in range(2):
        notifications.apply_notification(apply_complaint(message, complaintSubType="OnAccountSuppressionList"))
    report = load_message(message).report_of("a@example.com")
    assert (bool(report.gone_at), report.complained_at, load_message(message).head.state) == (
        True,
        None,
        MailState.BOUNCED,
    )
    assert "suppression list" in (report.diagnostic or "")
    assert store.find_suppression(acme.org_id, "a@example.com")
    assert [event.type for event in list_events(message)][-1] == "email.bounced"
    assert "email.complained" not in [event.type for event in list_events(message)]


def test_a_complaint_means_that_the_mail_was_delivered(acme: Tenant, provider: Provider) -> None:
    message = send_mail(acme, "a@example.com")
    notifications.apply_notification(apply_bounce(message, "Transient", status="4.4.7"))
    assert load_message(message).head.state is MailState.BOUNCED
    notifications.apply_notification(apply_complaint(message))
    assert (load_message(message).head.state, load_message(message).head.error) == (MailState.DELIVERED, None)
    # An absence note, or a late notice, does not change that.
    other = send_mail(acme, "b@example.com")
    notifications.apply_notification(
        apply_notice(other, "Complaint", complainedRecipients=[{"emailAddress": "b@example.com"}])
    )
    bounced = apply_notice(
        other, "Bounce", bounceType="Transient", bouncedRecipients=[{"emailAddress": "b@example.com"}]
    )
    notifications.apply_notification(bounced)
    assert load_message(other).head.state is MailState.DELIVERED
    assert "email.bounced" not in [event.type for event in list_events(other) if event.subject.id == other.id]


def test_a_recipient_without_reports_has_no_item(acme: Tenant, provider: Provider) -> None:
    message = send_mail(acme, "a@example.com", "b@example.com")
    assert load_message(message).reports == {}
    feedback.record_delivery(message.org_id, message.id, ["b@example.com", "stranger@example.com"])
    assert load_message(message).reports.keys() == {"b@example.com"}


@pytest.mark.parametrize("calls", range(5))
def test_the_next_run_repairs_the_head_after_a_kill(acme: Tenant, provider: Provider, calls: int) -> None:
    message = send_mail(acme, "a@example.com", "b@example.com")
    feedback.record_delivery(message.org_id, message.id, ["a@example.com"])
    # Another worker records the last recipient at the same time as the killed one: neither saw the other's write.
    before = load_message(message)
    feedback.record_delivery(message.org_id, message.id, ["b@example.com"])
    commit(Put(table="activity", item=store.HEADS.to_item(before.head)))
    assert load_message(message).head.state is MailState.SENT
    with Sabotage().killing(after=calls):
        feedback.record_delivery(message.org_id, message.id, ["b@example.com"])
    feedback.record_delivery(message.org_id, message.id, ["b@example.com"])
    assert load_message(message).head.state is MailState.DELIVERED
    assert [event.type for event in list_events(message)].count("email.delivered") == 2


@pytest.mark.parametrize("calls", range(6))
def test_a_notice_whose_worker_is_killed_anywhere_is_recorded_once(
    acme: Tenant, provider: Provider, calls: int
) -> None:
    message = send_mail(acme, "a@example.com", "b@example.com")
    feedback.record_bounce(message.org_id, message.id, ["a@example.com"], permanent=False)
    with Sabotage().killing(after=calls):
        feedback.record_bounce(message.org_id, message.id, ["a@example.com", "b@example.com"], permanent=True)
    feedback.record_bounce(message.org_id, message.id, ["a@example.com", "b@example.com"], permanent=True)
    assert (load_message(message).head.state, load_message(message).head.error) == (
        MailState.BOUNCED,
        "permanent bounce",
    )
    assert len(store.list_suppressed(acme.org_id, ["a@example.com", "b@example.com"])) == 2
    assert [event.type for event in list_events(message)].count("email.bounced") == 2


def test_the_claim_watch_repairs_the_head_too(
    acme: Tenant, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(_: carriers.OutgoingMail) -> str:
        raise carriers.OutcomeUnknownError("timeout")

    monkeypatch.setattr(provider, "send", unknown)
    message = send_mail(acme, "a@example.com")
    before = load_message(message)
    report = before.report_of("a@example.com").model_copy(update={"delivered_at": before.head.created_at})
    commit(store.save_status_writes(before.with_reports([report]))[0])  # and no more: the worker was killed
    assert before.head.claim
    delivery.check_claim(message.org_id, message.id, before.head.claim)
    assert load_message(message).head.state is MailState.DELIVERED
    assert "email.unconfirmed" not in [event.type for event in list_events(message)]


def test_event_numbers_are_unique_and_increase(acme: Tenant, provider: Provider) -> None:
    people = [f"p{number}@example.com" for number in range(4)]
    message = send_mail(acme, *people)
    same = load_message(message)
    # Two workers with the same state, and a third that sees their writes.
    for address in people[:2]:
        report = same.report_of(address).model_copy(update={"delivered_at": same.head.created_at})
        after = same.with_reports([report])
        assert after.event_number(address) > same.event_number()
        commit(store.save_status_writes(after)[0])
    known = load_message(message)
    numbers = [same.with_reports([same.report_of(address)]).event_number(address) for address in people[:2]]
    assert len(set(numbers)) == 2
    assert known.with_reports([known.report_of(people[2])]).event_number(people[2]) > max(numbers)
    feedback.record_delivery(message.org_id, message.id, people)
    versions = [event.subject.version or 0 for event in list_events(message)]
    assert versions == sorted(set(versions))


def addressed_to_all(acme: Tenant, kind: str) -> Message:
    """A mail to the maximum of recipients."""
    message = send_mail(acme, *(f"p{number}@example.com" for number in range(50)))
    head = load_message(message).head
    commit(Put(table="activity", item=store.HEADS.to_item(head.model_copy(update={"kind": kind}))))
    return message


@pytest.mark.parametrize("kind", ["mail", "system"])
@pytest.mark.parametrize("what", ["delivered", "bounced", "complained"])
def test_a_notice_of_every_recipient_is_recorded_once(acme: Tenant, provider: Provider, what: str, kind: str) -> None:
    message = addressed_to_all(acme, kind)
    details = {"permanent": True} if what == "bounced" else {}
    for _ in range(2):
        RECORD[what](message.org_id, message.id, message.to, **details)
    assert len(load_message(message).reports) == 50
    ends = {"delivered": MailState.DELIVERED, "bounced": MailState.BOUNCED, "complained": MailState.SENT}
    assert load_message(message).head.state is ends[what]
    # One of fifty possible recipients complained.
    stopped, own = 50 if what == "bounced" else 0, kind == "mail"
    assert len(store.list_suppressed(acme.org_id, message.to)) == (stopped if own else 0)
    assert sum(store.is_unreachable(address) for address in message.to) == (0 if own else stopped)
    if not own:
        assert f"email.{what}" not in {event.type for event in list_events(message)}, (
            "it is not an event of the organization"
        )
        return
    events_ = [event for event in list_events(message) if event.type == f"email.{what}"]
    assert len([digest for event in events_ for digest in set(event.data["recipients"])]) == 50
    numbers = [event.subject.version for event in list_events(message)]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("calls", range(1, 12, 2))
def test_a_large_notice_is_continued_after_a_kill(acme: Tenant, provider: Provider, calls: int) -> None:
    message = addressed_to_all(acme, "mail")
    with Sabotage().killing(after=calls):
        feedback.record_bounce(message.org_id, message.id, message.to, permanent=True)
    feedback.record_bounce(message.org_id, message.id, message.to, permanent=True)
    assert len(store.list_suppressed(acme.org_id, message.to)) == 50
    digests = [
        one for event in list_events(message) if event.type == "email.bounced" for one in event.data["recipients"]
    ]
    assert len(digests) == len(set(digests)) == 50


@pytest.mark.parametrize("what", ["delivered", "bounced", "complained"])
@pytest.mark.parametrize("times", [0, 2])
def test_a_late_recorded_acceptance_is_numbered_before_the_reports(
    acme: Tenant, provider: Provider, monkeypatch: pytest.MonkeyPatch, what: str, times: int
) -> None:
    message = queue_mail(acme, "a@example.com", "b@example.com")
    throttled = iter(range(times))

    def send(_: carriers.OutgoingMail) -> str:
        if next(throttled, None) is not None:
            raise carriers.ThrottledError("slow down")
        details = {"permanent": True} if what == "bounced" else {}
        for address in message.to:
            RECORD[what](message.org_id, message.id, [address], **details)
        return "ses-1@email.amazonses.com"

    monkeypatch.setattr(provider, "send", send)
    for _ in range(times + 1):
        delivery.send_queued(message.org_id, message.id)
    events_ = sorted(list_events(message), key=lambda event: event.subject.version or 0)
    assert [event.type for event in events_] == ["email.queued", "email.sent", f"email.{what}", f"email.{what}"]
    assert len({event.subject.version for event in events_}) == 4


def forwarded_notice(message: Message, kind: str) -> dict[str, Any]:
    """A notice that names the mailbox to which a recipient's server forwards."""
    named = {"emailAddress": "behind@forwarded.example", "status": "5.1.1", "diagnosticCode": "550 no such user"}
    if kind == "Complaint":
        return apply_notice(message, kind, complainedRecipients=[named])
    return apply_notice(message, kind, bounceType="Permanent", bouncedRecipients=[named])


@pytest.mark.parametrize("kind", ["Bounce", "Complaint"])
def test_a_notice_of_another_mailbox_belongs_to_the_only_recipient(acme: Tenant, provider: Provider, kind: str) -> None:
    message = send_mail(acme, "Alias@example.com")
    for _ in range(2):
        notifications.apply_notification(forwarded_notice(message, kind))
    assert store.list_suppressed(acme.org_id, ["alias@example.com"]) == ["Alias@example.com"]
    assert store.list_suppressed(acme.org_id, ["behind@forwarded.example"]) == []
    report = load_message(message).reports["alias@example.com"]
    if kind == "Bounce":
        assert (load_message(message).head.state, report.code, report.diagnostic) == (
            MailState.BOUNCED,
            "5.1.1",
            "550 no such user",
        )
    assert [event.type for event in list_events(message)].count("email.bounced") == (kind == "Bounce")


@pytest.mark.parametrize("kind", ["Bounce", "Complaint"])
def test_a_notice_of_another_mailbox_is_dropped_if_ambiguous(
    acme: Tenant, provider: Provider, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = send_mail(acme, "a@example.com", "b@example.com")
    counted: list[str] = []
    monkeypatch.setattr(telemetry, "emit_metric", lambda name, *_, **__: counted.append(name))
    notifications.apply_notification(forwarded_notice(message, kind))
    assert counted == ["MailNoticeUnmatched"]
    assert (load_message(message).reports, load_message(message).head.state) == ({}, MailState.SENT)
    assert store.list_suppressed(acme.org_id, message.to) == []


# Suppression.


def test_a_recipient_suppressed_after_acceptance_gets_no_mail(acme: Tenant, provider: Provider) -> None:
    first, waiting = send_mail(acme, "you@example.com"), queue_mail(acme, "fine@example.com", "You@example.com")
    feedback.record_complaint(first.org_id, first.id, ["you@example.com"])
    delivery.send_queued(waiting.org_id, waiting.id)
    assert [outbound.message_id for outbound in provider.sent] == [first.id]
    head = load_message(waiting).head
    assert (head.state, head.error) == (
        MailState.FAILED,
        "a recipient's address is suppressed: see the list of suppressions",
    )
    failed = list_events(waiting)[-1]
    assert (failed.type, failed.data["reason"]) == ("email.failed", "suppressed")
    delivery.send_queued(waiting.org_id, waiting.id)
    assert len(provider.sent) == 1


def test_both_suppression_lists_are_checked_for_the_platforms_own_mail(acme: Tenant, provider: Provider) -> None:
    for stops in (
        store.suppress_system_mail_writes("you+1@example.com", "complaint"),
        store.suppress_system_mail_writes("Me@example.com", "bounce"),
        store.replace_suppression_writes(acme.org_id, "x@example.com", "bounce"),
    ):
        to = {"suppressed": "you@example.com", "bounced": "me@example.com"}.get(stops.item["sk"], "x@example.com")
        origin = acme.caller()
        commit(service.system_mail_writes(origin, None, to, "s", "b"))
        commit(stops)
    heads = [item for item in scan_items() if item["sk"] == "message"]
    assert len(heads) == 3
    for item in heads:
        delivery.send_queued(acme.org_id, item["pk"].rpartition("#")[2])
    assert provider.sent == []
    assert {item["state"] for item in scan_items() if item["sk"] == "message"} == {"failed"}


def test_an_accepted_request_is_not_refused_when_repeated(acme: Tenant, provider: Provider) -> None:
    message = queue_mail(acme, "you@example.com", key="one")
    delivery.send_queued(message.org_id, message.id)
    feedback.record_bounce(message.org_id, message.id, ["you@example.com"], permanent=True)
    assert queue_mail(acme, "you@example.com", key="one").id == message.id
    with pytest.raises(RecipientSuppressed):
        queue_mail(acme, "you@example.com", key="two")


def test_acceptance_makes_one_read_and_no_check_in_its_transaction() -> None:
    people = [f"p{number}@example.com" for number in range(50)]
    caller = with_effect(tenant(plan=PlanName.STARTER).caller(), "key")
    writes: list[str] = []
    clients.dynamodb_client().meta.events.register(
        "provide-client-params.*.TransactWriteItems",
        lambda params, **_: writes.extend(kind for write in params["TransactItems"] for kind in write),
    )
    with Sabotage().counting() as calls:
        service.send_message(caller, MailDraft(to=people, subject="s", body="b"))
    assert calls == ["BatchGetItem", "TransactWriteItems"]
    assert sorted(writes) == ["Put"] * 5 + ["Update"], "marker, head, content, watch, event, usage"


# Storage.


def scan_items() -> list[dict[str, Any]]:
    items = clients.dynamodb_client().scan(TableName=settings.table_name("activity"))["Items"]
    return [dynamodb.decode_item(item) for item in items]


def stored_size(item: dict[str, Any]) -> int:
    """The size of an item as DynamoDB computes it."""

    def size(value: Any) -> int:
        match value:
            case dict():
                return 3 + sum(len(name.encode()) + size(part) + 1 for name, part in value.items())
            case list():
                return 3 + sum(size(part) + 1 for part in value)
            case bool() | None:
                return 1
            case int():
                return 1 + len(str(value)) // 2 + 1
            case bytes():
                return len(value)
        return len(str(value).encode())

    return sum(len(name.encode()) + size(value) for name, value in item.items())


def test_a_head_always_fits_into_a_kilobyte(acme: Tenant, provider: Provider) -> None:
    sizes = []
    message = queue_mail(acme, "somebody.with.a.name@company.example.com", body="x" * 190_000)

    def note() -> None:
        (item,) = [item for item in scan_items() if item["sk"] == "message"]
        sizes.append(stored_size(item))

    note()
    delivery.send_queued(message.org_id, message.id)
    note()
    feedback.record_delivery(message.org_id, message.id, message.to)
    note()
    assert max(sizes) <= 1_024, sizes


def test_a_mails_content_is_written_once(acme: Tenant, provider: Provider) -> None:
    message = queue_mail(acme, "a@example.com", body="word " * 30_000)

    def content() -> dict[str, Any]:
        (item,) = [item for item in scan_items() if item["sk"] == "content"]
        return item

    before = content()
    assert stored_size(before) < 10_000, "a long text is kept compressed"
    delivery.send_queued(message.org_id, message.id)
    feedback.record_bounce(message.org_id, message.id, message.to, permanent=True)
    service.change_labels(acme.caller(), message.id, ["x"], [])
    assert content() == before
    found = store.get_message(message.org_id, message.id)
    assert found
    assert found.body == message.body


@pytest.mark.parametrize("body", ["", "short", "x" * 511, "\x00\x1f" * 400, "é" * 90_000, "\ud7ff😀" * 20_000])
def test_a_text_is_read_as_it_was_written(acme: Tenant, body: str) -> None:
    draft = MailDraft(to=["a@example.com"], subject="s", body=body, body_html=body, headers={"X-A": ""})
    message = service.send_message(acme.caller(), draft)
    assert store.get_message(message.org_id, message.id) == message


def test_a_message_shows_the_reports_of_each_recipient(acme: Tenant, provider: Provider) -> None:
    message = send_mail(acme, "lost@example.com", "has@example.com", "spam@example.com", "waits@example.com")
    said = feedback.ServerResponse("5.1.1", "smtp; 550 5.1.1 unknown")
    feedback.record_bounce(
        acme.org_id, message.id, ["lost@example.com"], permanent=True, said={"lost@example.com": said}
    )
    feedback.record_delivery(acme.org_id, message.id, ["HAS@example.com", "spam@example.com"])
    feedback.record_complaint(acme.org_id, message.id, ["spam@example.com"])
    found = MessageDetail.of_reports(*service.get_message_with_reports(acme.caller(), message.id))
    assert {one.address: one.status for one in found.recipients} == {
        "lost@example.com": "BOUNCED",
        "has@example.com": "DELIVERED",
        "spam@example.com": "COMPLAINED",
        "waits@example.com": "PENDING",
    }
    lost = found.recipients[0]
    assert (lost.code, lost.diagnostic, lost.permanent) == ("5.1.1", "smtp; 550 5.1.1 unknown", True)
    stored = service.get_message(acme.caller(), message.id)
    assert MessageView.of(stored) == MessageView(**found.model_dump(exclude={"recipients"}))


def test_an_unknown_message_has_no_reports(acme: Tenant) -> None:
    with pytest.raises(NotFound):
        service.get_message_with_reports(acme.caller(), "msg_none")


def test_a_worker_that_gives_up_does_not_fail_a_sent_mail(acme: Tenant, provider: Provider) -> None:
    """All interleavings: a worker is refused, and before each of its requests another worker finds the mail allowed
    again.
    """
    outcomes, sabotage = set[MailState](), Sabotage()
    for place in range(20):
        address = f"a{place}@example.com"
        message = queue_mail(acme, address)
        suppressions.add_suppression(acme.caller(), address)
        provider.sent.clear()

        def come_between(message: Message = message, address: str = address) -> None:
            suppressions.lift_suppression(acme.caller(), address)
            delivery.send_queued(message.org_id, message.id)

        with sabotage.meeting(place, come_between):
            delivery.send_queued(message.org_id, message.id)
        state = load_message(message).head.state
        assert (state is MailState.SENT) == bool(provider.sent), (place, state)
        outcomes.add(state)
    assert outcomes == {MailState.SENT, MailState.FAILED}
