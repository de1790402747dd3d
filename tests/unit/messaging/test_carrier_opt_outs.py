"""Refusals of the carrier because of an opt-out (21610). The carrier blocks each of our numbers apart."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from switchboard.aws.writes import commit
from switchboard.carriers.messages.ports.messenger import TextRefusedError
from switchboard.compliance import ledgers
from switchboard.kit import clock
from switchboard.messaging import reports, store
from switchboard.messaging.models import MessageStatus, TextConversation, TextMessage
from switchboard.numbers.models import Number
from tests.actors import Tenant
from tests.fakes.texts import FakeMessenger
from tests.integration.sabotage import Sabotage
from tests.unit.messaging.desk import CONTACT, make_conversation, make_text
from tests.unit.messaging.inbox import find_conversation, opt_out_of, receive, report
from tests.unit.messaging.texts_out import Desk, give_number, open_desk, read_again, work_off

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

OTHER_NUMBER = "+14155550198"
#: Lets the carrier refuse a text from the desk's number, and returns the text.
Refuse = Callable[[Desk, TextConversation, FakeMessenger], TextMessage]


@pytest.fixture
def desk(acme: Tenant) -> Desk:
    return open_desk(acme)


@pytest.fixture
def other(desk: Desk) -> Number:
    return give_number(desk.org_id, OTHER_NUMBER)


def at_hand_over(desk: Desk, talk: TextConversation, messenger: FakeMessenger) -> TextMessage:
    messenger.outcome = TextRefusedError("opted out", 21610)
    return work_off(desk.send(talk))


def by_report(desk: Desk, talk: TextConversation, messenger: FakeMessenger) -> TextMessage:
    assert messenger.outcome is None
    sent = work_off(desk.send(talk))
    reports.apply_report(report(sent, "failed", error_code=21610))
    return read_again(sent)


def by_late_report(desk: Desk, talk: TextConversation, messenger: FakeMessenger) -> TextMessage:
    """The text has ended before the report."""
    assert messenger.outcome is None
    sent = make_text(talk, status=MessageStatus.UNDELIVERED)
    commit(store.new_message_write(sent))
    reports.apply_report(report(sent, "undelivered", error_code=21610))
    return read_again(sent)


REFUSALS = pytest.mark.parametrize("refuse", [at_hand_over, by_report, by_late_report])


def pass_minutes(frozen: clock.FrozenClock) -> None:
    frozen.advance(minutes=10)


@REFUSALS
def test_a_refusal_does_not_end_a_newer_start_at_another_number(
    desk: Desk, other: Number, messenger: FakeMessenger, frozen: clock.FrozenClock, refuse: Refuse
) -> None:
    receive(desk.number, "STOP")
    pass_minutes(frozen)
    receive(other, "START")
    pass_minutes(frozen)
    failed = refuse(desk, find_conversation(desk.number), messenger)
    assert failed.status in (MessageStatus.FAILED, MessageStatus.UNDELIVERED)
    if refuse is not by_late_report:
        assert "must reply START to this number" in (failed.error_message or "")
    assert opt_out_of(desk.org_id) is None
    messenger.outcome = None
    assert work_off(desk.send(find_conversation(other))).status is MessageStatus.ACCEPTED


@REFUSALS
def test_a_refusal_after_a_newer_stop_at_the_same_number_opts_out(
    desk: Desk, other: Number, messenger: FakeMessenger, frozen: clock.FrozenClock, refuse: Refuse
) -> None:
    receive(desk.number, "STOP")
    pass_minutes(frozen)
    receive(other, "START")
    pass_minutes(frozen)
    receive(desk.number, "STOP")
    pass_minutes(frozen)
    entry = opt_out_of(desk.org_id)
    assert entry is not None
    # The entry has gone, and the opt-in is older than the request.
    commit(ledgers.opt_in_writes(desk.who, entry, "2025-01-01T00:00:00.000Z"))
    refuse(desk, find_conversation(desk.number), messenger)
    assert opt_out_of(desk.org_id) is not None


@REFUSALS
def test_a_refusal_opts_out_a_contact_who_never_opted_in_again(
    desk: Desk, messenger: FakeMessenger, frozen: clock.FrozenClock, refuse: Refuse
) -> None:
    talk = receive(desk.number, "START")
    pass_minutes(frozen)
    refuse(desk, talk, messenger)
    entry = opt_out_of(desk.org_id)
    assert entry is not None
    assert (entry.source, entry.reason) == ("keyword", "reported by the carrier")


def test_an_opt_in_by_a_member_counts_too(desk: Desk, messenger: FakeMessenger, frozen: clock.FrozenClock) -> None:
    talk = receive(desk.number, "STOP")
    pass_minutes(frozen)
    assert ledgers.record_opt_in(desk.who, CONTACT)
    assert "must reply START" in (at_hand_over(desk, talk, messenger).error_message or "")
    assert opt_out_of(desk.org_id) is None


def test_a_start_at_the_same_moment_is_not_undone(
    desk: Desk, other: Number, messenger: FakeMessenger, frozen: clock.FrozenClock
) -> None:
    """The START arrives between any two requests of the worker that records the refusal."""
    place, calls = make_conversation(desk.org_id, number_id=desk.number.id), ["first"]
    at = 0

    def start() -> None:
        receive(other, "START")

    while at < len(calls):
        sent = make_text(place, status=MessageStatus.SENDING)
        commit(store.new_message_write(sent))
        receive(desk.number, "STOP")
        pass_minutes(frozen)
        sabotage = Sabotage()
        with sabotage.meeting(at, start):
            reports.apply_report(report(sent, "failed", error_code=21610))
        calls = list(sabotage.calls)
        assert opt_out_of(desk.org_id) is None
        at += 1
        pass_minutes(frozen)
    assert at > 2
