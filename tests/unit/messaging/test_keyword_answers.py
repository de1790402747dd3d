"""Answers to keywords: when they go out, and which requests of the contact stop them."""

from __future__ import annotations

import pytest

from switchboard.carriers.messages.ports.messenger import ThrottledError
from switchboard.compliance import ledgers
from switchboard.kit import clock
from switchboard.messaging import keyword_answers
from switchboard.messaging.models import MessageStatus, TextConversation, TextMessage
from switchboard.team.permissions import Role
from tests.actors import Tenant, member
from tests.fakes.texts import FakeMessenger
from tests.unit.messaging.inbox import opt_out_of, receive, texts_of
from tests.unit.messaging.texts_out import Desk, give_number, open_desk, read_again, work_off

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


# ---- what they cost

COSTLY = ["+881631234567", "+979123456789", "+449098790000", "+19005551234", "+447055123456"]


@pytest.mark.parametrize("sender", COSTLY)
@pytest.mark.parametrize("said", ["HELP", "START", "STOP"])
def test_a_costly_number_gets_no_answer(desk: Desk, sender: str, said: str) -> None:
    talk = receive(desk.number, said, sender)
    assert [one.direction for one in texts_of(talk)] == ["inbound"]
    assert (opt_out_of(desk.org_id, sender) is not None) is (said == "STOP")
    assert desk.spent() == (0, 0)


@pytest.mark.parametrize("said", ["HELP", "START"])
def test_answers_have_a_daily_ceiling(
    desk: Desk, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setattr(keyword_answers, "DAILY_ANSWERS", 3)
    talks = [receive(desk.number, said, f"+141555520{place:02}") for place in range(5)]
    assert [len(texts_of(talk)) for talk in talks] == [2, 2, 2, 1, 1]
    assert [talk.message_count for talk in talks] == [2, 2, 2, 1, 1]
    confirmed = receive(desk.number, "STOP", "+14155552098")
    assert answer_of(confirmed).body == CONFIRMATION
    frozen.advance(days=1)
    assert len(texts_of(receive(desk.number, said, "+14155552099"))) == 2


def test_answers_of_simulated_numbers_have_no_ceiling(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyword_answers, "DAILY_ANSWERS", 0)
    number = give_number(acme.org_id, provider="simulator")
    assert len(texts_of(receive(number, "HELP"))) == 2


# ---- help


def test_help_names_the_first_admin_if_the_organization_has_no_contact(
    acme: Tenant, desk: Desk, frozen: clock.FrozenClock
) -> None:
    member(acme.org_id, Role.OPERATOR, "Aaron")
    frozen.advance(seconds=1)
    member(acme.org_id, Role.ADMIN, "Abby")
    assert desk.who.role is Role.ADMIN
    answer = answer_of(receive(desk.number, "HELP"))
    assert answer.body == f"Acme: Help: {desk.who.user.email}. Reply STOP to get no more texts."


@pytest.mark.parametrize(
    ("said", "body"),
    [
        ("HELP", "Acme: For help, reply to this text. Reply STOP to get no more texts."),
        ("AYUDA", "Acme: Para ayuda, responda a este mensaje. Responda ALTO para no recibir mas mensajes."),
    ],
)
def test_help_without_any_contact_asks_for_a_reply(acme: Tenant, said: str, body: str) -> None:
    number = give_number(acme.org_id)
    assert answer_of(receive(number, said)).body == body
