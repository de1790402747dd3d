"""Texts of the AI that wait: a person who takes over, and an answer of somebody else, stop them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from switchboard.accounts import organizations
from switchboard.aws.writes import commit
from switchboard.kit import clock
from switchboard.messaging import acceptance, store
from switchboard.messaging.drafts import TextDraft
from switchboard.messaging.models import MessageStatus, ScheduledStatus, ScheduledText, TextConversation, TextMessage
from switchboard.persistence.collection import next_version
from tests.actors import Tenant
from tests.fakes.texts import FakeMessenger
from tests.unit.messaging.inbox import find_conversation, receive
from tests.unit.messaging.texts_out import CALIFORNIAN, Desk, fire, open_desk, work_off

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def desk(acme: Tenant) -> Desk:
    return open_desk(acme)


@pytest.fixture
def talk(desk: Desk, frozen: clock.FrozenClock) -> TextConversation:
    """A conversation that the contact began a minute ago."""
    found = receive(desk.number, "Hello", CALIFORNIAN)
    frozen.advance(minutes=1)
    return found


def _reply(talk: TextConversation, hours: float = 0, *, is_last: bool = False) -> acceptance.SentText:
    org = organizations.get_organization(talk.org_id)
    at = clock.format_iso(clock.now() + timedelta(hours=hours)) if hours else None
    draft = TextDraft(body="By the AI.", scheduled_at=at)
    return acceptance.send_reply(org, talk.id, draft, correlation_id="corr_ai", is_last=is_last)


def _waiting(talk: TextConversation, *, is_last: bool = False) -> ScheduledText:
    found = _reply(talk, 1, is_last=is_last).scheduled
    assert found
    return found


def _queued(talk: TextConversation, *, is_last: bool = False) -> TextMessage:
    found = _reply(talk, is_last=is_last).message
    assert found
    return found


def _pause(desk: Desk, *, paused: bool = True) -> None:
    now = find_conversation(desk.number, CALIFORNIAN)
    commit(store.CONVERSATIONS.save_write(next_version(now, ai_paused=paused)))


def _member_writes(desk: Desk) -> None:
    desk.send(find_conversation(desk.number, CALIFORNIAN), "I take over.")


def _member_writes_and_leaves(desk: Desk) -> None:
    _member_writes(desk)
    _pause(desk, paused=False)


def _contact_writes(body: str) -> Callable[[Desk], None]:
    def write(desk: Desk) -> None:
        receive(desk.number, body, CALIFORNIAN)

    return write


@pytest.mark.parametrize(
    ("meanwhile", "error"),
    [
        (_pause, "ai_paused"),
        (_member_writes, "ai_paused"),
        (_member_writes_and_leaves, "answered_meanwhile"),
        (_contact_writes("Never mind, I have it."), "answered_meanwhile"),
        (_contact_writes("You have the wrong number."), "answered_meanwhile"),
        (_contact_writes("INFO"), None),
        (_contact_writes("Liked “By the AI.”"), None),
    ],
)
def test_what_happens_meanwhile_stops_a_waiting_text_of_the_ai(
    desk: Desk,
    talk: TextConversation,
    frozen: clock.FrozenClock,
    messenger: FakeMessenger,
    meanwhile: Callable[[Desk], None],
    error: str | None,
) -> None:
    waiting = _waiting(talk)
    frozen.advance(minutes=30)
    meanwhile(desk)
    frozen.advance(minutes=30)
    after = fire(waiting)
    assert (after.status, after.error) == (ScheduledStatus.FAILED if error else ScheduledStatus.SENT, error)
    assert ("By the AI." in [text.body for text in messenger.taken]) is (error is None)


@pytest.mark.parametrize(
    ("meanwhile", "error"), [(_pause, None), (_contact_writes("Hello?"), None), (_member_writes, "answered_meanwhile")]
)
def test_the_last_text_of_the_ai_goes_out_until_a_person_answers(
    desk: Desk,
    talk: TextConversation,
    frozen: clock.FrozenClock,
    messenger: FakeMessenger,
    meanwhile: Callable[[Desk], None],
    error: str | None,
) -> None:
    waiting = _waiting(talk, is_last=True)
    _pause(desk)
    frozen.advance(minutes=30)
    meanwhile(desk)
    frozen.advance(minutes=30)
    assert fire(waiting).error == error


def test_a_waiting_text_of_a_member_goes_out(
    desk: Desk, talk: TextConversation, frozen: clock.FrozenClock, messenger: FakeMessenger
) -> None:
    waiting = desk.schedule(talk, scheduled_at=clock.format_iso(clock.now() + timedelta(hours=1)))
    receive(desk.number, "Hello?", CALIFORNIAN)
    frozen.advance(hours=1)
    assert fire(waiting).status is ScheduledStatus.SENT


@pytest.mark.parametrize("is_last", [False, True])
def test_a_pause_stops_a_queued_text_of_the_ai_and_gives_it_back(
    desk: Desk, talk: TextConversation, messenger: FakeMessenger, *, is_last: bool
) -> None:
    queued = _queued(talk, is_last=is_last)
    _pause(desk)
    after = work_off(queued)
    if is_last:
        assert after.status is MessageStatus.ACCEPTED
        return
    assert (after.status, after.error_code, messenger.taken) == (MessageStatus.FAILED, "ai_paused", [])
    assert after.error_message
    assert desk.spent() == (0, 0)


def test_a_queued_text_that_quiet_hours_put_off_is_not_sent_after_an_answer(
    desk: Desk, talk: TextConversation, frozen: clock.FrozenClock, messenger: FakeMessenger
) -> None:
    frozen.advance(hours=11, minutes=58)  # a minute before nine in the evening in California
    queued = _queued(talk)
    frozen.advance(minutes=1)
    assert work_off(queued).put_off_until
    receive(desk.number, "Hello?", CALIFORNIAN)
    frozen.advance(hours=11)
    assert (work_off(queued).error_code, messenger.taken) == ("answered_meanwhile", [])
