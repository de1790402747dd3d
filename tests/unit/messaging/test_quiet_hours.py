"""Quiet hours of texts: the recipient's zones, the organization's and the flow's hours, and changes of clocks."""

from __future__ import annotations

import pytest

from switchboard.accounts import organizations
from switchboard.aws.writes import commit
from switchboard.compliance import ledgers
from switchboard.compliance.verdicts import Blocked
from switchboard.flows import service as flows
from switchboard.flows.models import FlowSettings
from switchboard.kit import clock
from switchboard.messaging import acceptance, store
from switchboard.messaging.drafts import TextDraft
from switchboard.messaging.models import MessageStatus, ScheduledStatus, ScheduleReason
from switchboard.persistence.collection import next_version
from tests.actors import Tenant, system
from tests.fakes.texts import FakeMessenger
from tests.unit.messaging.texts_out import CALIFORNIAN, Desk, fire, open_desk, read_again, read_talk, work_off

#: A number of the west of Florida, which has two zones: Central and Eastern time.
PENSACOLAN = "+18505552671"


@pytest.fixture
def desk(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("SWITCHBOARD_REASSIGNED_NUMBERS", "simulator")
    return open_desk(acme)


def set_clock(frozen: clock.FrozenClock, moment: str) -> None:
    frozen.at = clock.parse(moment).timestamp()


def put_off_to(desk: Desk, contact: str) -> str | None:
    """The time to which a text that asks for quiet hours is put off, `None` if it is queued."""
    sent = desk.ask(desk.talk_with(contact), honors_quiet_hours=True)
    return sent.scheduled.send_at if sent.scheduled else None


def test_a_member_may_text_at_any_hour_and_may_ask_for_quiet_hours(desk: Desk, frozen: clock.FrozenClock) -> None:
    set_clock(frozen, "2026-01-15T11:00:00Z")  # 3 o'clock in California
    talk = desk.talk_with(CALIFORNIAN)
    assert desk.send(talk).status is MessageStatus.QUEUED
    sent = desk.ask(talk, "Later.", honors_quiet_hours=True)
    assert sent.scheduled is not None
    assert (sent.scheduled.reason, sent.scheduled.send_at) == (
        ScheduleReason.QUIET_HOURS,
        "2026-01-15T16:00:00.000Z",
    )


def test_a_deferred_answer_of_a_member_pauses_the_ai_now(desk: Desk, frozen: clock.FrozenClock) -> None:
    set_clock(frozen, "2026-01-15T11:00:00Z")
    talk = desk.talk_with(CALIFORNIAN)
    desk.ask(talk, honors_quiet_hours=True)
    assert (read_talk(talk).ai_paused, read_talk(talk).message_count) == (True, 0)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-01-15T13:30:00Z", "2026-01-15T14:00:00.000Z"),  # 8:30 in the east, 7:30 in the west: both must be open
        ("2026-01-15T14:00:00Z", None),
        ("2026-01-16T00:59:00Z", None),  # 19:59 in the east: Florida allows until 20 o'clock
        ("2026-01-16T01:30:00Z", "2026-01-16T14:00:00.000Z"),  # 20:30 in the east, 19:30 in the west
    ],
)
def test_two_candidate_zones_must_both_be_open(
    desk: Desk, frozen: clock.FrozenClock, now: str, expected: str | None
) -> None:
    set_clock(frozen, now)
    assert put_off_to(desk, PENSACOLAN) == expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        # California sets its clocks forward on 8 March 2026, and back on 1 November.
        ("2026-03-07T12:00:00Z", "2026-03-07T16:00:00.000Z"),
        ("2026-03-08T12:00:00Z", "2026-03-08T15:00:00.000Z"),
        ("2026-10-31T12:00:00Z", "2026-10-31T15:00:00.000Z"),
        ("2026-11-01T12:00:00Z", "2026-11-01T16:00:00.000Z"),
    ],
)
def test_the_hours_follow_the_recipients_clock(desk: Desk, frozen: clock.FrozenClock, now: str, expected: str) -> None:
    set_clock(frozen, now)
    assert put_off_to(desk, CALIFORNIAN) == expected


def test_the_organizations_hours_and_the_flows_hours_both_apply(
    acme: Tenant, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_REASSIGNED_NUMBERS", "simulator")
    # The organization: 9 to 18 o'clock of the recipient. The flow: 9 to 13 o'clock in New York, on Fridays.
    organizations.set_calling_hours(system(acme.org_id), {"start": "09:00", "end": "18:00"})
    desk = open_desk(acme)
    settings = FlowSettings.model_validate(
        {
            "name": "Desk",
            "timezone": "America/New_York",
            "business_hours_enabled": True,
            "business_hours": {"friday": [{"start": "09:00", "end": "13:00"}]},
        }
    )
    flow = flows.create_flow(desk.who, settings)
    set_clock(frozen, "2026-01-15T18:00:00Z")  # Thursday, 10 o'clock in California
    talk = desk.talk_with(CALIFORNIAN, flow_id=flow.id)
    sent = desk.ask(talk, honors_quiet_hours=True)
    assert sent.scheduled is not None
    # Friday, 9 o'clock in California and noon in New York.
    assert sent.scheduled.send_at == "2026-01-16T17:00:00.000Z"
    set_clock(frozen, "2026-01-16T17:30:00Z")
    assert desk.send(talk, honors_quiet_hours=True)


def test_hours_that_never_meet_refuse_the_text(desk: Desk, frozen: clock.FrozenClock) -> None:
    settings = FlowSettings.model_validate({"name": "Shut", "business_hours_enabled": True, "business_hours": {}})
    flow = flows.create_flow(desk.who, settings)
    set_clock(frozen, "2026-01-15T18:00:00Z")
    with pytest.raises(Blocked) as refused:
        desk.ask(desk.talk_with(CALIFORNIAN, flow_id=flow.id), honors_quiet_hours=True)
    assert refused.value.code == "quiet_hours"


def test_the_ai_and_texts_that_sell_always_honor_quiet_hours(desk: Desk, frozen: clock.FrozenClock) -> None:
    set_clock(frozen, "2026-01-15T11:00:00Z")
    talk = desk.talk_with(CALIFORNIAN)
    ledgers.record_consent(desk.who, CALIFORNIAN, "opt-in:double-opt-in")
    org = organizations.get_organization(desk.org_id)
    reply = acceptance.send_reply(org, talk.id, TextDraft(body="Hi!"), correlation_id="corr_ai")
    assert reply.scheduled is not None
    assert reply.scheduled.honors_quiet_hours


def test_quiet_hours_at_its_time_put_a_scheduled_text_off_again(
    desk: Desk, messenger: FakeMessenger, frozen: clock.FrozenClock
) -> None:
    set_clock(frozen, "2026-01-15T18:00:00Z")
    found = desk.schedule(desk.talk_with(CALIFORNIAN), scheduled_at="2026-01-16T06:00:00Z", honors_quiet_hours=True)
    set_clock(frozen, "2026-01-16T06:00:00Z")
    again = fire(found)
    assert (again.status, again.reason, again.send_at) == (
        ScheduledStatus.PENDING,
        ScheduleReason.QUIET_HOURS,
        "2026-01-16T16:00:00.000Z",
    )
    # The job of the first time comes twice.
    assert (fire(found), messenger.taken) == (again, [])
    set_clock(frozen, "2026-01-16T16:00:00Z")
    assert (fire(found).status, len(messenger.taken)) == (ScheduledStatus.SENT, 1)


def test_a_queued_text_waits_when_its_hours_end_before_it_is_sent(
    desk: Desk, messenger: FakeMessenger, frozen: clock.FrozenClock
) -> None:
    set_clock(frozen, "2026-01-16T04:59:00Z")  # 20:59 in California
    text = desk.send(desk.talk_with(CALIFORNIAN), honors_quiet_hours=True)
    set_clock(frozen, "2026-01-16T05:00:00Z")
    waiting = work_off(text)
    assert (waiting.status, waiting.put_off_until) == (MessageStatus.QUEUED, "2026-01-16T16:00:00.000Z")
    # It has not waited too long, because its time counts from the end of the quiet hours.
    set_clock(frozen, "2026-01-16T16:00:00Z")
    assert work_off(text).status is MessageStatus.ACCEPTED
    assert (len(messenger.taken), desk.spent()[0]) == (1, 1)


def test_a_flow_that_was_deleted_restricts_nothing(desk: Desk, frozen: clock.FrozenClock) -> None:
    set_clock(frozen, "2026-01-15T18:00:00Z")
    talk = desk.talk_with(CALIFORNIAN)
    commit(
        store.CONVERSATIONS.save_write(next_version(read_talk(talk), flow_id="00000000-0000-4000-8000-000000000000"))
    )
    assert read_again(desk.send(talk, honors_quiet_hours=True)).flow_id


@pytest.mark.parametrize(
    ("moment", "asks", "seconds"),
    [
        ("2026-01-16T04:30:00Z", True, 1_800),  # half past eight in the evening: until nine
        ("2026-01-15T20:00:00Z", True, 4 * 3_600),
        ("2026-01-16T04:30:00Z", False, 4 * 3_600),
    ],
)
def test_a_text_waits_at_the_carrier_until_its_hours_end(
    desk: Desk, messenger: FakeMessenger, frozen: clock.FrozenClock, moment: str, asks: bool, seconds: int
) -> None:
    set_clock(frozen, moment)
    work_off(desk.send(desk.talk_with(CALIFORNIAN), honors_quiet_hours=asks))
    assert [text.valid_seconds for text in messenger.taken] == [seconds]
