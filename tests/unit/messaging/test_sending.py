"""Sending queued texts: the claim, the carrier's answers, and workers that die."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from switchboard.accounts import organizations
from switchboard.aws.dynamodb import decode_item
from switchboard.aws.writes import commit
from switchboard.carriers.messages.ports.messenger import (
    FoundText,
    OutcomeUnknownError,
    TextRefusedError,
    ThrottledError,
)
from switchboard.carriers.messages.ports.reports import TextReport
from switchboard.compliance import ledgers
from switchboard.compliance.models import PassedOptOut
from switchboard.kit import clock
from switchboard.messaging import acceptance, confirming, reports, sending
from switchboard.messaging.jobs import ConfirmText
from switchboard.messaging.models import MessageStatus, TextMessage
from switchboard.numbers import store as numbers
from switchboard.persistence.collection import next_version
from switchboard.team import members
from switchboard.team.permissions import Role
from tests.actors import Tenant, member, system
from tests.fakes.texts import FakeMessenger, sid_of
from tests.integration.sabotage import Sabotage, drain_queue, scan_items
from tests.unit.messaging.desk import CONTACT
from tests.unit.messaging.texts_out import (
    Desk,
    find_events,
    job_of,
    list_events,
    open_desk,
    read_again,
    waiting_jobs,
    work_off,
)

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def desk(acme: Tenant) -> Desk:
    return open_desk(acme)


def confirm(text: TextMessage) -> TextMessage:
    """Asks the carrier about the present claim of a text."""
    claim = read_again(text).claim
    assert claim is not None
    confirming.confirm_text(
        ConfirmText(org_id=text.org_id, conversation_id=text.conversation_id, message_id=text.id, claim=claim)
    )
    return read_again(text)


def test_the_carrier_gets_a_text_once(desk: Desk, messenger: FakeMessenger) -> None:
    text = desk.send(desk.talk_with(), "Hello.")
    sent = work_off(text)
    assert (sent.status, sent.provider_sid, sent.sent_at) == (
        MessageStatus.ACCEPTED,
        sid_of(text.id),
        clock.now_iso(),
    )
    assert work_off(text) == sent
    (taken,) = messenger.taken
    assert (taken.message_id, taken.to_number, taken.number_id, taken.body) == (
        text.id,
        CONTACT,
        desk.number.id,
        "Hello.",
    )
    assert list_events(text.id) == ["sms.queued", "sms.sent"]
    assert desk.spent() == (1, 15_000)


def test_a_report_that_is_faster_than_the_record_stays(desk: Desk, messenger: FakeMessenger) -> None:
    text = desk.send(desk.talk_with())

    def deliver(_: Any) -> None:
        told = TextReport(
            org_id=text.org_id,
            conversation_id=text.conversation_id,
            message_id=text.id,
            provider_sid=sid_of(text.id),
            status="delivered",
            reported_at=clock.now_iso(),
        )
        reports.apply_report(told)

    messenger.at_arrival = deliver
    sent = work_off(text)
    assert (sent.status, sent.provider_sid, sent.sent_at) == (
        MessageStatus.DELIVERED,
        sid_of(text.id),
        clock.now_iso(),
    )
    assert list_events(text.id) == ["sms.queued", "sms.sent", "sms.delivered"]


def test_a_refused_text_fails_in_words_and_is_given_back(desk: Desk, messenger: FakeMessenger) -> None:
    messenger.outcome = TextRefusedError("not a mobile", 21614)
    failed = work_off(desk.send(desk.talk_with(), "x" * 161))
    assert (failed.status, failed.error_code, failed.receipt) == (MessageStatus.FAILED, "21614", None)
    assert failed.error_message == "The number cannot receive texts: it is not a mobile number."
    assert (desk.spent(), find_events(failed.id)[-1].data["error"]) == ((0, 0), "21614")


@pytest.mark.parametrize("known", [False, True])
def test_an_opt_out_with_the_carrier_enters_the_ledger(desk: Desk, messenger: FakeMessenger, known: bool) -> None:
    text = desk.send(desk.talk_with())
    if known:

        def opt_out(_: Any) -> None:
            ledgers.record_opt_out(desk.who, CONTACT, "manual")

        messenger.at_arrival = opt_out
    messenger.outcome = TextRefusedError("opted out", 21610)
    assert work_off(text).error_code == "21610"
    assert [one.source for one in ledgers.list_opt_outs(desk.org_id, 10)[0]] == ["manual" if known else "keyword"]
    assert desk.spent() == (0, 0)


def test_a_throttled_text_waits_longer_each_time_and_ends_after_four_hours(
    desk: Desk, messenger: FakeMessenger, frozen: clock.FrozenClock
) -> None:
    messenger.outcome = ThrottledError("later")
    text = desk.send(desk.talk_with())
    first = work_off(text)
    assert (first.status, first.throttled, first.claim) == (MessageStatus.QUEUED, 1, None)
    assert waiting_jobs("SendText") == 2
    frozen.advance(hours=3, minutes=59, seconds=50)
    ended = work_off(text)
    assert (ended.status, ended.error_code, desk.spent()) == (MessageStatus.FAILED, "throttled", (0, 0))


def test_a_throttled_text_is_sent_by_a_later_attempt(
    desk: Desk, messenger: FakeMessenger, frozen: clock.FrozenClock
) -> None:
    messenger.outcome = ThrottledError("later")
    text = work_off(desk.send(desk.talk_with()))
    frozen.advance(seconds=15)
    messenger.outcome = None
    assert work_off(text).status is MessageStatus.ACCEPTED
    assert (len(messenger.taken), desk.spent()) == (1, (1, 15_000))


@pytest.mark.parametrize("error", [OutcomeUnknownError("timeout"), RuntimeError("a bug")])
def test_a_text_with_an_unknown_outcome_is_asked_for_and_never_sent_again(
    desk: Desk, messenger: FakeMessenger, error: Exception
) -> None:
    messenger.outcome = error
    text = desk.send(desk.talk_with())
    assert work_off(text).status is MessageStatus.SENDING
    messenger.outcome = None
    assert work_off(text).status is MessageStatus.SENDING
    lost = confirm(text)
    assert (lost.status, lost.provisional, list_events(text.id)[-1]) == (
        MessageStatus.UNCONFIRMED,
        True,
        "sms.unconfirmed",
    )
    assert (work_off(text), confirm(text)) == (lost, lost)
    assert ([one.message_id for one in messenger.asked], desk.spent()) == ([text.id], (1, 15_000))


def test_a_found_text_was_sent_and_its_status_follows_as_a_report(desk: Desk, messenger: FakeMessenger) -> None:
    messenger.outcome, messenger.known = OutcomeUnknownError("timeout"), FoundText("SM9", "undelivered", 30003)
    text = work_off(desk.send(desk.talk_with()))
    found = confirm(text)
    assert (found.status, found.provider_sid) == (MessageStatus.ACCEPTED, "SM9")
    (told,) = drain_queue("text-reports")
    assert (told["status"], told["error_code"], told["message_id"]) == ("undelivered", 30003, text.id)


def test_a_carrier_that_does_not_say_leaves_a_text_unconfirmed(desk: Desk, messenger: FakeMessenger) -> None:
    messenger.outcome = messenger.known = OutcomeUnknownError("timeout")
    assert confirm(work_off(desk.send(desk.talk_with()))).status is MessageStatus.UNCONFIRMED


def test_a_worker_that_dies_between_two_calls_sends_a_text_at_most_once(
    desk: Desk, messenger: FakeMessenger, frozen: clock.FrozenClock
) -> None:
    sabotage = Sabotage()
    with sabotage.counting() as calls:
        work_off(desk.send(desk.talk_with("+14155550111"), "Counted."))
    places = len(calls) + 1
    for place in range(places):
        messenger.taken.clear()
        text = desk.send(desk.talk_with(f"+141555501{30 + place}"))
        frozen.advance(seconds=2)
        with sabotage.killing(place):
            work_off(text)
        frozen.advance(seconds=2)
        after = work_off(text)
        if after.status is MessageStatus.SENDING:
            messenger.known = FoundText(sid_of(text.id), "sent") if messenger.taken else None
            after = confirm(text)
        assert len(messenger.taken) <= 1
        expected = MessageStatus.ACCEPTED if messenger.taken else MessageStatus.UNCONFIRMED
        assert after.status is expected
    assert desk.spent()[0] == places + 1


def test_two_workers_send_a_text_once(desk: Desk, messenger: FakeMessenger, frozen: clock.FrozenClock) -> None:
    sabotage = Sabotage()
    for place in range(5):
        messenger.taken.clear()
        frozen.advance(seconds=2)
        text = desk.send(desk.talk_with(f"+141555501{40 + place}"))

        def second(one: TextMessage = text) -> None:
            work_off(one)

        with sabotage.meeting(place, second):
            work_off(text)
        assert len(messenger.taken) == 1


@pytest.mark.parametrize(
    "code", ["suspended", "subscription_unpaid", "number_released", "member_not_permitted", "opted_out", "dnc"]
)
def test_what_was_withdrawn_stops_a_queued_text_and_gives_it_back(
    desk: Desk, messenger: FakeMessenger, code: str
) -> None:
    text = desk.send(desk.talk_with())
    match code:
        case "suspended":
            organizations.set_status(system(desk.org_id), "suspended")
        case "subscription_unpaid":
            commit(organizations.terms_writes(system(desk.org_id), None, unpaid=True))
        case "number_released":
            commit(numbers.NUMBERS.save_write(next_version(desk.number.released())))
        case "member_not_permitted":
            member(desk.org_id, name="Second")
            members.change_role(system(desk.org_id), desk.who.user_id, Role.VIEWER)
        case "opted_out":
            ledgers.record_opt_out(desk.who, CONTACT, "manual")
        case _:
            ledgers.block_number(desk.who, CONTACT)
    failed = work_off(text)
    assert (failed.status, failed.error_code, messenger.taken) == (MessageStatus.FAILED, code, [])
    assert failed.error_message
    assert desk.spent() == (0, 0)


def test_an_answer_to_stop_passes_the_opt_out_but_no_block(
    desk: Desk, messenger: FakeMessenger, frozen: clock.FrozenClock
) -> None:
    talk, org = desk.talk_with(), organizations.get_organization(desk.org_id)
    entry = ledgers.record_opt_out(desk.who, CONTACT, "keyword")
    passed = PassedOptOut(created_at=entry.created_at)
    by: Any = {"answer_by": clock.format_iso(clock.now() + timedelta(minutes=5)), "correlation_id": "corr_1"}
    first, writes = acceptance.system_text_writes(org, talk, "You are unsubscribed.", passes=passed, **by)
    commit(writes)
    assert work_off(first).status is MessageStatus.ACCEPTED
    second, writes = acceptance.system_text_writes(org, talk, "Write to us for help.", passes=passed, **by)
    commit(writes)
    ledgers.block_number(desk.who, CONTACT)
    frozen.advance(seconds=1)
    assert work_off(second).error_code == "dnc"
    assert len(messenger.taken) == 1


def test_an_answer_to_a_keyword_goes_out_while_the_organization_is_unpaid(desk: Desk) -> None:
    talk, org = desk.talk_with(), organizations.get_organization(desk.org_id)
    by: Any = {"answer_by": clock.format_iso(clock.now() + timedelta(minutes=5)), "correlation_id": "corr_1"}
    message, writes = acceptance.system_text_writes(org, talk, "Write to us for help.", **by)
    commit(writes)
    commit(organizations.terms_writes(system(desk.org_id), None, unpaid=True))
    assert work_off(message).status is MessageStatus.ACCEPTED


@pytest.mark.parametrize(("minutes", "seconds"), [(60, 300), (2, 120)])
def test_an_answer_to_a_keyword_waits_at_the_carrier_for_minutes_only(
    desk: Desk, messenger: FakeMessenger, minutes: int, seconds: int
) -> None:
    by = clock.format_iso(clock.now() + timedelta(minutes=minutes))
    message, writes = acceptance.system_text_writes(
        desk.who.organization, desk.talk_with(), "Bye.", answer_by=by, correlation_id="cor_1"
    )
    commit(writes)
    work_off(message)
    assert [text.valid_seconds for text in messenger.taken] == [seconds]


def test_the_last_look_reads_many_numbers_at_once(desk: Desk) -> None:
    texts = [desk.send(desk.talk_with(f"+14155550{100 + place}")) for place in range(60)]
    ledgers.record_opt_out(desk.who, texts[1].contact_e164, "manual")
    ledgers.block_number(desk.who, texts[55].contact_e164)
    with Sabotage().counting() as calls:
        found = sending.look_again(texts)
    assert (found, calls) == ({texts[1].id: "opted_out", texts[55].id: "dnc"}, ["BatchGetItem"] * 2)


def test_a_send_costs_six_requests(desk: Desk) -> None:
    text = desk.send(desk.talk_with())
    with Sabotage().counting() as calls:
        sending.send_queued_text(job_of(text))
    # The text, the gate, the pace, the claim, the last look and the record.
    assert sorted(calls) == ["BatchGetItem"] * 3 + ["TransactWriteItems"] * 2 + ["UpdateItem"]


def test_the_watch_of_a_claim_is_due_in_ten_minutes(desk: Desk) -> None:
    work_off(desk.send(desk.talk_with()))
    items = scan_items("activity", FilterExpression="outbox = :job", ExpressionAttributeValues={":job": {"S": "job"}})
    found = [item for item in map(decode_item, items) if item["body"]["job"] == "ConfirmText"]
    assert [item["due"] for item in found] == ["2026-01-15T17:10:00.000Z"]
