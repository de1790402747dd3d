"""Answers to keywords: when they go out, and which requests of the contact stop them."""

from __future__ import annotations

import pytest

from switchboard.carriers.messages.ports.messenger import ThrottledError
from switchboard.compliance import ledgers
from switchboard.kit import clock
from switchboard.messaging.models import MessageStatus, TextConversation, TextMessage
from tests.actors import Tenant
from tests.fakes.texts import FakeMessenger
from tests.unit.messaging.inbox import opt_out_of, receive, texts_of
from tests.unit.messaging.texts_out import Desk, open_desk, read_again, work_off

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

CONFIRMATION = "Acme: You are unsubscribed and get no more texts. Reply START to get them again."


@pytest.fixture
def desk(acme: Tenant) -> Desk:
    return open_desk(acme)


@pytest.fixture(autouse=True)
def _we_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The carrier leaves the answers to keywords to us."""
    monkeypatch.setenv("SWITCHBOARD_CARRIER_ANSWERS_KEYWORDS", "off")


def answer_of(talk: TextConversation) -> TextMessage:
    """The latest answer of the platform."""
    return [one for one in texts_of(talk) if one.direction == "outbound"][-1]


# ---- in time


def test_an_answer_goes_out_within_five_minutes_of_the_request(
    desk: Desk, messenger: FakeMessenger, frozen: clock.FrozenClock
) -> None:
    answer = answer_of(receive(desk.number, "STOP"))
    frozen.advance(seconds=280)
    assert work_off(answer).status is MessageStatus.ACCEPTED
    assert [one.body for one in messenger.taken] == [CONFIRMATION]


def test_an_answer_that_comes_later_fails_and_costs_nothing(
    desk: Desk, messenger: FakeMessenger, frozen: clock.FrozenClock
) -> None:
    answer = answer_of(receive(desk.number, "STOP"))
    frozen.advance(seconds=300)
    after = work_off(answer)
    assert (after.status, after.error_code, messenger.taken) == (MessageStatus.FAILED, "answer_too_late", [])
    assert "five minutes" in (after.error_message or "")
    assert desk.spent() == (0, 0)


def test_a_throttled_answer_does_not_wait_beyond_its_time(
    desk: Desk, messenger: FakeMessenger, frozen: clock.FrozenClock
) -> None:
    answer = answer_of(receive(desk.number, "STOP"))
    messenger.outcome = ThrottledError("busy")
    statuses = []
    for _ in range(6):
        statuses.append(work_off(answer).status)
        frozen.advance(seconds=60)
    assert statuses[0] is MessageStatus.QUEUED
    assert (read_again(answer).status, read_again(answer).error_code) == (MessageStatus.FAILED, "answer_too_late")


# ---- in spite of an opt-out


@pytest.mark.parametrize("first", ["START", "HELP"])
def test_a_later_stop_stops_the_answer_to_an_earlier_keyword(
    desk: Desk, messenger: FakeMessenger, frozen: clock.FrozenClock, first: str
) -> None:
    early = answer_of(receive(desk.number, first))
    frozen.advance(seconds=5)
    confirmation = answer_of(receive(desk.number, "STOP"))
    assert (work_off(early).error_code, messenger.taken) == ("opted_out", [])
    frozen.advance(seconds=5)
    work_off(confirmation)
    assert [one.body for one in messenger.taken] == [CONFIRMATION]


def test_help_is_answered_after_an_opt_out_and_not_after_the_next_one(
    desk: Desk, messenger: FakeMessenger, frozen: clock.FrozenClock
) -> None:
    receive(desk.number, "STOP")
    frozen.advance(seconds=400)
    first = answer_of(receive(desk.number, "HELP"))
    work_off(first)
    assert len(messenger.taken) == 1
    frozen.advance(seconds=400)
    second = answer_of(receive(desk.number, "HELP"))
    frozen.advance(seconds=5)
    receive(desk.number, "STOP")
    assert (work_off(second).error_code, len(messenger.taken)) == ("opted_out", 1)


def test_a_confirmation_holds_after_the_contact_asks_again(
    desk: Desk, messenger: FakeMessenger, frozen: clock.FrozenClock
) -> None:
    confirmation = answer_of(receive(desk.number, "STOP"))
    frozen.advance(seconds=5)
    receive(desk.number, "STOP")
    work_off(confirmation)
    assert [one.body for one in messenger.taken] == [CONFIRMATION]


def test_a_confirmation_does_not_pass_another_opt_out(
    desk: Desk, messenger: FakeMessenger, frozen: clock.FrozenClock
) -> None:
    confirmation = answer_of(receive(desk.number, "STOP"))
    frozen.advance(seconds=5)
    receive(desk.number, "START")
    frozen.advance(seconds=5)
    ledgers.record_opt_out(desk.who, confirmation.contact_e164, "spoken")
    assert opt_out_of(desk.org_id) is not None
    assert (work_off(confirmation).error_code, messenger.taken) == ("opted_out", [])
