"""Which texts of a contact end an opt-out."""

from __future__ import annotations

import pytest

from switchboard.compliance import ledgers
from switchboard.compliance.models import OptOutSource
from switchboard.kit import clock
from switchboard.messaging.models import Author, MessageStatus
from tests.actors import Tenant
from tests.fakes.texts import FakeMessenger
from tests.unit.messaging.desk import CONTACT
from tests.unit.messaging.inbox import activity_of, events_of, find_conversation, opt_out_of, receive, texts_of
from tests.unit.messaging.texts_out import Desk, give_number, open_desk, work_off

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture(autouse=True)
def _we_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The carrier leaves the answers to keywords to us."""
    monkeypatch.setenv("SWITCHBOARD_CARRIER_ANSWERS_KEYWORDS", "off")


@pytest.fixture
def desk(acme: Tenant) -> Desk:
    return open_desk(acme)


OTHER_SOURCES: list[OptOutSource] = ["manual", "api", "spoken", "key_press"]


@pytest.mark.parametrize("source", OTHER_SOURCES)
def test_yes_does_not_end_an_opt_out_of_another_source(
    desk: Desk, messenger: FakeMessenger, frozen: clock.FrozenClock, source: OptOutSource
) -> None:
    talk = desk.talk_with()
    work_off(desk.send(talk, "Your visit is tomorrow. Reply YES to confirm."))
    ledgers.record_opt_out(desk.who, CONTACT, source)
    frozen.advance(minutes=5)
    talk = receive(desk.number, "Yes")
    assert opt_out_of(desk.org_id) is not None
    assert texts_of(talk)[-1].author is Author.CONTACT
    assert [one.data.get("keyword") for one in events_of(texts_of(talk)[-1]) if one.type == "sms.received"] == [None]


@pytest.mark.parametrize("word", ["START", "unstop"])
@pytest.mark.parametrize("source", OTHER_SOURCES)
def test_start_asks_a_person_to_end_an_opt_out_of_another_source(
    desk: Desk, messenger: FakeMessenger, frozen: clock.FrozenClock, source: OptOutSource, word: str
) -> None:
    desk.talk_with()
    before = ledgers.record_opt_out(desk.who, CONTACT, source)
    frozen.advance(minutes=5)
    talk = receive(desk.number, word)
    assert opt_out_of(desk.org_id) == before
    assert talk.needs_attention
    assert [(one.kind, one.note) for one in activity_of(talk)] == [("opt_out_kept", word.upper())]
    answer = texts_of(talk)[-1]
    assert work_off(answer).status is MessageStatus.ACCEPTED
    assert answer.body == "Acme: We got your request, and our team will look at it. Until then you get no more texts."


def test_yes_ends_an_opt_out_only_as_the_answer_to_its_confirmation(desk: Desk, frozen: clock.FrozenClock) -> None:
    receive(desk.number, "STOP")
    frozen.advance(minutes=1)
    receive(desk.number, "Ok, good")
    frozen.advance(minutes=1)
    receive(desk.number, "Yes")
    assert opt_out_of(desk.org_id) is None


def test_yes_to_a_later_text_of_ours_is_no_keyword(desk: Desk, frozen: clock.FrozenClock) -> None:
    receive(desk.number, "STOP")
    frozen.advance(minutes=1)
    receive(desk.number, "HELP")
    frozen.advance(minutes=1)
    receive(desk.number, "Yes")
    assert opt_out_of(desk.org_id) is not None


def test_yes_to_another_number_than_the_one_that_was_stopped_is_no_keyword(
    desk: Desk, frozen: clock.FrozenClock
) -> None:
    receive(desk.number, "STOP")
    frozen.advance(minutes=1)
    receive(give_number(desk.org_id, "+14155550198"), "Yes")
    assert opt_out_of(desk.org_id) is not None


def test_yes_to_the_confirmation_of_an_earlier_opt_out_is_no_keyword(desk: Desk, frozen: clock.FrozenClock) -> None:
    receive(desk.number, "STOP")
    frozen.advance(minutes=1)
    ledgers.record_opt_in(desk.who, CONTACT)
    ledgers.record_opt_out(desk.who, CONTACT, "keyword")
    frozen.advance(minutes=1)
    receive(desk.number, "Yes")
    assert opt_out_of(desk.org_id) is not None


@pytest.mark.parametrize("answer", ["START", "Yes"])
def test_an_opt_out_that_was_also_asked_for_in_another_way_stays(
    desk: Desk, frozen: clock.FrozenClock, answer: str
) -> None:
    receive(desk.number, "STOP")
    frozen.advance(minutes=1)
    ledgers.record_opt_out(desk.who, CONTACT, "spoken")
    frozen.advance(minutes=1)
    receive(desk.number, answer)
    entry = opt_out_of(desk.org_id)
    assert entry is not None
    assert (entry.source, entry.keyword) == ("keyword", "STOP")


def test_yes_counts_after_the_carriers_own_confirmation(desk: Desk, frozen: clock.FrozenClock) -> None:
    receive(desk.number, "STOP", opt_out_type="STOP")
    frozen.advance(minutes=1)
    receive(desk.number, "Yes", opt_out_type="START")
    assert opt_out_of(desk.org_id) is None


def test_yes_that_the_carrier_took_for_a_start_does_not_end_an_opt_out_of_another_source(
    desk: Desk, frozen: clock.FrozenClock
) -> None:
    desk.talk_with()
    ledgers.record_opt_out(desk.who, CONTACT, "spoken")
    frozen.advance(minutes=1)
    receive(desk.number, "Yes", opt_out_type="START")
    assert opt_out_of(desk.org_id) is not None
    assert not find_conversation(desk.number).needs_attention
