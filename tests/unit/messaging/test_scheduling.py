"""Scheduled texts: lists, cancellation, and what happens at their time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from switchboard.aws.writes import commit
from switchboard.compliance import ledgers
from switchboard.compliance.verdicts import Blocked
from switchboard.errors import Invalid, NotFound
from switchboard.kit import clock
from switchboard.messaging import scheduling, store
from switchboard.messaging.models import (
    ConversationStatus,
    MessageStatus,
    ScheduledStatus,
    ScheduledText,
    ScheduleReason,
)
from switchboard.persistence.collection import next_version
from switchboard.team import members
from switchboard.team.permissions import Role
from tests.actors import Tenant, member, system, tenant
from tests.fakes.texts import FakeMessenger
from tests.integration.sabotage import Sabotage, scan_items
from tests.unit.messaging.desk import CONTACT
from tests.unit.messaging.inbox import receive
from tests.unit.messaging.texts_out import (
    Desk,
    fire,
    list_events,
    open_desk,
    read_again,
    read_scheduled,
    read_talk,
    work_off,
)

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def desk(acme: Tenant) -> Desk:
    return open_desk(acme)


def in_(**time: float) -> str:
    """The time in some days, hours or minutes."""
    return clock.format_iso(clock.now() + timedelta(**time))


def listed(desk: Desk, status: ScheduledStatus | None = None) -> list[str]:
    """The ids of the scheduled texts with a status."""
    return [one.id for one in scheduling.list_scheduled_texts(desk.who, status, 10, None)[0]]


def text_of(found: ScheduledText) -> Any:
    """The text that a scheduled one became."""
    assert found.message_id is not None
    message = store.get_message(found.org_id, found.conversation_id, found.message_id)
    assert message is not None
    return message


def timers(found: ScheduledText) -> int:
    """The number of timers of a scheduled text."""
    return sum(found.id in str(item.get("body")) for item in scan_items("activity") + scan_items("core"))


def test_a_scheduled_text_costs_nothing_and_is_sent_at_its_time(
    desk: Desk, messenger: FakeMessenger, frozen: clock.FrozenClock
) -> None:
    talk = desk.talk_with()
    found = desk.schedule(talk, "See you tomorrow.", scheduled_at=in_(days=2), purpose="reminder")
    assert (found.status, found.reason, found.timer is not None) == (
        ScheduledStatus.PENDING,
        ScheduleReason.MANUAL,
        True,
    )
    assert (desk.spent(), read_talk(talk).message_count, read_talk(talk).ai_paused) == ((0, 0), 0, False)
    fire(found)
    assert messenger.taken == []
    frozen.advance(days=2)
    sent = fire(found)
    text = text_of(sent)
    assert (sent.status, text.status, text.purpose) == (ScheduledStatus.SENT, MessageStatus.ACCEPTED, "reminder")
    assert (text.scheduled_id, text.created_at, desk.spent()) == (found.id, clock.now_iso(), (1, 15_000))
    assert (read_talk(talk).message_count, read_talk(talk).ai_paused) == (1, True)
    assert list_events(found.id) == ["sms.scheduled", "sms.schedule_fired"]
    assert fire(found) == sent
    assert len(messenger.taken) == 1


def test_a_text_may_be_scheduled_for_ninety_days(desk: Desk) -> None:
    assert desk.schedule(desk.talk_with(), scheduled_at=in_(days=90)).status is ScheduledStatus.PENDING


def test_a_text_for_an_opted_out_contact_is_not_scheduled(desk: Desk) -> None:
    ledgers.record_opt_out(desk.who, CONTACT, "manual")
    with pytest.raises(Blocked):
        desk.ask(desk.talk_with(), scheduled_at=in_(days=1))
    assert listed(desk) == []


def test_pending_texts_are_listed_with_the_soonest_first_and_ended_ones_with_the_latest(desk: Desk) -> None:
    talk = desk.talk_with()
    later, sooner = (desk.schedule(talk, scheduled_at=in_(days=days)) for days in (3, 1))
    assert listed(desk) == [sooner.id, later.id]
    for one in (sooner, later):
        scheduling.cancel_scheduled_text(desk.who, one.id)
    assert (listed(desk), listed(desk, ScheduledStatus.CANCELED)) == ([], [later.id, sooner.id])


def test_the_list_is_paged(desk: Desk) -> None:
    talk = desk.talk_with()
    made = [desk.schedule(talk, scheduled_at=in_(days=days)).id for days in (1, 2, 3)]
    first, cursor = scheduling.list_scheduled_texts(desk.who, None, 2, None)
    rest, end = scheduling.list_scheduled_texts(desk.who, None, 2, cursor)
    assert ([one.id for one in [*first, *rest]], end) == (made, None)


def test_a_canceled_text_is_never_sent_and_its_timer_is_deleted(
    desk: Desk, messenger: FakeMessenger, frozen: clock.FrozenClock
) -> None:
    found = desk.schedule(desk.talk_with(), scheduled_at=in_(days=1))
    assert timers(found) == 1
    scheduling.cancel_scheduled_text(desk.who, found.id)
    scheduling.cancel_scheduled_text(desk.who, found.id)
    assert timers(found) == 0
    frozen.advance(days=1)
    assert (fire(found).status, messenger.taken) == (ScheduledStatus.CANCELED, [])
    assert list_events(found.id) == ["sms.scheduled", "sms.schedule_canceled"]


def test_a_sent_or_failed_text_cannot_be_canceled(desk: Desk, frozen: clock.FrozenClock) -> None:
    talk = desk.talk_with()
    sent, failed = (desk.schedule(talk, scheduled_at=in_(minutes=minutes)) for minutes in (1, 2))
    frozen.advance(minutes=2)
    fire(sent)
    ledgers.record_opt_out(desk.who, CONTACT, "keyword")
    fire(failed)
    for one, code in ((sent, "already_sent"), (failed, "already_failed")):
        with pytest.raises(Invalid) as refused:
            scheduling.cancel_scheduled_text(desk.who, one.id)
        assert refused.value.code == code


@pytest.mark.parametrize("id_", ["sch_unknown", "sch_" + "0" * 26, "x" * 3_000])
def test_an_unknown_text_cannot_be_canceled(desk: Desk, id_: str) -> None:
    with pytest.raises(NotFound):
        scheduling.cancel_scheduled_text(desk.who, id_)
    found = desk.schedule(desk.talk_with(), scheduled_at=in_(days=1))
    with pytest.raises(NotFound):
        scheduling.cancel_scheduled_text(member(tenant("other").org_id, name="Eve"), found.id)


def test_a_cancellation_at_any_moment_of_the_worker_wins_or_is_refused(
    desk: Desk, messenger: FakeMessenger, frozen: clock.FrozenClock
) -> None:
    sabotage = Sabotage()
    for place in range(9):
        messenger.taken.clear()
        frozen.advance(seconds=2)
        found = desk.schedule(desk.talk_with(f"+14155550{120 + place}"), scheduled_at=in_(seconds=1))
        refused: list[str] = []

        def cancel(one: ScheduledText = found, told: list[str] = refused) -> None:
            try:
                scheduling.cancel_scheduled_text(desk.who, one.id)
            except Invalid as too_late:
                told.append(too_late.code)

        with sabotage.meeting(place, cancel):
            after = fire(found)
        assert (len(messenger.taken), after.status) in (
            [(1, ScheduledStatus.SENT)] if refused else [(0, ScheduledStatus.CANCELED)]
        )
        assert refused in ([], ["already_sent"])


def test_a_worker_that_dies_between_two_calls_sends_a_scheduled_text_once(
    desk: Desk, messenger: FakeMessenger, frozen: clock.FrozenClock
) -> None:
    sabotage = Sabotage()
    for place in range(10):
        messenger.taken.clear()
        frozen.advance(seconds=2)
        talk = desk.talk_with(f"+14155550{120 + place}")
        found = desk.schedule(talk, scheduled_at=in_(seconds=1))
        with sabotage.killing(place):
            fire(found)
        frozen.advance(seconds=2)
        after = fire(found)
        text = text_of(after)
        assert (after.status, read_talk(talk).message_count) == (ScheduledStatus.SENT, 1)
        # A worker that dies after its claim leaves an unknown outcome.
        assert len(messenger.taken) == (text.status is MessageStatus.ACCEPTED) or text.status is MessageStatus.SENDING
    assert desk.spent()[0] == 10


@pytest.mark.parametrize(
    "code", ["conversation_closed", "opted_out", "dnc", "plan_quota", "member_not_permitted", "number_released"]
)
def test_what_changed_until_its_time_fails_a_text(
    cloud: Any, frozen: clock.FrozenClock, messenger: FakeMessenger, code: str
) -> None:
    desk = open_desk(tenant(text_segments_per_month=1))
    talk = desk.talk_with()
    found = desk.schedule(talk, scheduled_at=in_(days=1))
    frozen.advance(days=1)
    match code:
        case "conversation_closed":
            commit(store.CONVERSATIONS.save_write(next_version(talk, status=ConversationStatus.CLOSED)))
        case "opted_out":
            ledgers.record_opt_out(desk.who, CONTACT, "manual")
        case "dnc":
            ledgers.block_number(desk.who, CONTACT)
        case "plan_quota":
            desk.send(talk)
        case "member_not_permitted":
            member(desk.org_id, name="Second")
            members.change_role(system(desk.org_id), desk.who.user_id, Role.VIEWER)
        case _:
            from switchboard.numbers import store as numbers

            commit(numbers.NUMBERS.save_write(next_version(desk.number.released())))
    after = fire(found)
    assert messenger.taken == []
    if after.status is ScheduledStatus.SENT:
        text = read_again(text_of(after))
        assert (text.status, text.error_code, desk.spent()) == (MessageStatus.FAILED, code, (0, 0))
    else:
        assert (after.status, after.error, read_scheduled(found).timer) == (ScheduledStatus.FAILED, code, None)


@pytest.mark.parametrize("ends", ["START", "opt-in"])
def test_a_text_from_before_an_opt_out_is_not_sent_after_an_opt_in(
    desk: Desk, frozen: clock.FrozenClock, messenger: FakeMessenger, ends: str
) -> None:
    talk = desk.talk_with()
    old, queued = desk.schedule(talk, "Old.", scheduled_at=in_(days=2)), desk.send(talk, "Queued.")
    frozen.advance(hours=1)
    receive(desk.number, "STOP")
    frozen.advance(hours=1)
    if ends == "START":
        receive(desk.number, "START")
    else:
        ledgers.record_opt_in(desk.who, CONTACT)
    new = desk.schedule(read_talk(talk), "New.", scheduled_at=in_(days=2))
    assert (work_off(queued).error_code, work_off(desk.send(read_talk(talk), "Now.")).error_code) == ("opted_out", None)
    frozen.advance(days=2)
    assert [(one.status, one.error) for one in map(fire, (old, new))] == [
        (ScheduledStatus.FAILED, "opted_out"),
        (ScheduledStatus.SENT, None),
    ]
    assert [text.body for text in messenger.taken] == ["Now.", "New."]
