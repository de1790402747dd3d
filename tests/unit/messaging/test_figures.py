"""Figures of texts in the reports, and open conversations on the dashboard."""

from __future__ import annotations

from datetime import timedelta

import pytest

from switchboard.analytics import message_tallies
from switchboard.analytics.models import MessageFigures
from switchboard.aws.writes import commit
from switchboard.carriers import messages
from switchboard.compliance import ledgers
from switchboard.events import service as events
from switchboard.events.models import Subject
from switchboard.kit import clock, texts
from switchboard.messaging import figures, reports, store
from switchboard.messaging.models import ConversationStatus, MessageStatus
from switchboard.persistence.collection import next_version
from switchboard.projections import service as projections
from tests.actors import Tenant, system
from tests.text_counts import count_texts
from tests.unit.calls.console_calls import save_number
from tests.unit.messaging.desk import CONTACT, make_conversation, make_text
from tests.unit.messaging.inbox import receive, report


def figures_of(org_id: str, days: int = 1) -> MessageFigures:
    end = clock.now() + timedelta(minutes=15)
    return count_texts(org_id, end - timedelta(days=days), end)


def test_each_text_counts_once(acme: Tenant) -> None:
    number = save_number(acme.org_id, provider="twilio")
    receive(number)
    receive(number, "Are you there?")
    sent = make_text(make_conversation(acme.org_id, number_id=number.id), status=MessageStatus.SENDING)
    commit(store.new_message_write(sent))
    for _ in range(2):
        reports.apply_report(report(sent, "sent"))
        reports.apply_report(report(sent, "failed", error_code=30003))
    assert figures_of(acme.org_id) == MessageFigures(sent=1, received=2, failed=1)


@pytest.mark.parametrize(("carrier", "counted"), [("simulator", 1), ("twilio", 0)])
def test_simulated_texts_count_only_where_every_text_is_simulated(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch, carrier: str, counted: int
) -> None:
    monkeypatch.setattr(messages, "messenger_name", lambda simulated: "simulator" if simulated else carrier)
    receive(save_number(acme.org_id))
    assert figures_of(acme.org_id).received == counted


def test_an_opt_out_counts_once_and_can_be_counted_again_from_its_events(acme: Tenant) -> None:
    event = events.new_event(
        system(acme.org_id),
        "sms.opt_out",
        Subject(type="number", id=texts.digest(CONTACT)),
        number=texts.digest(CONTACT),
        source="manual",
        keyword=None,
    )
    for _ in range(2):
        projections.project_event(event)
    ledgers.record_opt_out(system(acme.org_id), CONTACT, "manual")
    assert figures_of(acme.org_id).opt_outs == 1
    projections.clear_projection(acme.org_id, "opt_out_tallies")
    assert figures_of(acme.org_id).opt_outs == 0
    projections.project_event(event)
    assert figures_of(acme.org_id).opt_outs == 1


def test_a_range_ends_at_its_quarter_and_spans_months(acme: Tenant) -> None:
    for at in ("2026-01-31T23:50:00.000Z", "2026-02-01T00:14:59.000Z", "2026-02-01T00:15:00.000Z"):
        commit(message_tallies.count_writes(acme.org_id, "sent", at))
    start, end = clock.parse("2026-01-31T23:45:00Z"), clock.parse("2026-02-01T00:15:00Z")
    assert count_texts(acme.org_id, start, end) == MessageFigures(sent=2)
    assert count_texts(acme.org_id, end, end + timedelta(days=60)) == MessageFigures(sent=1)


def test_texts_of_a_year_are_counted_once_each(acme: Tenant) -> None:
    first = clock.parse("2025-03-10T09:20:00Z")
    moments = [first + timedelta(hours=37 * place) for place in range(240)]
    for at in moments:
        commit(message_tallies.count_writes(acme.org_id, "received", clock.format_iso(at)))
    for start, end in (
        (first, moments[-1] + timedelta(minutes=1)),
        (clock.parse("2025-03-31T00:00:00Z"), clock.parse("2026-02-28T13:30:00Z")),
        (clock.parse("2025-06-14T23:30:00Z"), clock.parse("2025-06-16T00:00:00Z")),
    ):
        expected = sum(start - timedelta(minutes=5) <= at < end for at in moments)
        assert count_texts(acme.org_id, start - timedelta(minutes=5), end).received == expected


def test_open_conversations_are_counted(acme: Tenant) -> None:
    number = save_number(acme.org_id)
    receive(number)
    talk = receive(number, sender="+14155550124")
    assert figures.count_open_conversations(acme.org_id) == 2
    commit(store.CONVERSATIONS.save_write(next_version(talk, status=ConversationStatus.CLOSED)))
    assert figures.count_open_conversations(acme.org_id) == 1
