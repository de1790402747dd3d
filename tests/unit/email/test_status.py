"""The message's state machine under reports in any order, any number of times."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.email import delivery, feedback, store
from switchboard.email.models import MAIL_TRANSITIONS, MailState, Message, MessageHead
from switchboard.email.status import MailStatus
from switchboard.events import service as events
from switchboard.kit import texts
from switchboard.persistence import optimistic
from tests.unit.properties import Memory, example_settings

AT = "2026-01-15T17:00:00.000Z"
ONE, OTHER = "One@example.com", "other@example.com"

#: Reports that a provider may send about a mail to two, by name: the call, and the events that it records at most once.
REPORTS: dict[str, tuple[str, dict[str, Any]]] = {
    "accepted": ("record_acceptance", {"external_id": "x@ses"}),
    "one has it": ("record_delivery", {"addresses": [ONE]}),
    "other has it": ("record_delivery", {"addresses": [OTHER]}),
    "both have it": ("record_delivery", {"addresses": [ONE.lower(), OTHER.upper()]}),
    "one bounced in passing": ("record_bounce", {"addresses": [ONE], "permanent": False}),
    "one is gone": ("record_bounce", {"addresses": [ONE], "permanent": True}),
    "other is gone": ("record_bounce", {"addresses": [OTHER], "permanent": True}),
    "other complained": ("record_complaint", {"addresses": [OTHER]}),
    "nothing for ten minutes": ("check_claim", {"claim": 1}),
    "refused": ("record_rejection", {"reason": "virus"}),
    "a stranger has it": ("record_delivery", {"addresses": ["stranger@example.com"]}),
}
HAPPENED = st.sets(st.sampled_from(sorted(REPORTS)), min_size=1)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    found = Memory()
    monkeypatch.setattr(optimistic, "commit", found.commit)
    monkeypatch.setattr(store, "_heads_and_reports", lambda pk: found.between("activity", pk, "message", "to#~"))
    return found


def claim_mail(memory: Memory) -> Message:
    """A mail to two recipients that was sent without a response."""
    memory.items.clear()
    facts: dict[str, Any] = {"agent_id": "agt_1", "from_address": "a@example.com", "subject": "s", "body": "b"}
    facts |= {"thread_id": "msg_1", "correlation_id": "corr_1", "created_at": AT, "updated_at": AT}
    message = Message(id="msg_1", org_id="org_1", to=[ONE], cc=[OTHER], state=MailState.SENDING, claim=1, **facts)
    memory.commit(store.put_message_writes(message))
    return message


def current_states(message: Message) -> MailStatus:
    found = store.get_status(message.org_id, message.id)
    assert found is not None
    return found


def load_message(message: Message) -> MessageHead:
    return current_states(message).head


def apply_report(message: Message, name: str) -> None:
    """Apply a report, and check that it makes a legal move or none."""
    call, details = REPORTS[name]
    before = load_message(message)
    getattr(delivery if call == "check_claim" else feedback, call)(message.org_id, message.id, **details)
    after = load_message(message)
    assert after.state is before.state or after.state in MAIL_TRANSITIONS[before.state]
    assert after.version == before.version + (after != before)


def list_events(memory: Memory) -> Counter[tuple[str, str]]:
    """The events of the mail, one for each recipient that they name."""
    found = (events.parse_event(item) for item in memory.all("activity") if item.get("outbox") == "event")
    return Counter((event.type, digest) for event in found for digest in event.data["recipients"])


def assert_told_once(events_: Counter[tuple[str, str]]) -> None:
    """A recipient may bounce a second time, for good, after a bounce in passing that a delivery followed."""
    twice = ("email.bounced", texts.digest(ONE.lower()))
    assert all(times == 1 or (list_events == twice and times == 2) for list_events, times in events_.items())


def list_suppressed(memory: Memory) -> set[str]:
    return {item["address"] for item in memory.all("core")}


def expected_state(happened: set[str]) -> MailState:
    """The final state of a mail, for any order of reports."""
    if happened & {"one is gone", "other is gone"}:
        return MailState.BOUNCED
    if "one bounced in passing" in happened and not happened & {"one has it", "both have it"}:
        return MailState.BOUNCED
    # Only a recipient with the mail complains.
    others = {"other has it", "other complained"}
    if ("one has it" in happened and happened & others) or "both have it" in happened:
        return MailState.DELIVERED
    if happened & {"accepted", "one has it", *others}:
        return MailState.SENT
    return MailState.UNCONFIRMED if "nothing for ten minutes" in happened else MailState.SENDING


@given(HAPPENED, st.data())
@example_settings(150)
def test_any_order_and_repetition_of_reports_has_the_same_result(
    memory: Memory, happened: set[str], data: st.DataObject
) -> None:
    happened -= {"refused"}  # after that, a provider reports no delivery
    order = data.draw(st.permutations([*happened, *happened]))
    message = claim_mail(memory)
    for name in order:
        apply_report(message, name)
    assert load_message(message).state is expected_state(happened)
    assert list_suppressed(memory) == {
        address
        for address, reasons in {ONE: {"one is gone"}, OTHER: {"other is gone", "other complained"}}.items()
        if happened & reasons
    }
    events_ = list_events(memory)
    assert_told_once(events_)
    kinds = {kind for kind, _ in events_}
    assert ("email.sent" in kinds) is ("accepted" in happened)
    if expected_state(happened) is MailState.BOUNCED:
        assert "email.bounced" in kinds
    if "email.bounced" in kinds:
        assert happened & {"one bounced in passing", "one is gone", "other is gone"}


@given(st.lists(st.sampled_from(sorted(REPORTS)), max_size=8))
@example_settings(150)
def test_no_report_makes_an_illegal_move_or_a_duplicate_event(memory: Memory, order: list[str]) -> None:
    message = claim_mail(memory)
    for name in order:
        apply_report(message, name)
    assert_told_once(list_events(memory))


def test_every_state_can_be_reached_and_the_last_ones_lead_nowhere() -> None:
    begin = {MailState.QUEUED, MailState.RECEIVED}
    reached, waiting = set(begin), list(begin)
    while waiting:
        new = MAIL_TRANSITIONS[waiting.pop()] - reached
        reached |= new
        waiting += new
    assert reached == set(MailState) == set(MAIL_TRANSITIONS)
    assert {state for state, moves in MAIL_TRANSITIONS.items() if not moves} == {MailState.FAILED, MailState.RECEIVED}
    assert not any(begin & MAIL_TRANSITIONS[state] for state in set(MailState) - {MailState.SENDING})


def test_a_permanent_bounce_after_a_transient_one_suppresses_and_is_recorded_once(memory: Memory) -> None:
    message = claim_mail(memory)
    apply_report(message, "one bounced in passing")
    assert (load_message(message).error, list_suppressed(memory)) == ("bounce", set())
    apply_report(message, "one is gone")
    assert (load_message(message).error, list_suppressed(memory)) == ("permanent bounce", {ONE})
    assert [kind for kind, _ in list_events(memory)].count("email.bounced") == 1


@pytest.mark.parametrize(
    ("order", "state", "error"),
    [
        (["one bounced in passing", "one has it"], MailState.SENT, None),
        (["one has it", "one bounced in passing"], MailState.SENT, None),
        (["one bounced in passing", "both have it"], MailState.DELIVERED, None),
        (["both have it", "one bounced in passing"], MailState.DELIVERED, None),
        (["one bounced in passing", "other has it"], MailState.BOUNCED, "bounce"),
        (["one bounced in passing", "accepted"], MailState.BOUNCED, "bounce"),
        (["one is gone", "both have it", "accepted"], MailState.BOUNCED, "permanent bounce"),
        (["one bounced in passing", "one is gone", "both have it"], MailState.BOUNCED, "permanent bounce"),
    ],
)
def test_a_delivery_undoes_a_transient_bounce_only(
    memory: Memory, order: list[str], state: MailState, error: str | None
) -> None:
    message = claim_mail(memory)
    for name in order:
        apply_report(message, name)
    assert (load_message(message).state, load_message(message).error) == (state, error)


def test_an_absence_note_after_a_delivery_is_not_a_bounce(memory: Memory) -> None:
    message = claim_mail(memory)
    for name in ("both have it", "one bounced in passing"):
        apply_report(message, name)
    assert "email.bounced" not in [kind for kind, _ in list_events(memory)]
    apply_report(message, "one is gone")
    assert [kind for kind, _ in list_events(memory)].count("email.bounced") == 1
    assert (load_message(message).state, list_suppressed(memory)) == (MailState.BOUNCED, {ONE})
