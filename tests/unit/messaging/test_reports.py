"""Reports of the carrier about our texts: late, twice and in any order."""

from __future__ import annotations

from itertools import permutations
from typing import Any, cast

import pytest

from switchboard.aws.writes import Put, Writes, commit
from switchboard.carriers.messages.ports.reports import ReportedStatus
from switchboard.kit import clock
from switchboard.messaging import reports, store
from switchboard.messaging.models import MessageStatus, TextMessage
from tests.actors import Tenant
from tests.conftest import Skips
from tests.unit.messaging.desk import make_conversation, make_text
from tests.unit.messaging.inbox import events_of, opt_out_of, report

ORDERS = list(permutations(("queued", "sending", "sent", "delivered", "read", "accepted")))


def save_text(org_id: str, status: MessageStatus = MessageStatus.ACCEPTED, **facts: Any) -> TextMessage:
    """Store a text that was handed to the carrier."""
    known: dict[str, Any] = {"sent_at": clock.now_iso(), "sid": "SM1"} if status is MessageStatus.ACCEPTED else {}
    text = make_text(make_conversation(org_id), status=status, **{**known, **facts})
    commit(store.new_message_write(text))
    return text


def current(text: TextMessage) -> TextMessage:
    found = store.get_message(text.org_id, text.conversation_id, text.id)
    assert found is not None
    return found


def kinds(text: TextMessage) -> list[str]:
    return [event.type for event in events_of(text)]


def test_all_orders_of_six_reports_end_the_same() -> None:
    with clock.using(clock.FrozenClock()):
        text = make_text(make_conversation("org_1"), status=MessageStatus.SENDING)
        ends = set()
        for order in ORDERS:
            now = text
            for status in order:
                now = reports.apply_to_message(now, report(text, cast(ReportedStatus, status))) or now
            ends.add(now.model_copy(update={"version": 0}).model_dump_json())
    assert len(ends) == 1
    assert '"status":"read"' in ends.pop()


@pytest.mark.parametrize("order", ORDERS[:: len(ORDERS) // 6])
def test_each_step_is_told_once_in_any_order(acme: Tenant, order: tuple[ReportedStatus, ...]) -> None:
    text = save_text(acme.org_id, MessageStatus.SENDING)
    for status in (*order, *order):
        reports.apply_report(report(text, status))
    assert current(text).status is MessageStatus.READ
    assert sorted(kinds(text)) == ["sms.delivered", "sms.sent"]


def test_a_delivered_text_has_its_times(acme: Tenant, frozen: clock.FrozenClock) -> None:
    text = save_text(acme.org_id)
    frozen.advance(seconds=5)
    reports.apply_report(report(text, "delivered"))
    after = current(text)
    assert (after.status, after.sent_at) == (MessageStatus.DELIVERED, text.sent_at)
    assert after.delivered_at == clock.now_iso()
    assert kinds(text) == ["sms.delivered"]


def test_an_undelivered_text_says_why(acme: Tenant, skipped: Skips) -> None:
    text = save_text(acme.org_id)
    reports.apply_report(report(text, "undelivered", error_code=30003))
    reports.apply_report(report(text, "delivered"))
    after = current(text)
    assert (after.status, after.error_code) == (MessageStatus.UNDELIVERED, "30003")
    assert after.error_message == "The telephone is switched off or cannot be reached."
    [told] = events_of(text)
    assert (told.type, told.data["error"]) == ("sms.failed", "30003")
    assert len(skipped) == 1


def test_a_report_settles_a_text_with_an_unknown_outcome(acme: Tenant) -> None:
    text = save_text(acme.org_id, MessageStatus.UNCONFIRMED, provisional=True)
    reports.apply_report(report(text, "sent", provider_sid="SM9"))
    after = current(text)
    assert (after.status, after.provider_sid, after.provisional) == (MessageStatus.SENT, "SM9", False)
    assert kinds(text) == ["sms.sent"]


def test_a_report_corrects_a_supposed_failure(acme: Tenant) -> None:
    text = save_text(acme.org_id, MessageStatus.FAILED, provisional=True, error_code="unconfirmed", error_message="x")
    reports.apply_report(report(text, "delivered"))
    after = current(text)
    assert (after.status, after.error_code, after.error_message) == (MessageStatus.DELIVERED, None, None)


def test_a_failure_before_the_carrier_accepted_the_text_is_not_told_as_sent(acme: Tenant) -> None:
    text = save_text(acme.org_id, MessageStatus.SENDING)
    reports.apply_report(report(text, "failed", error_code=30002))
    assert current(text).sent_at is None
    assert kinds(text) == ["sms.failed"]


@pytest.mark.parametrize("status", [MessageStatus.ACCEPTED, MessageStatus.DELIVERED])
def test_an_opt_out_with_the_carrier_is_one_in_our_ledger(acme: Tenant, status: MessageStatus) -> None:
    text = save_text(acme.org_id, status)
    for _ in range(2):
        reports.apply_report(report(text, "failed", error_code=21610))
    entry = opt_out_of(acme.org_id)
    assert entry is not None
    assert (entry.source, entry.reason) == ("keyword", "reported by the carrier")


def test_a_report_after_an_opt_out_still_ends_the_text(acme: Tenant) -> None:
    one, other = save_text(acme.org_id), save_text(acme.org_id)
    for text in (one, other):
        reports.apply_report(report(text, "failed", error_code=21610))
    assert current(other).status is MessageStatus.FAILED


def test_the_counts_of_a_campaign_are_in_the_same_commit(acme: Tenant) -> None:
    text = save_text(acme.org_id)
    seen = []

    def beside(before: TextMessage, after: TextMessage) -> Writes:
        seen.append((before.status, after.status))
        return Put(table="core", item={"pk": f"{acme.org_id}#counts", "sk": "x"}, unless_exists=True)

    for _ in range(2):
        reports.apply_report(report(text, "delivered"), beside)
    assert seen == [(MessageStatus.ACCEPTED, MessageStatus.DELIVERED)]


def test_reports_about_an_unknown_text_are_dropped(acme: Tenant, skipped: Skips) -> None:
    reports.apply_report(report(make_text(make_conversation(acme.org_id)), "delivered"))
    assert [reason for reason, _ in skipped] == ["the report changes nothing"]


@pytest.mark.parametrize("at", ["2020-01-01T00:00:00.000Z", "2099-01-01T00:00:00.000Z"])
def test_a_report_with_an_impossible_time_gets_a_possible_one(acme: Tenant, at: str) -> None:
    text = save_text(acme.org_id)
    reports.apply_report(report(text, "delivered", reported_at=at))
    assert current(text).delivered_at == clock.now_iso()
