"""A call's way from accepted to ended, however its provider reports it."""

from __future__ import annotations

import itertools
import json
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

import pytest

from switchboard.accounts import keys, organizations, stops
from switchboard.accounts.models import HardCap
from switchboard.accounts.plans import PlanName
from switchboard.audit import service as audit
from switchboard.aws import clients as session
from switchboard.aws.writes import commit
from switchboard.calls import dialing, service, store, timeouts
from switchboard.calls import reports as following
from switchboard.calls.models import FINAL_STATES, TRANSITIONS, Call, Order, State, Tier
from switchboard.carriers import voice
from switchboard.carriers.voice.ports.reports import EndReason, Report, ToolUse, Turn
from switchboard.compliance import ledgers
from switchboard.compliance import service as compliance
from switchboard.compliance.errors import Blocked
from switchboard.errors import Contended, Forbidden, Invalid, NotFound, QuotaExceeded, Unavailable
from switchboard.events import service as events
from switchboard.kit import clock, settings
from switchboard.persistence.idempotency import IdempotencyMismatch
from switchboard.usage import service as usage
from switchboard.usage.models import MICROS_PER_CENT, Meter
from tests.actors import Tenant, tenant, with_effect
from tests.integration.sabotage import Sabotage, Stream, everything, tick
from tests.voices import Provider

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

NOBODY = "+14155550142"


@pytest.fixture
def carrier(monkeypatch: pytest.MonkeyPatch) -> Provider:
    provider = Provider()
    monkeypatch.setattr(voice, "get_carrier", lambda: provider.carrier)
    return provider


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock, carrier: Provider) -> Tenant:
    return tenant()


def order(**changes: Any) -> Order:
    return Order.model_validate({"to": NOBODY, "tier": "basic", "consent_source": "business-relationship"} | changes)


def placed(acme: Tenant, **changes: Any) -> Call:
    return service.place_call(acme.caller(), order(**changes))


def now(call: Call) -> Call:
    found = store.CALLS.get(call.org_id, call.id)
    assert found is not None
    return found


def report(call: Call, kind: str, **facts: Any) -> None:
    following.apply_report(Report(org_id=call.org_id, call_id=call.id, kind=kind, **facts))


def dialed(acme: Tenant, **changes: Any) -> Call:
    call = placed(acme, **changes)
    dialing.dial_call(call.org_id, call.id)
    return now(call)


def actions(acme: Tenant, correlation_id: str = "corr_test") -> list[str]:
    entries, _ = audit.list_workflow_events(acme.caller(master=True), correlation_id, 500, None)
    return [entry.document["action"] for entry in entries]


# --- placing ----------------------------------------------------------------------------------------------------


def test_a_call_is_accepted_with_its_verdict_and_dialed_once(acme: Tenant, carrier: Provider) -> None:
    call = placed(acme, greeting="Good day.")
    first = "This is an artificial voice calling for Acme. Good day."
    assert (call.state, call.voice_id, call.greeting) == (State.CREATED, "b", first)
    assert service.get_verdict(acme.caller(), call.id).allowed
    dialing.dial_call(call.org_id, call.id)
    dialing.dial_call(call.org_id, call.id)
    assert [dial.to_number for dial in carrier.dialed] == [NOBODY]
    assert (now(call).state, now(call).provider_call_id) == (State.RINGING, "sim_1")


def test_a_refused_call_is_never_a_call_and_its_verdict_is_in_the_chain(acme: Tenant, carrier: Provider) -> None:
    ledgers.block_number(acme.caller(), NOBODY)
    with pytest.raises(Blocked) as refusal:
        placed(acme)
    assert refusal.value.code == "dnc"
    assert service.list_calls(acme.caller(), None, [], None, 20, None) == ([], None)
    assert "voice.call.blocked" in actions(acme)
    assert "voice.call.created" not in actions(acme)


def test_a_block_of_another_organization_does_not_matter(acme: Tenant) -> None:
    ledgers.block_number(tenant("other").caller(), NOBODY)
    assert placed(acme).state is State.CREATED


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("+15005550004", "opted_out"),
        ("+15005550020", "dnc"),
        ("+15005550021", "number_reassigned"),
        ("+15005550023", "reassigned_unknown"),
        ("+15005550024", "quiet_hours"),
    ],
)
def test_magic_numbers_show_each_refusal(acme: Tenant, number: str, code: str) -> None:
    with pytest.raises(Blocked) as refusal:
        placed(acme, to=number)
    assert refusal.value.code == code


def test_without_consent_nobody_is_called(acme: Tenant) -> None:
    with pytest.raises(Blocked) as refusal:
        placed(acme, consent_source=None)
    assert refusal.value.code == "consent_missing"


def test_the_daily_cap_of_a_tier_holds(frozen: clock.FrozenClock, carrier: Provider) -> None:
    small = tenant("small", PlanName.GROWTH, basic_calls_per_day=2)
    for _ in range(2):
        placed(small)
    with pytest.raises(QuotaExceeded) as refusal:
        placed(small)
    assert (refusal.value.code, refusal.value.details["resource"]) == ("daily_cap", "basic_calls")
    assert placed(small, tier="premium").tier is Tier.PREMIUM
    frozen.advance(days=1)
    assert placed(small).state is State.CREATED


@pytest.mark.parametrize("plan", [PlanName.STARTER, PlanName.GROWTH])
@pytest.mark.parametrize("reached", ["the day's calls", "the cap"])
def test_no_answer_is_paid_for_that_a_limit_makes_useless(
    carrier: Provider, monkeypatch: pytest.MonkeyPatch, plan: PlanName, reached: str
) -> None:
    asked: list[str] = []

    class Database:
        def query(self, e164: str, since: date) -> str:
            asked.append(e164)
            return "no"

    monkeypatch.setattr(compliance, "get_reassigned_numbers", Database)
    small = tenant("small", plan, basic_calls_per_day=1 if reached == "the day's calls" else 10)
    if reached == "the cap":
        cap = HardCap(enabled=True, monthly_cap_cents=7)  # a minute
        usage.set_hard_cap(small.caller(master=True), organizations.get_organization(small.org_id), cap)
    placed(small, to="+12125551234")
    with pytest.raises(QuotaExceeded) as refusal:
        placed(small, to="+12125551235")
    assert refusal.value.code == ("daily_cap" if reached == "the day's calls" else "hard_cap")
    assert asked == ["+12125551234"]


def test_the_free_plan_has_no_premium_calls(carrier: Provider) -> None:
    with pytest.raises(QuotaExceeded):
        placed(tenant("free", PlanName.FREE), tier="premium")


def test_a_switched_off_phone_or_a_provider_that_is_down_says_so_at_once(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Unavailable):
        placed(acme, to="+15005550013")
    monkeypatch.setenv("SWITCHBOARD_FEATURE_PHONE_ENABLED", "off")
    with pytest.raises(Unavailable):
        placed(acme)


def test_a_voice_belongs_to_its_tier(acme: Tenant) -> None:
    assert placed(acme, tier="premium").voice_id == "p"
    with pytest.raises(Invalid):
        placed(acme, voice_id="p")


def test_the_caller_id_is_ones_own_or_the_platforms_and_always_the_same(acme: Tenant) -> None:
    assert placed(acme).from_number == placed(acme).from_number
    with pytest.raises(Invalid):
        placed(acme, from_number="+12025550100")


def test_an_agent_key_calls_as_its_own_agent_only(acme: Tenant) -> None:
    with pytest.raises(Forbidden):
        placed(acme, agent_id="agt_other")
    with pytest.raises(Invalid, match="Name the agent: agentId is required with a master key") as refusal:
        service.place_call(acme.caller(master=True), order())
    assert (refusal.value.code, [*refusal.value.details["fields"]]) == ("invalid", ["agentId"])
    call = service.place_call(acme.caller(master=True), order(agent_id=acme.agent_id))
    assert call.agent_id == acme.agent_id


def test_a_repeated_request_places_one_call(acme: Tenant) -> None:
    caller = with_effect(acme.caller(), "key-1")
    assert service.place_call(caller, order()).id == service.place_call(caller, order()).id
    with pytest.raises(IdempotencyMismatch):
        service.place_call(with_effect(acme.caller(), "key-1", "other body"), order())
    assert len(service.list_calls(acme.caller(), None, [], None, 20, None)[0]) == 1


def test_another_organization_finds_nothing(acme: Tenant) -> None:
    call, other = placed(acme), tenant("other")
    for read in (service.get_call, service.list_turns, service.get_verdict):
        with pytest.raises(NotFound):
            read(other.caller(master=True), call.id)


# --- dialling ---------------------------------------------------------------------------------------------------


def test_a_refusal_of_the_provider_ends_the_call(acme: Tenant, carrier: Provider) -> None:
    carrier.outcome = voice.RefusedError("no such route")
    call = dialed(acme)
    assert (call.state, call.end_reason, call.error) == (State.FAILED, EndReason.FAILED, "no such route")


def test_a_provider_without_room_is_asked_again_and_at_last_given_up(
    acme: Tenant, carrier: Provider, frozen: clock.FrozenClock
) -> None:
    carrier.outcome = voice.ThrottledError("later")
    call = dialed(acme)
    assert call.state is State.CREATED
    carrier.outcome = "sim_2"
    dialing.dial_call(call.org_id, call.id)
    assert now(call).state is State.RINGING
    carrier.outcome = voice.ThrottledError("later")
    late = dialed(acme)
    frozen.advance(minutes=16)
    dialing.dial_call(late.org_id, late.id)
    assert (now(late).state, now(late).end_reason) == (State.FAILED, EndReason.PROVIDER_UNAVAILABLE)


def test_an_unknown_outcome_is_never_dialed_again_surfaces_and_ends(
    acme: Tenant, carrier: Provider, frozen: clock.FrozenClock
) -> None:
    carrier.outcome = voice.OutcomeUnknownError("timeout")
    call = dialed(acme)
    dialing.dial_call(call.org_id, call.id)
    assert len(carrier.dialed) == 1
    frozen.advance(minutes=10)
    dialing.confirm_dial(call.org_id, call.id, now(call).claim)
    assert now(call).state is State.UNCONFIRMED
    frozen.advance(hours=1)
    timeouts.close_call(call.org_id, call.id, State.UNCONFIRMED)
    assert (now(call).state, now(call).end_reason) == (State.FAILED, EndReason.TIMEOUT)


def test_the_providers_reports_settle_an_unconfirmed_call(acme: Tenant, carrier: Provider) -> None:
    carrier.outcome = voice.OutcomeUnknownError("timeout")
    call = dialed(acme)
    dialing.confirm_dial(call.org_id, call.id, call.claim)
    report(call, "answered", provider_call_id="sim_9")
    assert (now(call).state, now(call).provider_call_id) == (State.ACTIVE, "sim_9")


def test_every_call_ends_though_its_provider_forgets_it(acme: Tenant, frozen: clock.FrozenClock) -> None:
    ringing, talking = dialed(acme), dialed(acme)
    report(talking, "answered")
    frozen.advance(minutes=4)
    timeouts.close_call(ringing.org_id, ringing.id, State.RINGING)
    timeouts.close_call(talking.org_id, talking.id, State.RINGING)
    assert (now(ringing).state, now(talking).state) == (State.NO_ANSWER, State.ACTIVE)
    frozen.advance(hours=1)
    timeouts.close_call(talking.org_id, talking.id, State.ACTIVE)
    assert (now(talking).state, now(talking).end_reason) == (State.FAILED, EndReason.TIMEOUT)
    jobs = [item["body"]["M"]["job"]["S"] for item in everything("activity") if "queue" in item]
    assert jobs.count("CloseCall") >= 4, "what does this later is asked for"


def test_what_changes_between_acceptance_and_dialling_still_stops_the_call(acme: Tenant, carrier: Provider) -> None:
    call = placed(acme)
    ledgers.record_opt_out(acme.caller(), NOBODY, "api")
    dialing.dial_call(call.org_id, call.id)
    assert carrier.dialed == []
    assert (now(call).state, now(call).end_reason) == (State.CANCELED, EndReason.BLOCKED)
    assert service.get_verdict(acme.caller(), call.id).code == "opted_out"


def suspend(acme: Tenant, _: Call) -> None:
    organizations.set_status(acme.caller(master=True), "suspended")


def revoke(acme: Tenant, call: Call) -> None:
    assert call.key_id
    keys.revoke_key(acme.caller(master=True), call.key_id)


def opt_out(acme: Tenant, _: Call) -> None:
    ledgers.record_opt_out(acme.caller(), NOBODY, "api")


def block(acme: Tenant, _: Call) -> None:
    ledgers.block_number(acme.caller(), NOBODY)


def lower_cap(acme: Tenant, _: Call) -> None:
    org = organizations.get_organization(acme.org_id)
    usage.set_hard_cap(acme.caller(master=True), org, HardCap(enabled=True, monthly_cap_cents=1))


WITHDRAWALS = {
    "suspended": (suspend, "the organization is suspended"),
    "key revoked": (revoke, "the key was revoked"),
    "opted out": (opt_out, "refused before it was dialed: opted_out"),
    "blocked": (block, "refused before it was dialed: dnc"),
}


@pytest.mark.parametrize("what", [*WITHDRAWALS, "cap lowered"])
def test_what_is_withdrawn_while_a_call_waits_is_not_dialed_and_given_back(
    acme: Tenant, carrier: Provider, what: str
) -> None:
    lowered = "the organization's spending cap is passed"
    act, why = {**WITHDRAWALS, "cap lowered": (lower_cap, lowered)}[what]
    call = placed(acme)
    act(acme, call)
    dialing.dial_call(call.org_id, call.id)
    assert carrier.dialed == []
    assert (now(call).state, now(call).end_reason, now(call).error) == (State.CANCELED, EndReason.BLOCKED, why)
    assert usage.get_monthly_usage(acme.org_id, clock.now_iso()[:7]).units["voice_basic"] == 0


@pytest.mark.parametrize("what", WITHDRAWALS)
def test_what_is_withdrawn_between_verdict_and_claim_is_not_dialed(
    acme: Tenant, carrier: Provider, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    act, why = WITHDRAWALS[what]
    call, claim = placed(acme), dialing._claim

    def late(*arguments: Any, **options: Any) -> Call | None:
        act(acme, call)
        return claim(*arguments, **options)

    monkeypatch.setattr(dialing, "_claim", late)
    dialing.dial_call(call.org_id, call.id)
    assert carrier.dialed == []
    assert (now(call).state, now(call).error) == (State.CANCELED, why)


@pytest.mark.parametrize("what", WITHDRAWALS)
def test_nobody_is_dialed_after_a_withdrawal_wherever_it_comes_between_a_dialers_requests(
    acme: Tenant, carrier: Provider, what: str
) -> None:
    """All interleavings: the withdrawal's commit comes before each of the dialler's requests to AWS in turn."""
    act, _ = WITHDRAWALS[what]
    outcomes = set[str]()
    for place in range(40):
        mine, number = tenant(f"mine-{place}"), iter(range(10_000))
        call = placed(mine)
        carrier.dialed.clear()
        claimed: list[bool] = []

        def come_between(*_: Any, call: Call = call, mine: Tenant = mine, number: Any = number, place: int = place,
                         claimed: list[bool] = claimed, **__: Any) -> None:  # fmt: skip
            if next(number) == place:
                act(mine, call)
                claimed.append(now(call).state is not State.CREATED)

        clients = (session.dynamodb_client(), session.dynamodb_client_without_retries())
        for client in clients:
            client.meta.events.register_first("before-call.dynamodb", come_between)
        try:
            dialing.dial_call(call.org_id, call.id)
        finally:
            for client in clients:
                client.meta.events.unregister("before-call.dynamodb", come_between)
        if not claimed:
            break
        assert bool(carrier.dialed) == claimed[0], (place, now(call).state)
        outcomes.add("dialled" if carrier.dialed else "stopped")
    assert outcomes == {"dialled", "stopped"}


def test_a_dialer_that_gives_up_never_ends_a_call_that_another_has_dialed(acme: Tenant, carrier: Provider) -> None:
    """All interleavings: a dialler refuses a call, and before each of its requests another finds it allowed again."""
    outcomes, sabotage = set[State](), Sabotage()
    for place in range(40):
        other = tenant(f"other-{place}")
        call = placed(other)
        ledgers.block_number(other.caller(), NOBODY)
        carrier.dialed.clear()

        def come_between(call: Call = call, other: Tenant = other) -> None:
            ledgers.unblock_number(other.caller(), NOBODY)
            dialing.dial_call(call.org_id, call.id)

        with sabotage.meeting(place, come_between):
            dialing.dial_call(call.org_id, call.id)
        state = now(call).state
        assert (state is State.RINGING) == bool(carrier.dialed), (place, state)
        outcomes.add(state)
        if place > len(sabotage.calls):
            break
    assert outcomes == {State.RINGING, State.CANCELED}


def test_a_cap_that_is_lowered_between_a_dialers_requests_stops_the_call(acme: Tenant, carrier: Provider) -> None:
    """All interleavings, as with the other withdrawals. A dialler that reckoned with the old cap has to begin anew."""
    outcomes, sabotage = set[str](), Sabotage()
    for place in range(40):
        mine = tenant(f"mine-{place}")
        call = placed(mine)
        carrier.dialed.clear()
        claimed: list[bool] = []

        def come_between(call: Call = call, mine: Tenant = mine, claimed: list[bool] = claimed) -> None:
            lower_cap(mine, call)
            claimed.append(now(call).state is not State.CREATED)

        with sabotage.meeting(place, come_between), suppress(Contended):
            dialing.dial_call(call.org_id, call.id)
        if not claimed:
            break
        dialing.dial_call(call.org_id, call.id)
        assert bool(carrier.dialed) == claimed[0], (place, now(call).state)
        outcomes.add("dialled" if carrier.dialed else str(now(call).error))
    assert outcomes == {"dialled", "the organization's spending cap is passed"}


def test_a_suspension_that_is_lifted_stops_nothing_more(acme: Tenant, carrier: Provider) -> None:
    suspend(acme, placed(acme))
    organizations.set_status(acme.caller(master=True), "active")
    assert dialed(acme).state is State.RINGING


@pytest.mark.parametrize("copy", range(stops.COPIES))
def test_a_stop_is_seen_at_each_of_its_copies(acme: Tenant, monkeypatch: pytest.MonkeyPatch, copy: int) -> None:
    monkeypatch.setattr(stops, "choose_copy", lambda: copy)
    suspend(acme, placed(acme))
    with pytest.raises(stops.StoppedError):
        commit(stops.claim_checks(acme.org_id, None), store.CALLS.put(placed_elsewhere(acme)))


@pytest.mark.parametrize("copy", range(stops.COPIES))
def test_another_cap_is_seen_at_each_of_its_copies_and_lifts_no_suspension(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch, copy: int
) -> None:
    monkeypatch.setattr(stops, "choose_copy", lambda: copy)
    call = placed_elsewhere(acme)
    lower_cap(acme, call)
    with pytest.raises(Contended):
        commit(stops.claim_checks(acme.org_id, None, cap=stops.CapMark(None)), store.CALLS.put(call))
    mark = organizations.get_organization(acme.org_id).cap_mark
    suspend(acme, call)
    with pytest.raises(stops.StoppedError):
        commit(stops.claim_checks(acme.org_id, None, cap=stops.CapMark(mark)), store.CALLS.put(call))
    organizations.set_status(acme.caller(master=True), "active")
    commit(stops.claim_checks(acme.org_id, None, cap=stops.CapMark(mark)), store.CALLS.put(call))


def test_a_call_stopped_by_nothing_is_dialed_whatever_is_done_to_others(acme: Tenant, carrier: Provider) -> None:
    other = tenant("globex")
    call = placed(acme)
    ledgers.record_opt_out(other.caller(), NOBODY, "api")
    suspend(other, call)
    dialing.dial_call(call.org_id, call.id)
    assert now(call).state is State.RINGING


def placed_elsewhere(acme: Tenant) -> Call:
    """A call that is stored nowhere."""
    return Call(
        id="call_x", org_id=acme.org_id, source="anima", tier=Tier.BASIC, from_number="+14155550100", to_number=NOBODY,
        voice_id="b", greeting="Hello.", order=order(), correlation_id="corr_x", provider="simulator",
        created_at=clock.now_iso(), updated_at=clock.now_iso(),
    )  # fmt: skip


def test_a_second_run_gets_the_first_ones_call_though_the_gate_would_refuse_now(acme: Tenant) -> None:
    caller = with_effect(acme.caller(), "key-2")
    call = service.place_call(caller, order())
    ledgers.block_number(acme.caller(), NOBODY)
    assert service.place_call(caller, order()).id == call.id


# --- progress ---------------------------------------------------------------------------------------------------


def course(call: Call) -> list[Report]:
    """All that a provider reports of an answered call."""

    def made(kind: str, **facts: Any) -> Report:
        return Report(org_id=call.org_id, call_id=call.id, kind=kind, provider_call_id="sim_1", **facts)

    turns = [
        Turn(number=number, speaker="agent", text=f"turn {number}", start_ms=number * 1000, end_ms=number * 1000 + 900)
        for number in range(2)
    ]
    return [
        made("ringing"),
        made("answered", answered_by="human"),
        made("turn", turn=turns[0]),
        made("turn", turn=turns[1]),
        made("ended", end_reason=EndReason.COMPLETED, duration_seconds=61),
    ]


def test_a_call_rings_talks_and_ends(acme: Tenant) -> None:
    call = dialed(acme)
    for progress in course(call):
        following.apply_report(progress)
    assert (now(call).state, now(call).end_reason, now(call).duration_seconds) == (
        State.COMPLETED,
        EndReason.COMPLETED,
        61,
    )
    assert now(call).cost_micros == 2 * 70_000
    assert [turn.text for turn in service.list_turns(acme.caller(), call.id)] == ["turn 0", "turn 1"]
    assert actions(acme)[-6:] == [
        "voice.call.created",
        "voice.call.ringing",
        "voice.call.answered",
        "voice.call.turn",
        "voice.call.turn",
        "voice.call.completed",
    ]


@pytest.mark.parametrize("places", list(itertools.permutations(range(5)))[::7])
def test_late_repeated_and_reordered_reports_lead_to_the_same_end(acme: Tenant, places: tuple[int, ...]) -> None:
    call = dialed(acme)
    reports = course(call)
    reached: list[State] = [now(call).state]
    for place in (*places, *places):
        following.apply_report(reports[place])
        state = now(call).state
        assert state is reached[-1] or state in TRANSITIONS[reached[-1]]
        reached.append(state)
    assert (now(call).state, now(call).duration_seconds) == (State.COMPLETED, 61)
    assert len(list(service.list_turns(acme.caller(), call.id))) == 2
    assert actions(acme).count("voice.call.completed") == 1
    assert usage.get_monthly_usage(acme.org_id, "2026-01").units["voice_basic"] == 2


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        (EndReason.BUSY, State.BUSY),
        (EndReason.NO_ANSWER, State.NO_ANSWER),
        (EndReason.FAILED, State.FAILED),
        (EndReason.UNREACHABLE, State.FAILED),
        (EndReason.CANCELED, State.CANCELED),
    ],
)
@pytest.mark.parametrize("ring_seconds", [None, 0, 1, 61])
def test_a_call_that_nobody_answers_costs_nothing_however_long_it_rang(
    acme: Tenant, reason: EndReason, state: State, ring_seconds: int | None
) -> None:
    call = dialed(acme)
    report(call, "ended", end_reason=reason, duration_seconds=ring_seconds)
    assert (now(call).state, now(call).cost_micros, now(call).duration_seconds) == (state, 0, 0)
    used = usage.get_monthly_usage(acme.org_id, "2026-01")
    assert (used.units["voice_basic"], used.spent_micros) == (0, 0)


@pytest.mark.parametrize("kind", ["answered", "hold"])
def test_a_call_that_was_answered_and_fails_is_paid_for(acme: Tenant, kind: str) -> None:
    call = dialed(acme)
    report(call, kind)
    report(call, "ended", end_reason=EndReason.FAILED, duration_seconds=61)
    assert (now(call).state, now(call).cost_micros) == (State.FAILED, 2 * 70_000)


def said(call: Call, text: str, *, speaker: str = "caller", number: int = 3, final: bool = True) -> None:
    turn = Turn(number=number, speaker=speaker, text=text, start_ms=0, end_ms=900, final=final)
    report(call, "turn", turn=turn)


def opted_out(acme: Tenant) -> list[tuple[str, str]]:
    return [(one.e164, one.source) for one in ledgers.list_opt_outs(acme.org_id, 10)[0]]


def hangs_up() -> int:
    """How many jobs wait that hang a call up."""
    bodies = [item["body"]["M"] for item in everything("activity") if "queue" in item]
    return sum(body["job"]["S"] == "HangUp" for body in bodies)


def test_who_asks_for_no_more_calls_is_in_the_ledger_with_the_turn_and_the_call_ends(
    acme: Tenant, carrier: Provider
) -> None:
    call = dialed(acme)
    report(call, "answered")
    said(call, "Listen, please don't call me again.")
    assert opted_out(acme) == [(NOBODY, "spoken")]
    assert (now(call).opted_out_at, hangs_up()) == (clock.now_iso(), 1)
    assert {"voice.call.turn", "sms.opt_out", "voice.call.opted_out"} <= set(actions(acme))
    with pytest.raises(Blocked) as refused:
        placed(acme)
    assert refused.value.code == "opted_out"
    timeouts.hang_up_call(call.org_id, call.id)
    assert [one.call_id for one in carrier.ended] == [call.id]


def test_a_key_press_says_it_too(acme: Tenant) -> None:
    call = dialed(acme)
    report(call, "answered")
    report(call, "dtmf", digits="1")
    assert opted_out(acme) == []
    report(call, "dtmf", digits="9")
    assert (opted_out(acme), hangs_up()) == ([(NOBODY, "key_press")], 1)


def test_only_the_called_persons_final_words_say_it(acme: Tenant) -> None:
    call = dialed(acme)
    report(call, "answered")
    said(call, "Press 9 or say: stop calling me.", speaker="agent", number=1)
    said(call, "please stop cal", number=2, final=False)
    said(call, "please stop calling", number=2, final=False)
    said(call, "Go on, please.", number=4)
    assert (opted_out(acme), now(call).opted_out_at) == ([], None)
    said(call, "please stop calling me", number=2)
    assert opted_out(acme) == [(NOBODY, "spoken")]


def test_a_wish_that_is_reported_twice_is_one(acme: Tenant) -> None:
    call = dialed(acme)
    report(call, "answered")
    for _ in range(2):
        said(call, "Stop calling.")
        report(call, "dtmf", digits="9")
    assert (len(opted_out(acme)), hangs_up(), actions(acme).count("voice.call.opted_out")) == (1, 1, 1)
    assert [turn.text for turn in service.list_turns(acme.caller(), call.id)] == ["Stop calling."]


def test_a_wish_is_recorded_though_the_number_opted_out_elsewhere_or_the_call_is_over(acme: Tenant) -> None:
    first, second = dialed(acme), dialed(acme)
    report(first, "answered")
    report(first, "ended", end_reason="completed", duration_seconds=9)
    said(first, "Take me off your list.")
    assert (opted_out(acme), hangs_up()) == ([(NOBODY, "spoken")], 0)
    said(second, "Take me off your list.")
    assert now(second).opted_out_at
    assert (len(opted_out(acme)), hangs_up()) == (1, 1)


def test_a_worker_killed_anywhere_leaves_no_words_without_their_ledger(acme: Tenant) -> None:
    saboteur = Sabotage()
    call = dialed(acme)
    report(call, "answered")
    for done in range(9):
        with saboteur.killing(after=done):
            said(call, "Stop calling me.")
        turns = list(service.list_turns(acme.caller(), call.id))
        assert bool(turns) == bool(opted_out(acme))
    said(call, "Stop calling me.")
    assert len(opted_out(acme)) == 1


def seconds_of(acme: Tenant) -> int:
    """What is counted of basic minutes this month."""
    return usage.get_monthly_usage(acme.org_id, clock.now_iso()[:7]).units["voice_basic"]


def test_a_close_timer_asks_the_provider_and_takes_its_word(acme: Tenant, carrier: Provider) -> None:
    call = dialed(acme)
    carrier.known = voice.Snapshot(over=True, answered=True, end_reason="completed", duration_seconds=125)
    timeouts.close_call(call.org_id, call.id, "ringing")
    after = now(call)
    assert (after.state, after.duration_seconds, after.provisional) == (State.COMPLETED, 125, False)
    assert (carrier.ended, seconds_of(acme)) == ([], 3)


def test_a_close_timer_hangs_up_what_the_provider_still_has(acme: Tenant, carrier: Provider) -> None:
    call = dialed(acme)
    carrier.known = voice.Snapshot(over=False)
    timeouts.close_call(call.org_id, call.id, "ringing")
    assert [one.call_id for one in carrier.ended] == [call.id]
    assert (now(call).state, now(call).provisional) == (State.NO_ANSWER, True)


def test_a_provider_that_cannot_be_asked_keeps_no_call_open(
    acme: Tenant, carrier: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: voice.Leg) -> None:
        raise voice.OutcomeUnknownError("no answer")

    monkeypatch.setattr(carrier, "fetch", away)
    call = dialed(acme)
    timeouts.close_call(call.org_id, call.id, "ringing")
    assert (now(call).state, now(call).provisional) == (State.NO_ANSWER, True)


def test_a_late_end_corrects_what_we_concluded(acme: Tenant, carrier: Provider, frozen: clock.FrozenClock) -> None:
    call = dialed(acme)
    timeouts.close_call(call.org_id, call.id, "ringing")
    assert seconds_of(acme) == 0
    frozen.advance(minutes=10)
    report(call, "answered", answered_by="human")
    report(call, "ended", end_reason="completed", duration_seconds=600, outcome="success")
    after = now(call)
    assert (after.state, after.end_reason, after.duration_seconds) == (State.COMPLETED, EndReason.COMPLETED, 600)
    assert (after.cost_micros, after.outcome, after.error) == (700_000, "success", None)
    assert (seconds_of(acme), actions(acme)[-1]) == (10, "voice.call.corrected")
    report(call, "ended", end_reason="completed", duration_seconds=900)
    assert now(call) == after, "what a provider told is corrected once"


def test_a_correction_comes_within_two_days_or_not_at_all(acme: Tenant, frozen: clock.FrozenClock) -> None:
    call = dialed(acme)
    timeouts.close_call(call.org_id, call.id, "ringing")
    frozen.advance(hours=49)
    report(call, "ended", end_reason="completed", duration_seconds=600)
    assert now(call).state is State.NO_ANSWER


@pytest.mark.parametrize("reason", ["timeout", "failed", "canceled", "completed", "caller_hangup", "agent_hangup"])
def test_an_answer_and_an_end_come_to_the_same_in_either_order(
    acme: Tenant, frozen: clock.FrozenClock, reason: str
) -> None:
    in_order, reversed_ = dialed(acme), dialed(acme)
    frozen.advance(seconds=2)
    report(in_order, "answered")
    frozen.advance(seconds=1_800)
    for call in (in_order, reversed_):
        report(call, "ended", end_reason=reason, duration_seconds=1_800)
    report(reversed_, "answered")
    names = ("state", "end_reason", "duration_seconds", "cost_micros", "answered_at", "ended_at")
    assert [getattr(now(in_order), name) for name in names] == [getattr(now(reversed_), name) for name in names]
    assert seconds_of(acme) == 60


@pytest.mark.parametrize(("reason", "state"), [("caller_hangup", State.NO_ANSWER), ("agent_hangup", State.CANCELED)])
def test_who_hangs_up_while_it_rings_pays_nothing(acme: Tenant, reason: str, state: State) -> None:
    call = dialed(acme)
    report(call, "ended", end_reason=reason, duration_seconds=25)
    assert (now(call).state, now(call).cost_micros, now(call).answered_at, seconds_of(acme)) == (state, 0, None, 0)


def test_nobody_pays_for_more_than_the_longest_call_where_its_end_was_lost(
    acme: Tenant, frozen: clock.FrozenClock
) -> None:
    call = dialed(acme)
    report(call, "answered")
    frozen.advance(hours=1, minutes=20)
    timeouts.close_call(call.org_id, call.id, "active")
    assert (now(call).duration_seconds, seconds_of(acme)) == (3_600, 60)


@pytest.mark.parametrize(("reported", "kept"), [(-600, 0), (10**9, 4 * 3_600)])
def test_a_length_that_cannot_be_true_is_bounded(acme: Tenant, reported: int, kept: int) -> None:
    call = dialed(acme)
    report(call, "answered")
    report(call, "ended", end_reason="completed", duration_seconds=reported)
    assert (now(call).duration_seconds, seconds_of(acme)) == (kept, kept // 60)


def test_an_unconfirmed_call_has_the_hour_of_its_own_timer(acme: Tenant, carrier: Provider) -> None:
    carrier.outcome = voice.OutcomeUnknownError("no answer")
    call = dialed(acme)
    dialing.confirm_dial(call.org_id, call.id, now(call).claim)
    timeouts.close_call(call.org_id, call.id, "created")
    assert now(call).state is State.UNCONFIRMED, "the timer of its acceptance is not its own"
    report(call, "answered")
    report(call, "ended", end_reason="completed", duration_seconds=1_500)
    assert (now(call).state, now(call).duration_seconds) == (State.COMPLETED, 1_500)


@pytest.mark.parametrize(("stage", "carrier_name"), [("prod", None), ("prod", "simulator"), ("local", "none")])
def test_without_a_carrier_no_live_call_is_accepted_and_test_keys_go_on(
    cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch, stage: str, carrier_name: str | None
) -> None:
    acme = tenant()
    monkeypatch.setenv("SWITCHBOARD_STAGE", stage)
    if carrier_name:
        monkeypatch.setenv("SWITCHBOARD_VOICE_CARRIER", carrier_name)
    with pytest.raises(Unavailable) as refused:
        placed(acme)
    assert (refused.value.code, seconds_of(acme)) == ("no_carrier", 0)
    call = placing_simulated(acme)
    dialing.dial_call(call.org_id, call.id)
    assert now(call).state is State.RINGING
    assert service.list_voices() == []


def test_a_call_that_waits_when_the_carrier_is_taken_away_fails_and_costs_nothing(
    cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = tenant()
    call = placed(acme)
    monkeypatch.setenv("SWITCHBOARD_VOICE_CARRIER", "none")
    dialing.dial_call(call.org_id, call.id)
    assert (now(call).state, now(call).error) == (State.FAILED, "no carrier is configured")
    assert seconds_of(acme) == 0


def test_a_real_carrier_shows_no_number_that_belongs_to_nobody(
    acme: Tenant, carrier: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voice, "carrier_name", lambda: "real")
    with pytest.raises(Unavailable) as refused:
        placed(acme)
    assert refused.value.code == "no_caller_id"
    monkeypatch.setenv("SWITCHBOARD_CALLER_POOL", "+14155552671")
    assert placed(acme).from_number == "+14155552671"


def test_a_carrier_gets_the_end_of_the_time_in_which_the_call_may_ring(
    acme: Tenant, carrier: Provider, frozen: clock.FrozenClock
) -> None:
    """The verdict's window ends at some moment after the dialling, for a number that somebody has."""
    frozen.advance(hours=1)
    call = dialed(acme, to="+12125550199".replace("555", "736"), consent_source="opt-in:web-form")
    (dial,) = carrier.placements
    assert dial.not_after
    assert dial.not_after > clock.now_iso()
    assert now(call).state is State.RINGING


def test_the_phone_is_silent_when_the_hours_are_over(
    acme: Tenant, carrier: Provider, frozen: clock.FrozenClock
) -> None:
    def dialed_at(moment: str) -> Call:
        frozen.at = clock.parse(moment).timestamp()
        return dialed(acme, to="+12127360199", consent_source="opt-in:web-form")

    # 21:00 in New York.
    assert dialed_at("2026-01-16T01:58:00Z").state is State.RINGING
    assert dialed_at("2026-01-16T01:59:40Z").state is State.RINGING
    late = dialed_at("2026-01-16T01:59:57Z")
    assert (late.state, late.end_reason) == (State.CANCELED, EndReason.BLOCKED)
    assert [placement.ring_seconds for placement in carrier.placements] == [60, 20]


def test_a_call_lasts_no_longer_than_the_cap_pays_for(acme: Tenant, carrier: Provider) -> None:
    org = organizations.get_organization(acme.org_id)
    assert org is not None
    minute = usage.price_micros(Meter.VOICE_BASIC) // MICROS_PER_CENT
    usage.set_hard_cap(acme.caller(master=True), org, HardCap(enabled=True, monthly_cap_cents=3 * minute))
    dialed(acme)
    dialed(acme)
    assert [placement.most_seconds for placement in carrier.placements] == [180, 120]


@pytest.mark.parametrize(
    "number", ["+19005551234", "+979123456789", "+881612345678", "+8835100012345", "+448712345678"]
)
def test_nobody_is_called_whose_calls_pay_the_called(acme: Tenant, number: str) -> None:
    with pytest.raises(Forbidden) as refused:
        placed(acme, to=number, time_zone="Europe/London")
    assert refused.value.code == "destination_not_allowed"
    assert seconds_of(acme) == 0


def placing_simulated(acme: Tenant) -> Call:
    """A call of a test key."""
    call = placed_elsewhere(acme).model_copy(update={"order": order(simulated=True, to="+15005550006")})
    call = call.model_copy(update={"to_number": "+15005550006", "id": "call_simulated"})
    commit(store.CALLS.put(call))
    return call


def test_what_ended_stays_ended(acme: Tenant) -> None:
    call = dialed(acme)
    report(call, "ended", end_reason=EndReason.BUSY)
    for kind in ("ringing", "hold", "resumed", "ended"):
        report(call, kind)
    assert now(call).state is State.BUSY
    assert all(not TRANSITIONS[state] for state in FINAL_STATES)


def test_tools_are_kept_once_and_told_without_their_arguments(acme: Tenant) -> None:
    call = dialed(acme)
    report(call, "answered")
    tool = ToolUse(id="t1", name="lookup_order", arguments={"order": 7, "weight": 1.5}, result="found", start_ms=900)
    for _ in range(2):
        report(call, "tool", tool=tool)
    assert service.list_tool_uses(acme.caller(), call.id) == [tool]
    entries, _ = audit.list_workflow_events(acme.caller(), "corr_test", 500, None)
    told = [entry.document["metadata"] for entry in entries if entry.document["action"] == "voice.call.tool"]
    assert [data["tool"] for data in told] == ["lookup_order"]
    assert "order" not in told[0]


def test_a_held_call_is_resumed(acme: Tenant) -> None:
    call = dialed(acme)
    report(call, "answered")
    report(call, "hold")
    assert now(call).state is State.HOLD
    report(call, "resumed")
    assert now(call).state is State.ACTIVE


def test_a_hold_that_is_reported_ahead_of_the_answer_lasts_until_it_is_resumed(acme: Tenant) -> None:
    call = dialed(acme)
    report(call, "hold")
    report(call, "answered", answered_by="human")
    held = now(call)
    assert (held.state, held.answered_by, held.answered_at) == (State.HOLD, "human", clock.now_iso())
    report(call, "answered", answered_by="machine")
    assert now(call) == held
    report(call, "resumed")
    assert (now(call).state, now(call).answered_by) == (State.ACTIVE, "human")


def test_an_answer_that_is_reported_after_a_hold_and_its_end_is_kept(acme: Tenant, frozen: clock.FrozenClock) -> None:
    call = dialed(acme)
    for kind in ("hold", "resumed", "answered"):
        report(call, kind)
    assert (now(call).state, now(call).answered_at) == (State.ACTIVE, clock.now_iso())
    frozen.advance(seconds=61)
    report(call, "ended")
    assert (now(call).duration_seconds, now(call).cost_micros) == (61, 2 * 70_000)


def test_lists_filter(acme: Tenant) -> None:
    ended, open_ = dialed(acme), dialed(acme)
    report(ended, "ended", end_reason=EndReason.BUSY)
    caller = acme.caller()
    assert [call.id for call in service.list_calls(caller, None, sorted(FINAL_STATES), None, 20, None)[0]] == [ended.id]
    assert [call.id for call in service.list_calls(caller, None, [State.RINGING], None, 20, None)[0]] == [open_.id]
    assert service.list_calls(caller, None, [], "INBOUND", 20, None)[0] == []
    with pytest.raises(NotFound):
        service.list_calls(caller, "agt_other", [], None, 20, None)


def numbered(acme: Tenant, limit: int, **filters: Any) -> list[list[str]]:
    """All pages of a list of calls."""
    found, cursor = [], None
    asked = {"states": [], "direction": None, "agent_id": None} | filters
    while True:
        page, cursor = service.list_calls(
            acme.caller(master=True), asked["agent_id"], asked["states"], asked["direction"], limit, cursor
        )
        found.append([call.id for call in page])
        if cursor is None:
            return found


def test_every_filter_is_a_list_of_its_own_and_its_last_page_says_so(acme: Tenant, frozen: clock.FrozenClock) -> None:
    calls = []
    for number in range(6):
        frozen.advance(seconds=1)
        call = dialed(acme)
        if number % 2:
            report(call, "answered")
        calls.append(call.id)
    newest = calls[::-1]
    ringing, active = newest[1::2], newest[::2]
    assert numbered(acme, 3) == numbered(acme, 3, direction="OUTBOUND") == [newest[:3], newest[3:]]
    assert numbered(acme, 3, agent_id=acme.agent_id) == [newest[:3], newest[3:]]
    assert numbered(acme, 3, direction="INBOUND") == numbered(acme, 3, agent_id="agt_other") == [[]]
    assert numbered(acme, 3, states=[State.RINGING]) == [ringing]
    assert numbered(acme, 4, states=[State.ACTIVE, State.RINGING, State.HOLD]) == [newest[:4], newest[4:]]
    both = {"states": [State.ACTIVE, State.CREATED], "agent_id": acme.agent_id, "direction": "OUTBOUND"}
    assert numbered(acme, 2, **both) == [active[:2], active[2:]]


def test_a_page_of_one_state_reads_that_state_alone(acme: Tenant) -> None:
    for _ in range(10):
        report(dialed(acme), "ended", end_reason=EndReason.BUSY)
    ringing = dialed(acme)
    caller, saboteur = acme.caller(master=True), Sabotage()
    with saboteur.counting() as asked:
        found, cursor = service.list_calls(caller, None, [State.RINGING], "OUTBOUND", 5, None)
    assert ([call.id for call in found], cursor) == ([ringing.id], None)
    assert asked == ["Query", "BatchGetItem"]


def ways_to_end(acme: Tenant, carrier: Provider) -> dict[str, Call]:
    """Calls that ended in all ways, some of them with an hour's watch on the way."""
    calls: dict[str, Call] = {}

    def made(name: str, *kinds: str, **facts: Any) -> Call:
        call = calls[name] = dialed(acme)
        for kind in kinds:
            report(call, kind)
        return call

    for reason in EndReason:
        report(made(reason.value), "ended", end_reason=reason)
    report(made("talked", "answered"), "ended", end_reason=EndReason.COMPLETED, duration_seconds=9)
    report(made("held", "answered", "hold", "resumed", "hold"), "ended")
    report(made("held before the answer", "hold", "answered"), "ended")
    report(made("held before the answer, not held after", "hold", "resumed"), "ended")
    forgotten = made("forgotten", "answered")
    timeouts.close_call(forgotten.org_id, forgotten.id, State.ACTIVE.value)
    carrier.outcome = voice.OutcomeUnknownError("timeout")
    for name, kind in (("lost and found", "answered"), ("lost and rings", "ringing"), ("lost and over", "ended")):
        lost = made(name)
        dialing.confirm_dial(lost.org_id, lost.id, lost.claim)
        assert now(lost).watch, "an hour's watch"
        report(lost, kind)
        report(lost, "ended")
    lost = made("lost for good")
    dialing.confirm_dial(lost.org_id, lost.id, lost.claim)
    timeouts.close_call(lost.org_id, lost.id, State.UNCONFIRMED.value)
    carrier.outcome = voice.RefusedError("no such route")
    made("refused")
    carrier.outcome = "sim_1"
    blocked = calls["blocked"] = placed(acme)
    ledgers.record_opt_out(acme.caller(), NOBODY, "api")
    dialing.dial_call(blocked.org_id, blocked.id)
    return calls


def test_after_any_end_no_timer_of_a_call_is_left(acme: Tenant, carrier: Provider) -> None:
    calls = ways_to_end(acme, carrier)
    assert {name for name, call in calls.items() if now(call).state not in FINAL_STATES} == set()
    assert {name for name, call in calls.items() if now(call).watch} == set()
    assert not [item for item in everything("activity") if item["pk"]["S"].startswith("timer#")]


def test_a_call_under_way_has_one_timer_at_most(acme: Tenant, carrier: Provider) -> None:
    carrier.outcome = voice.OutcomeUnknownError("timeout")
    call = dialed(acme)
    dialing.confirm_dial(call.org_id, call.id, call.claim)
    for kind in ("hold", "answered", "hold", "resumed"):
        report(call, kind)
        timers = [item for item in everything("activity") if item["pk"]["S"].startswith("timer#")]
        assert [f"{item['pk']['S']}|{item['sk']['S']}" for item in timers] == [now(call).watch]


def test_what_is_heard_changes_nothing_of_the_call(acme: Tenant) -> None:
    call = dialed(acme)
    report(call, "answered")
    before = everything("activity", FilterExpression="sk = :call", ExpressionAttributeValues={":call": {"S": "call"}})
    for number in range(3):
        report(call, "turn", turn=Turn(number=number, speaker="agent", text="Hello.", start_ms=0, end_ms=300))
    report(call, "tool", tool=ToolUse(id="t1", name="lookup_order", start_ms=900))
    after = everything("activity", FilterExpression="sk = :call", ExpressionAttributeValues={":call": {"S": "call"}})
    assert after == before
    told = events.events_between("2026-01-15T00:00:00.000Z", "2026-01-16T00:00:00.000Z", acme.org_id)
    heard = [event for event in told if event.type in ("voice.call.turn", "voice.call.tool")]
    assert {event.subject.version for event in heard} == {now(call).version}, "none of them is a version of the call"
    assert sorted(event.data["number"] for event in heard if "number" in event.data) == [0, 1, 2]


def test_a_final_turn_replaces_an_interim_one_and_nothing_replaces_it(acme: Tenant) -> None:
    call = dialed(acme)
    report(call, "answered")
    interim = Turn(number=0, speaker="user", text="I want", start_ms=0, end_ms=300, final=False)
    more = interim.model_copy(update={"text": "I want to", "end_ms": 500})
    final = interim.model_copy(update={"text": "I want to cancel.", "end_ms": 900, "final": True})
    other = final.model_copy(update={"text": "I want two candles."})
    heard: list[Turn] = []
    for turn in (interim, more, final, interim, other, final):
        report(call, "turn", turn=turn)
        heard += service.list_turns(acme.caller(), call.id)
    assert heard == [interim, interim, final, final, final, final]
    assert actions(acme).count("voice.call.turn") == 2, "what is not recorded is not told"


def test_nothing_is_heard_of_a_call_that_is_not_there(acme: Tenant) -> None:
    call = dialed(acme).model_copy(update={"id": "call_" + "0" * 26})
    report(call, "turn", turn=Turn(number=0, speaker="agent", text="Hello.", start_ms=0, end_ms=300))
    assert list(store.list_turns(call.org_id, call.id)) == []


def test_a_call_that_is_forgotten_on_hold_ends_too(acme: Tenant, frozen: clock.FrozenClock) -> None:
    answered, reordered = dialed(acme), dialed(acme)
    report(answered, "answered")
    report(answered, "hold")
    report(reordered, "hold")
    frozen.advance(hours=1, seconds=1)
    fire_timers(acme)
    assert {now(call).state for call in (answered, reordered)} == {State.FAILED}


def test_a_call_whose_job_is_lost_ends_too(acme: Tenant, frozen: clock.FrozenClock) -> None:
    call = placed(acme)
    frozen.advance(minutes=15, seconds=1)
    fire_timers(acme)
    assert (now(call).state, now(call).end_reason) == (State.FAILED, EndReason.TIMEOUT)
    used = usage.get_monthly_usage(acme.org_id, "2026-01")
    assert used.units["voice_basic"] == 0


def fire_timers(acme: Tenant) -> None:
    """Let the stream, the minute's tick and the dialler do what is due."""
    Stream().hand_on()
    tick()
    while (
        messages := session.get_client("sqs")
        .receive_message(QueueUrl=settings.queue_url("dialer"), MaxNumberOfMessages=10)
        .get("Messages")
    ):
        for message in messages:
            body = json.loads(message["Body"])
            if body["job"] == "CloseCall":
                timeouts.close_call(body["org_id"], body["call_id"], body["state"])


def test_the_deadlines_leave_a_call_time(acme: Tenant) -> None:
    assert timedelta(seconds=60) < following.RING_REPORT_LIMIT, "Twilio's own ring time-out"
    assert timedelta(minutes=10) == dialing.UNCONFIRMED_AFTER, "an outcome that nobody reports"
