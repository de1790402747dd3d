"""State limits of texts that sell: three in a day, also for texts that wait."""

from __future__ import annotations

from datetime import timedelta

import pytest

from switchboard.compliance import ledgers
from switchboard.compliance.verdicts import Blocked
from switchboard.kit import clock
from switchboard.messaging.models import MessageStatus, ScheduledStatus
from tests.actors import Tenant
from tests.fakes.texts import FakeMessenger
from tests.unit.messaging.texts_out import Desk, fire, open_desk, read_scheduled, work_off

OREGONIAN = "+15035552671"


@pytest.fixture
def desk(acme: Tenant, monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock) -> Desk:
    monkeypatch.setenv("SWITCHBOARD_REASSIGNED_NUMBERS", "simulator")
    monkeypatch.setenv("SWITCHBOARD_NATIONAL_REGISTRY", "simulator")
    frozen.at = clock.parse("2026-01-15T20:00:00Z").timestamp()
    made = open_desk(acme)
    ledgers.record_consent(made.who, OREGONIAN, "opt-in:double-opt-in")
    return made


def test_a_contact_gets_three_texts_that_sell_in_a_day(
    desk: Desk, messenger: FakeMessenger, frozen: clock.FrozenClock
) -> None:
    talk = desk.talk_with(OREGONIAN)
    for number in range(3):
        # The worker's own look counts nothing.
        assert work_off(desk.send(talk, f"Sale {number}", purpose="promo")).status is MessageStatus.ACCEPTED
        frozen.advance(minutes=2)
    with pytest.raises(Blocked) as refused:
        desk.ask(talk, "Sale 4", purpose="marketing")
    assert refused.value.code == "attempt_cap"
    assert work_off(desk.send(talk, "Your order is ready.")).status is MessageStatus.ACCEPTED
    assert len(messenger.taken) == 4
    frozen.advance(days=1)
    assert desk.send(talk, "Sale 5", purpose="promo").status is MessageStatus.QUEUED


def test_a_text_for_later_counts_when_it_is_sent(desk: Desk, frozen: clock.FrozenClock) -> None:
    talk, later = desk.talk_with(OREGONIAN), clock.format_iso(clock.now() + timedelta(hours=2))
    planned = [desk.schedule(talk, f"Sale {number}", purpose="promo", scheduled_at=later) for number in range(4)]
    frozen.advance(hours=2)
    assert [fire(found).status for found in planned] == [ScheduledStatus.SENT] * 3 + [ScheduledStatus.FAILED]
    assert read_scheduled(planned[3]).error == "attempt_cap"
