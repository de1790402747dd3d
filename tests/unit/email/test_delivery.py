"""A mail from queued to delivered, bounced or unconfirmed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from functions.anima.email.schemas import MessageDetail
from switchboard.accounts import keys, organizations
from switchboard.aws import clients, dynamodb
from switchboard.aws.reads import Query
from switchboard.carriers import mail
from switchboard.email import composition, delivery, feedback, service, store
from switchboard.email.models import MailDraft, MailState, Message
from switchboard.email.service import RecipientSuppressed
from switchboard.events import service as events
from switchboard.kit import clock, settings
from tests.actors import Tenant, system, tenant
from tests.fakes.mail import MailCarrier

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def carrier(monkeypatch: pytest.MonkeyPatch) -> MailCarrier:
    provider = MailCarrier()
    monkeypatch.setattr(mail, "mail_carrier", lambda: provider)
    return provider


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    return tenant()


def queue_mail(acme: Tenant, *to: str) -> Message:
    draft = MailDraft(to=list(to) or ["you@example.com"], subject="Hello", body="Body")
    return service.send_message(acme.caller(), draft)


def load_message(message: Message) -> Message:
    found = store.get_message(message.org_id, message.id)
    assert found is not None
    return found


def test_a_queued_mail_is_sent_once_even_if_its_job_repeats(acme: Tenant, carrier: MailCarrier) -> None:
    message = queue_mail(acme)
    delivery.send_queued(message.org_id, message.id)
    delivery.send_queued(message.org_id, message.id)
    assert len(carrier.sent) == 1
    assert (load_message(message).state, load_message(message).external_id) == (
        MailState.SENT,
        "ses-1@email.amazonses.com",
    )


def test_blind_copies_are_in_the_envelope_and_not_in_the_mail(acme: Tenant, carrier: MailCarrier) -> None:
    draft = MailDraft(to=["a@example.com"], cc=["b@example.com"], bcc=["c@example.com"], subject="s", body="b")
    message = service.send_message(acme.caller(), draft)
    delivery.send_queued(message.org_id, message.id)
    assert carrier.sent[0].recipients == ["a@example.com", "b@example.com", "c@example.com"]
    assert "c@example.com" not in carrier.sent[0].content.decode()


def test_a_refusal_fails_the_mail(acme: Tenant, carrier: MailCarrier) -> None:
    carrier.outcome = mail.RefusedError("not verified")
    message = queue_mail(acme)
    delivery.send_queued(message.org_id, message.id)
    assert (load_message(message).state, load_message(message).error) == (MailState.FAILED, "not verified")


def test_a_failed_mail_has_no_timer(acme: Tenant, carrier: MailCarrier) -> None:
    message = queue_mail(acme, "a@example.com", "b@example.com")

    def statuses() -> list[str]:
        found = service.get_message_with_reports(acme.caller(), message.id)
        return [one.status for one in MessageDetail.of_reports(*found).recipients]

    assert statuses() == ["PENDING", "PENDING"]
    carrier.outcome = mail.RefusedError("not verified")
    delivery.send_queued(message.org_id, message.id)
    assert statuses() == ["FAILED", "FAILED"]


def test_throttling_returns_the_mail_to_its_queue(acme: Tenant, carrier: MailCarrier) -> None:
    carrier.outcome = mail.ThrottledError("slow down")
    message = queue_mail(acme)
    delivery.send_queued(message.org_id, message.id)
    assert load_message(message).state is MailState.QUEUED
    carrier.outcome = "ses-2@email.amazonses.com"
    delivery.send_queued(message.org_id, message.id)
    assert load_message(message).state is MailState.SENT


def test_a_mail_with_an_unknown_outcome_is_never_sent_again_and_is_reported(acme: Tenant, carrier: MailCarrier) -> None:
    carrier.outcome = mail.OutcomeUnknownError("timeout")
    message = queue_mail(acme)
    delivery.send_queued(message.org_id, message.id)
    delivery.send_queued(message.org_id, message.id)
    assert len(carrier.sent) == 1
    assert load_message(message).state is MailState.SENDING
    delivery.check_claim(message.org_id, message.id, claim_mail(message))
    assert load_message(message).state is MailState.UNCONFIRMED


def test_the_providers_report_settles_an_unconfirmed_mail(acme: Tenant, carrier: MailCarrier) -> None:
    carrier.outcome = mail.OutcomeUnknownError("timeout")
    message = queue_mail(acme)
    delivery.send_queued(message.org_id, message.id)
    delivery.check_claim(message.org_id, message.id, claim_mail(message))
    feedback.record_acceptance(message.org_id, message.id, "late@email.amazonses.com")
    assert (load_message(message).state, load_message(message).external_id) == (
        MailState.SENT,
        "late@email.amazonses.com",
    )


def test_a_mail_is_delivered_when_every_recipient_has_it(acme: Tenant, carrier: MailCarrier) -> None:
    message = queue_mail(acme, "a@example.com", "B@Example.com")
    delivery.send_queued(message.org_id, message.id)
    feedback.record_delivery(message.org_id, message.id, ["a@example.com"])
    assert load_message(message).state is MailState.SENT
    feedback.record_delivery(message.org_id, message.id, ["b@example.com"])
    feedback.record_delivery(message.org_id, message.id, ["b@example.com"])
    assert load_message(message).state is MailState.DELIVERED


def test_recording_the_send_does_not_undo_an_earlier_delivery_report(acme: Tenant, carrier: MailCarrier) -> None:
    message = queue_mail(acme)
    carrier.outcome = mail.OutcomeUnknownError("the answer is slower than the report")
    delivery.send_queued(message.org_id, message.id)
    feedback.record_delivery(message.org_id, message.id, ["you@example.com"])
    feedback.record_acceptance(message.org_id, message.id, "ses-3@email.amazonses.com")
    delivery.check_claim(message.org_id, message.id, claim_mail(message))
    assert (load_message(message).state, load_message(message).external_id) == (
        MailState.DELIVERED,
        "ses-3@email.amazonses.com",
    )


def test_a_permanent_bounce_stops_further_mail_to_that_address(acme: Tenant, carrier: MailCarrier) -> None:
    message = queue_mail(acme)
    delivery.send_queued(message.org_id, message.id)
    feedback.record_bounce(message.org_id, message.id, ["you@example.com"], permanent=True)
    assert load_message(message).state is MailState.BOUNCED
    with pytest.raises(RecipientSuppressed) as refusal:
        queue_mail(acme, "fine@example.com", "You@example.com")
    assert refusal.value.details == {"recipients": ["you@example.com"]}


def test_a_transient_bounce_does_not_stop_further_mail(acme: Tenant, carrier: MailCarrier) -> None:
    message = queue_mail(acme)
    delivery.send_queued(message.org_id, message.id)
    feedback.record_bounce(message.org_id, message.id, ["you@example.com"], permanent=False)
    assert queue_mail(acme).state is MailState.QUEUED


def test_a_complaint_stops_further_mail_and_leaves_the_state(acme: Tenant, carrier: MailCarrier) -> None:
    message = queue_mail(acme)
    delivery.send_queued(message.org_id, message.id)
    feedback.record_delivery(message.org_id, message.id, ["you@example.com"])
    feedback.record_complaint(message.org_id, message.id, ["you@example.com"])
    assert load_message(message).state is MailState.DELIVERED
    with pytest.raises(RecipientSuppressed):
        queue_mail(acme)


def test_another_organization_may_write_to_a_suppressed_address(acme: Tenant, carrier: MailCarrier) -> None:
    message = queue_mail(acme)
    delivery.send_queued(message.org_id, message.id)
    feedback.record_bounce(message.org_id, message.id, ["you@example.com"], permanent=True)
    assert queue_mail(tenant("other")).state is MailState.QUEUED


def test_timestamps_move_with_the_state(acme: Tenant, carrier: MailCarrier, frozen: clock.FrozenClock) -> None:
    message = queue_mail(acme)
    frozen.advance(seconds=5)
    delivery.send_queued(message.org_id, message.id)
    assert (load_message(message).created_at, load_message(message).sent_at) == (
        "2026-01-15T17:00:00.000Z",
        "2026-01-15T17:00:05.000Z",
    )


def test_a_later_claim_gets_its_own_ten_minutes(acme: Tenant, carrier: MailCarrier) -> None:
    carrier.outcome = mail.ThrottledError("slow down")
    message = queue_mail(acme)
    delivery.send_queued(message.org_id, message.id)
    carrier.outcome = mail.OutcomeUnknownError("timeout")
    delivery.send_queued(message.org_id, message.id)
    first, second = sorted(item["body"]["claim"] for item in asked_for() if item["body"]["job"] == "ConfirmMail")
    delivery.check_claim(message.org_id, message.id, first)
    assert load_message(message).state is MailState.SENDING
    delivery.check_claim(message.org_id, message.id, second)
    assert load_message(message).state is MailState.UNCONFIRMED


def asked_for() -> list[dict[str, Any]]:
    """The requested jobs that leave through the outbox."""
    items = [
        dynamodb.decode_item(item)
        for item in clients.dynamodb_client().scan(TableName=settings.table_name("activity"))["Items"]
    ]
    return [item for item in items if item.get("outbox") == "job"]


def claim_mail(message: Message) -> int:
    found = load_message(message).claim
    assert found is not None
    return found


def test_a_mail_that_is_throttled_for_ever_fails_in_the_end(
    acme: Tenant, carrier: MailCarrier, frozen: clock.FrozenClock
) -> None:
    carrier.outcome = mail.ThrottledError("slow down")
    message = queue_mail(acme)
    pauses = []
    for _ in range(200):
        delivery.send_queued(message.org_id, message.id)
        if load_message(message).state is not MailState.QUEUED:
            break
        due = max(item["due"] for item in asked_for() if item["body"]["job"] == "SendMail")
        pauses.append((clock.parse(due) - clock.now()).total_seconds())
        frozen.at = clock.parse(due).timestamp()
    assert (load_message(message).state, load_message(message).error) == (
        MailState.FAILED,
        "the mail provider had no capacity in time",
    )
    assert pauses[0] == 2
    assert max(pauses) == 600
    assert 12 * 3_600 <= sum(pauses) <= 13 * 3_600


def test_a_mail_that_cannot_be_composed_fails_and_is_not_sent(acme: Tenant, carrier: MailCarrier) -> None:
    draft = MailDraft(to=["you@example.com"], subject="s", body="b", in_reply_to="<no id>")
    message = service.send_message(acme.caller(), draft)
    delivery.send_queued(message.org_id, message.id)
    assert (load_message(message).state, carrier.sent) == (MailState.FAILED, [])


@pytest.mark.parametrize(
    "metadata", [{"price": 1.5}, {"large": 10**60, "small": 5e-324}, {"": {"deep": [[[[[[[[[]]]]]]]]]}}, {"é": None}]
)
def test_any_json_metadata_is_kept(acme: Tenant, metadata: dict[str, Any]) -> None:
    message = service.send_message(
        acme.caller(), MailDraft(to=["you@example.com"], subject="s", body="b", metadata=metadata)
    )
    assert load_message(message).metadata == metadata
    assert service.list_messages(acme.caller(), None, {}, 10, None)[0][0].metadata == metadata


def test_any_error_while_composing_fails_the_mail_with_an_event(
    acme: Tenant, carrier: MailCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: Any) -> None:
        raise AttributeError("of a library")

    monkeypatch.setattr(composition, "compose_mail", fault)
    message = queue_mail(acme)
    delivery.send_queued(message.org_id, message.id)
    assert (load_message(message).state, carrier.sent) == (MailState.FAILED, [])
    assert events_of(message)[-1].data["reason"] == "unwritable"


def test_a_carrier_that_cannot_be_created_claims_no_mail(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_MAIL_CARRIER", "pigeon")
    message = queue_mail(acme)
    with pytest.raises(KeyError):
        delivery.send_queued(message.org_id, message.id)
    assert load_message(message).state is MailState.QUEUED


def suspend(acme: Tenant) -> None:
    organizations.set_status(system(acme.org_id), "suspended")


def revoke(acme: Tenant) -> None:
    keys.revoke_key(acme.caller(master=True), acme.caller().key.id)


@pytest.mark.parametrize(
    ("happens", "why"),
    [(suspend, "suspended"), (revoke, "key_revoked")],
)
def test_a_claim_checks_again_whether_the_mail_may_be_sent(
    acme: Tenant, carrier: MailCarrier, happens: Callable[[Tenant], None], why: str
) -> None:
    message = queue_mail(acme)
    happens(acme)
    delivery.send_queued(message.org_id, message.id)
    assert (load_message(message).state, carrier.sent) == (MailState.FAILED, [])
    assert events_of(message)[-1].data["reason"] == why


def test_a_mail_whose_job_is_lost_is_tried_again(acme: Tenant, carrier: MailCarrier, frozen: clock.FrozenClock) -> None:
    message = queue_mail(acme)
    (first,) = [item for item in asked_for() if item["body"]["job"] == "WatchMail"]
    frozen.at = clock.parse(first["due"]).timestamp()
    delivery.check_queued(message.org_id, message.id)
    jobs = [item["body"]["job"] for item in asked_for()]
    assert (jobs.count("SendMail"), jobs.count("WatchMail")) == (1, 2)
    delivery.send_queued(message.org_id, message.id)
    delivery.check_queued(message.org_id, message.id)
    assert (load_message(message).state, len(asked_for())) == (MailState.SENT, len(jobs) + 1)


def test_a_mail_that_is_never_tried_fails_at_its_deadline(acme: Tenant, frozen: clock.FrozenClock) -> None:
    message = queue_mail(acme)
    watches = 0
    while load_message(message).state is MailState.QUEUED:
        due = max(item["due"] for item in asked_for() if item["body"]["job"] == "WatchMail")
        frozen.at = clock.parse(due).timestamp()
        delivery.check_queued(message.org_id, message.id)
        watches += 1
    assert (load_message(message).state, watches) == (MailState.FAILED, 49)
    assert events_of(message)[-1].data["reason"] == "expired"


def test_a_throttled_mail_is_not_tried_before_its_time(
    acme: Tenant, carrier: MailCarrier, frozen: clock.FrozenClock
) -> None:
    message = queue_mail(acme)
    frozen.advance(seconds=14 * 60)
    carrier.outcome = mail.ThrottledError("slow down")
    delivery.send_queued(message.org_id, message.id)
    tries = [item["body"]["job"] for item in asked_for()].count("SendMail")
    frozen.advance(seconds=60)
    delivery.check_queued(message.org_id, message.id)
    assert [item["body"]["job"] for item in asked_for()].count("SendMail") == tries


def test_a_reply_to_a_queued_mail_names_it_once_both_are_sent(acme: Tenant, carrier: MailCarrier) -> None:
    first = queue_mail(acme)
    second = service.send_message(
        acme.caller(), MailDraft(to=["you@example.com"], subject="s", body="b", in_reply_to=first.id)
    )
    for message in (first, second):
        delivery.send_queued(message.org_id, message.id)
    assert b"\r\nIn-Reply-To: <ses-1@email.amazonses.com>\r\n" in carrier.sent[1].content


def events_of(message: Message) -> list[events.Event]:
    """The events about a mail, in the order recorded."""
    items = Query(
        table="activity", partition=events.workflow_partition(message.org_id, message.correlation_id)
    ).read_all()
    found = [events.parse_event(item) for item in items if item.get("outbox") == "event"]
    return [event for event in found if event.subject.id == message.id]
