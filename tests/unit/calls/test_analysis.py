"""A talk that is analyzed: the line's end and the analysis come one after the other, and in any order."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.aws import clock
from switchboard.calls import closing, following, service, store
from switchboard.calls.ending import ANALYSIS_LIMIT
from switchboard.calls.jobs import CloseCall
from switchboard.calls.models import Call, State
from switchboard.carriers import voice
from switchboard.carriers.voice.reports import EndReason, Recording, Report, ToolUse, Turn
from switchboard.usage import service as usage
from switchboard.usage.models import Meter
from tests.actors import Tenant, tenant
from tests.integration.sabotage import drain
from tests.unit.calls.test_calls import NOBODY, actions, dialed, now, report
from tests.unit.properties import examples
from tests.voices import Provider

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    provider = Provider(analyzes=True)
    monkeypatch.setattr(voice, "carrier", lambda: provider.carrier)
    return provider


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.Frozen, provider: Provider) -> Tenant:
    return tenant()


def begun(state: str) -> Call:
    """A call that is nowhere but here."""
    return Call.model_validate(
        {
            "id": "call_1",
            "org_id": "org_1",
            "source": "anima",
            "state": state,
            "tier": "basic",
            "from_number": "+15005550006",
            "to_number": NOBODY,
            "voice_id": "b",
            "greeting": "Hello.",
            "order": {"to": NOBODY, "tier": "basic"},
            "correlation_id": "corr_1",
            "provider": "simulator",
            "awaits_analysis": True,
            "created_at": clock.stamp(),
            "updated_at": clock.stamp(),
            "answered_at": clock.stamp() if state == "active" else None,
        }
    )


def after(call: Call, kind: str, **facts: Any) -> Call:
    """The call after a report, without any table."""
    told = Report.model_validate({"org_id": call.org_id, "call_id": call.id, "kind": kind, **facts})
    changed = following.decide(call, told)
    return changed[0] if changed else call


def over(call: Call, **facts: Any) -> None:
    report(call, "answered")
    report(call, "ended", end_reason=EndReason.CALLER_HANGUP, duration_seconds=61, **facts)


def spent(acme: Tenant) -> int:
    return usage.of_month(acme.org_id, clock.stamp()[:7]).units["voice_basic"]


def test_the_call_is_ending_until_its_analysis_comes_and_is_settled_at_once(acme: Tenant) -> None:
    call = dialed(acme)
    over(call)
    ending = now(call)
    assert (ending.state, ending.duration_seconds, ending.end_reason) == (State.ENDING, 61, EndReason.CALLER_HANGUP)
    assert spent(acme) == 2
    assert "voice.call.completed" not in actions(acme)

    report(call, "analyzed", outcome="success", summary="They agreed.")
    done = now(call)
    assert (done.state, done.outcome, done.summary) == (State.COMPLETED, "success", "They agreed.")
    assert (done.ended_at, spent(acme)) == (ending.ended_at, 2)
    assert actions(acme)[-2:] == ["voice.call.ending", "voice.call.completed"]


def test_an_analysis_ahead_of_the_end_completes_the_call_with_it(acme: Tenant) -> None:
    call = dialed(acme)
    report(call, "answered")
    report(call, "analyzed", outcome="failure", summary="They declined.")
    report(call, "ended", end_reason=EndReason.COMPLETED, duration_seconds=5)
    assert (now(call).state, now(call).outcome) == (State.COMPLETED, "failure")
    assert "voice.call.ending" not in actions(acme)


def test_who_does_not_answer_has_nothing_to_analyze(acme: Tenant) -> None:
    call = dialed(acme)
    report(call, "ended", end_reason=EndReason.BUSY)
    assert now(call).state is State.BUSY


def test_an_analysis_that_does_not_come_is_asked_for(acme: Tenant, provider: Provider) -> None:
    call = dialed(acme)
    over(call)
    turn = Turn(number=0, speaker="agent", text="Hello.", start_ms=0, end_ms=300)
    tool = ToolUse(id="t", name="look_up", start_ms=1)
    provider.said = voice.Transcript(turns=(turn,), tools=(tool,), outcome="success", summary="All is well.")
    closing.close(call.org_id, call.id, State.ENDING.value)
    assert (now(call).state, now(call).outcome, now(call).summary) == (State.COMPLETED, "success", "All is well.")
    assert list(store.turns(call.org_id, call.id)) == [turn]
    assert service.tools(acme.caller(), call.id) == [tool]


@pytest.mark.parametrize("said", [None, voice.OutcomeUnknown("away")], ids=["knows nothing", "cannot be asked"])
def test_without_any_analysis_the_call_is_complete_and_a_late_one_counts(
    acme: Tenant, provider: Provider, said: Exception | None
) -> None:
    provider.said = said
    call = dialed(acme)
    over(call)
    closing.close(call.org_id, call.id, State.ENDING.value)
    assert (now(call).state, now(call).outcome) == (State.COMPLETED, "unknown")
    assert provider.ended == [], "the line is over"


def test_the_watch_over_an_analysis_is_set_with_the_end_and_the_one_over_the_talk_finds_nothing(
    acme: Tenant, frozen: clock.Frozen
) -> None:
    call = dialed(acme)
    over(call)
    closing.close(call.org_id, call.id, State.ACTIVE.value)
    assert now(call).state is State.ENDING
    drain("dialer")
    assert ANALYSIS_LIMIT.total_seconds() <= 900, "it leaves with the commit"
    job = CloseCall(org_id=call.org_id, call_id=call.id, state="ending")
    closing.close(job.org_id, job.call_id, job.state)
    assert now(call).state is State.COMPLETED


def test_what_is_hung_up_or_said_after_the_line_is_over_changes_nothing_of_it(acme: Tenant, provider: Provider) -> None:
    call = dialed(acme)
    over(call)
    closing.hang_up(call.org_id, call.id)
    for kind in ("ringing", "answered", "hold", "resumed", "ended"):
        report(call, kind, end_reason=EndReason.FAILED if kind == "ended" else None)
    assert (now(call).state, now(call).end_reason) == (State.ENDING, EndReason.CALLER_HANGUP)
    assert provider.ended == []


def test_a_recording_comes_after_the_end_and_once(acme: Tenant) -> None:
    call = dialed(acme)
    over(call, outcome="success")
    for _ in range(2):
        report(call, "recorded", recording=Recording(id="r", url="https://provider.example/r", duration_seconds=61))
    kept = now(call).recording
    assert kept is not None
    assert kept.id == "r"
    assert actions(acme).count("voice.call.recorded") == 1


def test_a_machine_is_found_out_after_the_answer(acme: Tenant) -> None:
    call = dialed(acme)
    report(call, "machine", answered_by="machine_start")
    report(call, "answered", answered_by="human")
    assert now(call).answered_by == "machine_start"
    assert actions(acme).count("voice.call.machine") == 1


def test_a_transfer_is_told_with_the_digest_of_the_number(acme: Tenant) -> None:
    call = dialed(acme)
    report(call, "answered")
    for _ in range(2):
        report(call, "transferred", to="+14155550177")
    assert now(call).transferred_to == "+14155550177"
    assert actions(acme).count("voice.call.transferred") == 1


# --- the provider's order and time ------------------------------------------------------------------------------


def test_a_resumption_that_comes_before_its_hold_stands(acme: Tenant) -> None:
    call = dialed(acme)
    report(call, "answered", sequence=2)
    report(call, "resumed", sequence=5)
    report(call, "hold", sequence=4)
    assert now(call).state is State.ACTIVE
    report(call, "hold", sequence=6)
    assert now(call).state is State.HOLD
    report(call, "resumed", sequence=5)
    assert now(call).state is State.HOLD, "an old word again"


def test_without_numbers_the_providers_time_orders(acme: Tenant, frozen: clock.Frozen) -> None:
    call = dialed(acme)
    report(call, "answered")
    frozen.advance(seconds=10)
    earlier = clock.stamp()
    frozen.advance(seconds=10)
    later = clock.stamp()
    report(call, "resumed", at=later)
    report(call, "hold", at=earlier)
    assert now(call).state is State.ACTIVE


@examples(60)
@given(data=st.data())
def test_holds_and_resumptions_in_any_order_and_number_lead_to_the_providers_last_word(data: st.DataObject) -> None:
    words = data.draw(st.lists(st.sampled_from(["hold", "resumed"]), min_size=1, max_size=5))
    arriving = data.draw(st.permutations([*enumerate(words), *enumerate(words)]))
    call = begun("active")
    for sequence, kind in arriving:
        call = after(call, kind, sequence=sequence)
    assert call.state is (State.HOLD if words[-1] == "hold" else State.ACTIVE)


def test_times_are_the_providers_as_far_as_they_can_be(acme: Tenant, frozen: clock.Frozen) -> None:
    frozen.advance(seconds=60)
    call = dialed(acme)
    begun = now(call).started_at
    frozen.advance(seconds=90)
    answered = clock.stamp()
    frozen.advance(seconds=30)
    report(call, "answered", at=answered)
    assert now(call).answered_at == answered
    frozen.advance(seconds=30)
    ended = clock.stamp()
    frozen.advance(seconds=45)
    report(call, "ended", at=ended, end_reason=EndReason.COMPLETED, outcome="success")
    assert (now(call).ended_at, now(call).duration_seconds) == (ended, 60)

    for at, kept in [("1999-01-01T00:00:00Z", begun), ("2999-01-01T00:00:00Z", None), ("yesterday", None)]:
        other = dialed(acme)
        begun = now(other).started_at
        report(other, "answered", at=at)
        assert now(other).answered_at == (begun if kept else clock.stamp())


def test_every_order_of_what_is_reported_leads_to_the_same_call() -> None:
    facts: list[tuple[str, dict[str, Any]]] = [
        ("answered", {"answered_by": "human", "at": None}),
        ("hold", {"sequence": 4}),
        ("resumed", {"sequence": 5}),
        ("ended", {"end_reason": EndReason.COMPLETED, "duration_seconds": 61}),
        ("analyzed", {"outcome": "success", "summary": "Done."}),
    ]
    ends = set()
    for order in itertools.permutations(facts):
        call = begun("ringing")
        for kind, more in [*order, order[0]]:
            call = after(call, kind, **more)
        ends.add((call.state, call.outcome, call.duration_seconds, call.cost_micros, call.answered_by, call.end_reason))
    price = 2 * usage.price(Meter.VOICE_BASIC)
    assert ends == {(State.COMPLETED, "success", 61, price, "human", EndReason.COMPLETED)}
