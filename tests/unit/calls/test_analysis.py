"""A talk that is analyzed: the line's end and the analysis come one after the other, and in any order."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.calls import reports, service, store, timeouts
from switchboard.calls.ending import ANALYSIS_LIMIT
from switchboard.calls.jobs import CloseCall
from switchboard.calls.models import Call, State
from switchboard.carriers import voice
from switchboard.carriers.voice.ports.reports import EndReason, Recording, Report, ToolUse, Turn
from switchboard.compliance import ledgers
from switchboard.dialects.opticomm import dispositions
from switchboard.kit import clock
from switchboard.usage import service as usage
from switchboard.usage.models import Meter
from tests.actors import Tenant, tenant
from tests.integration.sabotage import drain_queue
from tests.unit.calls.test_calls import NOBODY, actions, dialed, now, report
from tests.unit.properties import example_settings
from tests.voices import Provider

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    provider = Provider(analyzes=True)
    monkeypatch.setattr(voice, "get_carrier", lambda: provider.carrier)
    return provider


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock, provider: Provider) -> Tenant:
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
            "created_at": clock.now_iso(),
            "updated_at": clock.now_iso(),
            "answered_at": clock.now_iso() if state == "active" else None,
        }
    )


def after(call: Call, kind: str, **facts: Any) -> Call:
    """The call after a report, without any table."""
    told = Report.model_validate({"org_id": call.org_id, "call_id": call.id, "kind": kind, **facts})
    changed = reports.decide_report(call, told)
    return changed[0] if changed else call


def over(call: Call, **facts: Any) -> None:
    report(call, "answered")
    report(call, "ended", end_reason=EndReason.CALLER_HANGUP, duration_seconds=61, **facts)


def spent(acme: Tenant) -> int:
    return usage.get_monthly_usage(acme.org_id, clock.now_iso()[:7]).units["voice_basic"]


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
    timeouts.close_call(call.org_id, call.id, State.ENDING.value)
    assert (now(call).state, now(call).outcome, now(call).summary) == (State.COMPLETED, "success", "All is well.")
    assert list(store.list_turns(call.org_id, call.id)) == [turn]
    assert service.list_tool_uses(acme.caller(), call.id) == [tool]


def test_a_long_talk_that_nobody_reported_is_taken_in_several_runs_and_what_is_recorded_once(
    acme: Tenant, provider: Provider
) -> None:
    call = dialed(acme)
    over(call)
    turns = [Turn(number=n, speaker="agent", text=f"{n}.", start_ms=n, end_ms=n) for n in range(200)]
    for number in (3, 4):
        report(call, "turn", turn=turns[number])
    provider.said = voice.Transcript(turns=tuple(turns), outcome="success", summary="Long.")
    timeouts.close_call(call.org_id, call.id, State.ENDING.value)
    assert now(call).state is State.ENDING
    timeouts.close_call(call.org_id, call.id, State.ENDING.value)
    assert now(call).state is State.COMPLETED
    assert [turn.number for turn in store.list_turns(call.org_id, call.id)] == list(range(200))
    assert actions(acme).count("voice.call.turn") == 200


@pytest.mark.parametrize("said", [None, voice.OutcomeUnknownError("away")], ids=["knows nothing", "cannot be asked"])
def test_without_any_analysis_the_call_is_complete_and_a_late_one_counts(
    acme: Tenant, provider: Provider, said: Exception | None
) -> None:
    provider.said = said
    call = dialed(acme)
    over(call)
    timeouts.close_call(call.org_id, call.id, State.ENDING.value)
    assert (now(call).state, dispositions.outcome_of(now(call))) == (State.COMPLETED, "unknown")
    assert provider.ended == [], "the line is over"
    report(call, "analyzed", outcome="success", summary="They agreed.")
    report(call, "analyzed", outcome="failure", summary="Again.")
    assert (now(call).outcome, now(call).summary) == ("success", "They agreed.")
    assert actions(acme)[-1] == "voice.call.analyzed"


def test_the_watch_over_an_analysis_is_set_with_the_end_and_the_one_over_the_talk_finds_nothing(
    acme: Tenant, frozen: clock.FrozenClock
) -> None:
    call = dialed(acme)
    over(call)
    timeouts.close_call(call.org_id, call.id, State.ACTIVE.value)
    assert now(call).state is State.ENDING
    drain_queue("dialer")
    assert ANALYSIS_LIMIT.total_seconds() <= 900, "it leaves with the commit"
    job = CloseCall(org_id=call.org_id, call_id=call.id, state="ending")
    timeouts.close_call(job.org_id, job.call_id, job.state)
    assert now(call).state is State.COMPLETED


def test_what_is_hung_up_or_said_after_the_line_is_over_changes_nothing_of_it(acme: Tenant, provider: Provider) -> None:
    call = dialed(acme)
    over(call)
    timeouts.hang_up_call(call.org_id, call.id)
    for kind in ("ringing", "answered", "hold", "resumed", "ended"):
        report(call, kind, end_reason=EndReason.FAILED if kind == "ended" else None)
    assert (now(call).state, now(call).end_reason) == (State.ENDING, EndReason.CALLER_HANGUP)
    assert provider.ended == []


def test_recordings_come_after_the_end_each_once(acme: Tenant) -> None:
    call = dialed(acme)
    over(call, outcome="success")
    for name in ("a", "b", "a"):
        report(call, "recorded", recording=Recording(id=name, url="https://provider.example/r", duration_seconds=61))
    assert [kept.id for kept in now(call).recordings] == ["a", "b"]
    assert actions(acme).count("voice.call.recorded") == 2


def test_a_machine_is_found_out_after_the_answer(acme: Tenant) -> None:
    call = dialed(acme)
    report(call, "machine", answered_by="machine_start")
    report(call, "answered", answered_by="human")
    assert now(call).answered_by == "machine_start"
    assert actions(acme).count("voice.call.machine") == 1


def test_a_machine_makes_a_voicemail_in_either_order(acme: Tenant) -> None:
    for order in (["machine", "ended"], ["ended", "machine"]):
        call = dialed(acme)
        report(call, "answered")
        for kind in order:
            facts = {"answered_by": "machine_end_beep"} if kind == "machine" else {"duration_seconds": 30}
            report(call, kind, **facts)
        report(call, "analyzed", outcome="success", summary="A message was left.")
        assert (now(call).end_reason, dispositions.outcome_of(now(call))) == (EndReason.VOICEMAIL, "voicemail"), order


@pytest.mark.parametrize("reason", [EndReason.BUSY, EndReason.NO_ANSWER])
def test_a_call_that_was_answered_was_not_busy(acme: Tenant, reason: EndReason) -> None:
    for order in (["answered", "ended"], ["ended", "answered"]):
        call = dialed(acme)
        for kind in order:
            report(call, kind, **({"end_reason": reason, "outcome": "unknown"} if kind == "ended" else {}))
        assert (now(call).state, now(call).end_reason) == (State.COMPLETED, EndReason.COMPLETED), order


def test_an_old_transfer_that_is_told_again_is_not_the_last(acme: Tenant) -> None:
    call = dialed(acme)
    report(call, "answered")
    for to, sequence in (("+12125550100", 2), ("+12125550101", 3), ("+12125550100", 2)):
        report(call, "transferred", to=to, sequence=sequence)
    assert now(call).transferred_to == "+12125550101"


def test_the_talkers_own_id_takes_the_place_of_one_that_was_supposed(acme: Tenant) -> None:
    call = dialed(acme)
    assert now(call).provider_conversation_id == "talk_1"
    report(call, "answered", provider_conversation_id="conv_real")
    assert now(call).provider_conversation_id == "conv_real"


def test_a_talk_whose_answer_nobody_told_of_goes_on(
    acme: Tenant, provider: Provider, frozen: clock.FrozenClock
) -> None:
    call = dialed(acme)
    frozen.advance(seconds=181)
    answered = clock.format_iso(clock.now() - timedelta(seconds=170))
    provider.known = voice.Snapshot(over=False, answered=True, answered_at=answered)
    timeouts.close_call(call.org_id, call.id, State.RINGING.value)
    assert (now(call).state, now(call).answered_at, provider.ended) == (State.ACTIVE, answered, [])
    timeouts.close_call(call.org_id, call.id, State.ACTIVE.value)
    assert len(provider.ended) == 1, "the longest call is over"


def test_an_end_that_is_asked_for_may_lack_every_time(
    acme: Tenant, provider: Provider, frozen: clock.FrozenClock
) -> None:
    call = dialed(acme)
    frozen.advance(seconds=181)
    over_at = clock.format_iso(clock.now() - timedelta(seconds=100))
    provider.known = voice.Snapshot(over=True, answered=True, ended_at=over_at, end_reason="completed", sip_code=200)
    timeouts.close_call(call.org_id, call.id, State.RINGING.value)
    found = now(call)
    assert (found.state, found.answered_at, found.ended_at) == (State.ENDING, over_at, over_at)
    report(call, "ended", end_reason=EndReason.COMPLETED, duration_seconds=75)
    assert (now(call).duration_seconds, spent(acme)) == (75, 2), "the provider's own word on the length"
    assert now(call).state is State.ENDING


def test_the_length_of_a_talk_does_not_depend_on_the_order_of_its_reports() -> None:
    facts: dict[str, dict[str, Any]] = {
        "answered": {"at": "2026-01-15T17:00:10Z", "answered_by": "human"},
        "ended": {"at": "2026-01-15T17:03:30Z", "end_reason": EndReason.CALLER_HANGUP},
        "analyzed": {"outcome": "success", "summary": "Done."},
    }
    for reason in (EndReason.CALLER_HANGUP, EndReason.COMPLETED, EndReason.AGENT_HANGUP, EndReason.VOICEMAIL):
        ends = set()
        for order in itertools.permutations(facts):
            call = begun("ringing").model_copy(update={"created_at": "2026-01-15T17:00:00Z"})
            with clock.using(clock.FrozenClock("2026-01-15T17:05:00Z")):
                for kind in order:
                    more = facts[kind] | ({"end_reason": reason} if kind == "ended" else {})
                    call = after(call, kind, **more)
            ends.add((call.state, call.duration_seconds, call.cost_micros, call.answered_at, call.answered_by))
        assert len(ends) == 1, (reason, ends)
        assert ends.pop()[1] == 200, reason


# --- wishes that a recognizer cuts ------------------------------------------------------------------------------


def opted_out(acme: Tenant) -> bool:
    return bool(ledgers.list_opt_outs(acme.org_id, 10)[0])


def said(call: Call, number: int, text: str, *, speaker: str = "caller", final: bool = True) -> None:
    turn = Turn(number=number, speaker=speaker, text=text, start_ms=number, end_ms=number + 1, final=final)
    report(call, "turn", turn=turn)


@pytest.mark.parametrize("order", [[1, 2], [2, 1]])
def test_a_wish_that_is_cut_in_two_turns_is_one(acme: Tenant, order: list[int]) -> None:
    texts = {1: "Please don't", 2: "call me again."}
    call = dialed(acme)
    report(call, "answered")
    for number in order:
        said(call, number, texts[number])
    assert opted_out(acme)


def test_words_of_the_agent_between_are_no_part_of_a_wish(acme: Tenant) -> None:
    call = dialed(acme)
    report(call, "answered")
    said(call, 1, "Please don't", speaker="agent")
    said(call, 2, "call me again.")
    assert not opted_out(acme)


def test_a_wish_at_which_the_person_hung_up_counts_though_it_never_became_final(acme: Tenant) -> None:
    call = dialed(acme)
    report(call, "answered")
    said(call, 1, "Please stop calling me", final=False)
    assert not opted_out(acme), "more may come"
    over(call)
    assert opted_out(acme)


def test_a_wish_that_was_cut_off_is_heard_though_the_worker_was_stopped_before_it(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = dialed(acme)
    report(call, "answered")
    said(call, 1, "Please stop calling me", final=False)

    def killed(*_: str) -> list[Turn]:
        raise KeyboardInterrupt

    with monkeypatch.context() as stopped:
        stopped.setattr(store, "list_turns", killed)
        with pytest.raises(KeyboardInterrupt):
            report(call, "ended", end_reason=EndReason.CALLER_HANGUP, duration_seconds=6)
    assert now(call).state is State.ENDING
    assert not opted_out(acme)
    report(call, "ended", end_reason=EndReason.CALLER_HANGUP, duration_seconds=6)
    assert opted_out(acme)


def test_a_wish_in_a_call_whose_end_was_only_supposed_hangs_up(
    acme: Tenant, provider: Provider, frozen: clock.FrozenClock
) -> None:
    call = dialed(acme)
    frozen.advance(seconds=181)
    timeouts.close_call(call.org_id, call.id, State.RINGING.value)
    assert now(call).provisional
    provider.ended.clear()
    report(call, "answered")
    said(call, 1, "Stop calling me.")
    timeouts.hang_up_call(call.org_id, call.id)
    assert len(provider.ended) == 1


def test_an_account_number_that_holds_the_key_is_no_wish(acme: Tenant) -> None:
    call = dialed(acme)
    report(call, "answered")
    report(call, "dtmf", digits="4921")
    assert not opted_out(acme)
    report(call, "dtmf", digits="9#")
    assert opted_out(acme)


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


def test_without_numbers_the_providers_time_orders(acme: Tenant, frozen: clock.FrozenClock) -> None:
    call = dialed(acme)
    report(call, "answered")
    frozen.advance(seconds=10)
    earlier = clock.now_iso()
    frozen.advance(seconds=10)
    later = clock.now_iso()
    report(call, "resumed", at=later)
    report(call, "hold", at=earlier)
    assert now(call).state is State.ACTIVE


@example_settings(60)
@given(data=st.data())
def test_holds_and_resumptions_in_any_order_and_number_lead_to_the_providers_last_word(data: st.DataObject) -> None:
    words = data.draw(st.lists(st.sampled_from(["hold", "resumed"]), min_size=1, max_size=5))
    arriving = data.draw(st.permutations([*enumerate(words), *enumerate(words)]))
    call = begun("active")
    for sequence, kind in arriving:
        call = after(call, kind, sequence=sequence)
    assert call.state is (State.HOLD if words[-1] == "hold" else State.ACTIVE)


def test_times_are_the_providers_as_far_as_they_can_be(acme: Tenant, frozen: clock.FrozenClock) -> None:
    frozen.advance(seconds=60)
    call = dialed(acme)
    begun = now(call).started_at
    frozen.advance(seconds=90)
    answered = clock.now_iso()
    frozen.advance(seconds=30)
    report(call, "answered", at=answered)
    assert now(call).answered_at == answered
    frozen.advance(seconds=30)
    ended = clock.now_iso()
    frozen.advance(seconds=45)
    report(call, "ended", at=ended, end_reason=EndReason.COMPLETED, outcome="success")
    assert (now(call).ended_at, now(call).duration_seconds) == (ended, 60)

    for at, kept in [("1999-01-01T00:00:00Z", begun), ("2999-01-01T00:00:00Z", None), ("yesterday", None)]:
        other = dialed(acme)
        begun = now(other).started_at
        report(other, "answered", at=at)
        assert now(other).answered_at == (begun if kept else clock.now_iso())


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
    price = 2 * usage.price_micros(Meter.VOICE_BASIC)
    assert ends == {(State.COMPLETED, "success", 61, price, "human", EndReason.COMPLETED)}
