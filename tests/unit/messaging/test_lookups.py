"""Paid look-ups of contacts' numbers in the Reassigned Numbers Database: none for nothing, and not too many a day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from switchboard.accounts.plans import PlanName
from switchboard.carriers.registries import ReassignedAnswer
from switchboard.compliance import ledgers
from switchboard.compliance import service as compliance
from switchboard.errors import QuotaExceeded
from switchboard.kit import clock
from switchboard.messaging import charges, scheduling
from switchboard.messaging.models import MessageStatus, ScheduledStatus
from tests.actors import Tenant, tenant
from tests.fakes.texts import FakeMessenger
from tests.unit.messaging.texts_out import CALIFORNIAN, Desk, fire, open_desk, work_off


class Database:
    """The database. It keeps the numbers that it was asked about."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: ReassignedAnswer = "no"

    def query_number(self, e164: str, since: date) -> ReassignedAnswer:
        self.asked.append(e164)
        return self.answer


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    made = Database()
    monkeypatch.setattr(compliance, "get_reassigned_numbers", lambda: made)
    return made


@pytest.fixture
def desk(acme: Tenant) -> Desk:
    return open_desk(acme)


def contact(place: int) -> str:
    """A number in California that a person may have."""
    return f"+1415{2_300_000 + place}"


def test_a_text_for_later_is_looked_up_at_its_time(
    desk: Desk, database: Database, messenger: FakeMessenger, frozen: clock.FrozenClock
) -> None:
    later = clock.format_iso(clock.now() + timedelta(days=1))
    canceled, kept = (desk.schedule(desk.talk_with(contact(place)), scheduled_at=later) for place in range(2))
    scheduling.cancel_scheduled_text(desk.who, canceled.id)
    assert (database.asked, desk.spent()) == ([], (0, 0))
    frozen.advance(days=1)
    fire(kept)
    assert ([text.to_number for text in messenger.taken], database.asked) == ([contact(1)], [contact(1)])


def test_a_text_for_later_keeps_a_known_refusal(desk: Desk, database: Database) -> None:
    database.answer = "yes"
    ledgers.record_consent(desk.who, CALIFORNIAN, "opt-in:web-form")
    talk, later = desk.talk_with(CALIFORNIAN), clock.format_iso(clock.now() + timedelta(days=1))
    for at in (None, later, later):
        with pytest.raises(compliance.Blocked) as refused:
            desk.ask(talk, scheduled_at=at)
        assert refused.value.code == "number_reassigned"
    assert len(database.asked) == 1


def test_a_text_that_quiet_hours_put_off_is_looked_up_afterwards(
    desk: Desk, database: Database, frozen: clock.FrozenClock
) -> None:
    frozen.at = clock.parse("2026-01-15T11:00:00Z").timestamp()  # 3 o'clock in California
    found = desk.schedule(desk.talk_with(CALIFORNIAN), honors_quiet_hours=True)
    assert database.asked == []
    frozen.advance(hours=5)
    assert (fire(found).status, database.asked) == (ScheduledStatus.SENT, [CALIFORNIAN])


def test_a_day_has_ten_look_ups_for_each_text_of_the_plan(
    database: Database, messenger: FakeMessenger, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charges, "LOOKUPS_PER_TEXT", 1)
    desk = open_desk(tenant("free", PlanName.FREE))
    database.answer = "yes"
    codes = []
    for place in range(12):
        with pytest.raises((compliance.Blocked, QuotaExceeded)) as refused:
            desk.ask(desk.talk_with(contact(place)))
        codes.append(refused.value.code)
    # The plan has ten texts a month. Refused texts use none of them.
    assert codes == ["number_reassigned"] * 10 + ["daily_cap"] * 2
    assert (len(database.asked), desk.spent(), messenger.taken) == (10, (0, 0), [])
    frozen.advance(days=1)
    database.answer = "no"
    assert work_off(desk.send(desk.talk_with(contact(12)))).status is MessageStatus.ACCEPTED
