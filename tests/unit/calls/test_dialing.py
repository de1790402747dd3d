"""Dialing a call: refusals of the provider, and withdrawals between acceptance and dialing."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from switchboard.accounts import keys, organizations, stops
from switchboard.accounts.models import HardCap
from switchboard.aws import clients
from switchboard.aws.writes import commit
from switchboard.calls import dialing, service, store, timeouts
from switchboard.calls.models import Call, State
from switchboard.carriers import voice
from switchboard.carriers.voice.ports.reports import EndReason
from switchboard.compliance import ledgers
from switchboard.errors import Contended
from switchboard.kit import clock
from switchboard.usage import service as usage
from switchboard.usage.models import MICROS_PER_CENT, Meter
from tests.actors import Tenant, tenant
from tests.fakes.voice import Provider
from tests.integration.sabotage import Sabotage
from tests.unit.calls.live_calls import (
    NOBODY,
    build_unstored_call,
    dial_call,
    minutes_used,
    place_call,
    read_call,
    report_progress,
)

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


def test_a_refusal_of_the_provider_ends_the_call(acme: Tenant, carrier: Provider) -> None:
    carrier.outcome = voice.RefusedError("no such route")
    call = dial_call(acme)
    assert (call.state, call.end_reason, call.error) == (State.FAILED, EndReason.FAILED, "no such route")


def test_a_provider_without_capacity_is_retried_until_the_call_expires(
    acme: Tenant, carrier: Provider, frozen: clock.FrozenClock
) -> None:
    carrier.outcome = voice.ThrottledError("later")
    call = dial_call(acme)
    assert call.state is State.CREATED
    carrier.outcome = "sim_2"
    dialing.dial_call(call.org_id, call.id)
    assert read_call(call).state is State.RINGING
    carrier.outcome = voice.ThrottledError("later")
    late = dial_call(acme)
    frozen.advance(minutes=16)
    dialing.dial_call(late.org_id, late.id)
    assert (read_call(late).state, read_call(late).end_reason) == (State.FAILED, EndReason.PROVIDER_UNAVAILABLE)


def test_an_unknown_outcome_is_not_dialed_again_becomes_visible_and_ends(
    acme: Tenant, carrier: Provider, frozen: clock.FrozenClock
) -> None:
    carrier.outcome = voice.OutcomeUnknownError("timeout")
    call = dial_call(acme)
    dialing.dial_call(call.org_id, call.id)
    assert len(carrier.dialed) == 1
    frozen.advance(minutes=10)
    dialing.confirm_dial(call.org_id, call.id, read_call(call).claim)
    assert read_call(call).state is State.UNCONFIRMED
    frozen.advance(hours=1)
    timeouts.close_call(call.org_id, call.id, State.UNCONFIRMED)
    assert (read_call(call).state, read_call(call).end_reason) == (State.FAILED, EndReason.TIMEOUT)


def test_the_providers_reports_settle_an_unconfirmed_call(acme: Tenant, carrier: Provider) -> None:
    carrier.outcome = voice.OutcomeUnknownError("timeout")
    call = dial_call(acme)
    dialing.confirm_dial(call.org_id, call.id, call.claim)
    report_progress(call, "answered", provider_call_id="sim_9")
    assert (read_call(call).state, read_call(call).provider_call_id) == (State.ACTIVE, "sim_9")


def test_a_new_refusal_between_acceptance_and_dialing_stops_the_call(acme: Tenant, carrier: Provider) -> None:
    call = place_call(acme)
    ledgers.record_opt_out(acme.caller(), NOBODY, "api")
    dialing.dial_call(call.org_id, call.id)
    assert carrier.dialed == []
    assert (read_call(call).state, read_call(call).end_reason) == (State.CANCELED, EndReason.BLOCKED)
    assert service.get_verdict(acme.caller(), call.id).code == "opted_out"


def suspend(acme: Tenant, _: Call) -> None:
    organizations.set_status(acme.caller(master=True), "suspended")


def leave_unpaid(acme: Tenant, _: Call) -> None:
    commit(organizations.terms_writes(acme.caller(master=True), None, unpaid=True))


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
    "unpaid": (leave_unpaid, "the organization's subscription is unpaid"),
    "key revoked": (revoke, "the key was revoked"),
    "opted out": (opt_out, "refused before it was dialed: opted_out"),
    "blocked": (block, "refused before it was dialed: dnc"),
}


@pytest.mark.parametrize("what", [*WITHDRAWALS, "cap lowered"])
def test_a_call_that_is_withdrawn_while_it_waits_is_refunded_and_not_dialed(
    acme: Tenant, carrier: Provider, what: str
) -> None:
    lowered = "the organization's spending cap or its included minutes are used up"
    act, why = {**WITHDRAWALS, "cap lowered": (lower_cap, lowered)}[what]
    call = place_call(acme)
    act(acme, call)
    dialing.dial_call(call.org_id, call.id)
    assert carrier.dialed == []
    assert (read_call(call).state, read_call(call).end_reason, read_call(call).error) == (
        State.CANCELED,
        EndReason.BLOCKED,
        why,
    )
    assert usage.get_monthly_usage(acme.org_id, clock.now_iso()[:7]).units["voice_basic"] == 0


@pytest.mark.parametrize("what", WITHDRAWALS)
def test_a_call_that_is_withdrawn_between_verdict_and_claim_is_not_dialed(
    acme: Tenant, carrier: Provider, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    act, why = WITHDRAWALS[what]
    call, claim = place_call(acme), dialing._claim

    def withdraw_before_claim(*arguments: Any, **options: Any) -> Call | None:
        act(acme, call)
        return claim(*arguments, **options)

    monkeypatch.setattr(dialing, "_claim", withdraw_before_claim)
    dialing.dial_call(call.org_id, call.id)
    assert carrier.dialed == []
    assert (read_call(call).state, read_call(call).error) == (State.CANCELED, why)


@pytest.mark.parametrize("what", WITHDRAWALS)
def test_nobody_is_dialed_after_a_withdrawal_between_any_two_requests_of_the_dialer(
    acme: Tenant, carrier: Provider, what: str
) -> None:
    """All interleavings: the withdrawal is committed before each of the dialer's requests to AWS in turn."""
    act, _ = WITHDRAWALS[what]
    outcomes = set[str]()
    for place in range(40):
        mine, number = tenant(f"mine-{place}"), iter(range(10_000))
        call = place_call(mine)
        carrier.dialed.clear()
        claimed: list[bool] = []

        def come_between(*_: Any, call: Call = call, mine: Tenant = mine, number: Any = number, place: int = place,
                         claimed: list[bool] = claimed, **__: Any) -> None:  # fmt: skip
            if next(number) == place:
                act(mine, call)
                claimed.append(read_call(call).state is not State.CREATED)

        hooked = (clients.dynamodb_client(), clients.dynamodb_client_without_retries())
        for client in hooked:
            client.meta.events.register_first("before-call.dynamodb", come_between)
        try:
            dialing.dial_call(call.org_id, call.id)
        finally:
            for client in hooked:
                client.meta.events.unregister("before-call.dynamodb", come_between)
        if not claimed:
            break
        assert bool(carrier.dialed) == claimed[0], (place, read_call(call).state)
        outcomes.add("dialled" if carrier.dialed else "stopped")
    assert outcomes == {"dialled", "stopped"}


def test_a_dialer_that_gives_up_does_not_end_a_call_that_another_dialed(acme: Tenant, carrier: Provider) -> None:
    """All interleavings: a dialer refuses a call, and before each of its requests another dialer may dial it again."""
    outcomes, sabotage = set[State](), Sabotage()
    for place in range(40):
        other = tenant(f"other-{place}")
        call = place_call(other)
        ledgers.block_number(other.caller(), NOBODY)
        carrier.dialed.clear()

        def come_between(call: Call = call, other: Tenant = other) -> None:
            ledgers.unblock_number(other.caller(), NOBODY)
            dialing.dial_call(call.org_id, call.id)

        with sabotage.meeting(place, come_between):
            dialing.dial_call(call.org_id, call.id)
        state = read_call(call).state
        assert (state is State.RINGING) == bool(carrier.dialed), (place, state)
        outcomes.add(state)
        if place > len(sabotage.calls):
            break
    assert outcomes == {State.RINGING, State.CANCELED}


def test_a_cap_lowered_between_a_dialers_requests_stops_the_call(acme: Tenant, carrier: Provider) -> None:
    """All interleavings, as with the other withdrawals. A dialer that has read the old cap has to start again."""
    outcomes, sabotage = set[str](), Sabotage()
    for place in range(40):
        mine = tenant(f"mine-{place}")
        call = place_call(mine)
        carrier.dialed.clear()
        claimed: list[bool] = []

        def come_between(call: Call = call, mine: Tenant = mine, claimed: list[bool] = claimed) -> None:
            lower_cap(mine, call)
            claimed.append(read_call(call).state is not State.CREATED)

        with sabotage.meeting(place, come_between), suppress(Contended):
            dialing.dial_call(call.org_id, call.id)
        if not claimed:
            break
        dialing.dial_call(call.org_id, call.id)
        assert bool(carrier.dialed) == claimed[0], (place, read_call(call).state)
        outcomes.add("dialled" if carrier.dialed else str(read_call(call).error))
    assert outcomes == {"dialled", "the organization's spending cap or its included minutes are used up"}


def test_a_lifted_suspension_stops_no_call(acme: Tenant, carrier: Provider) -> None:
    suspend(acme, place_call(acme))
    organizations.set_status(acme.caller(master=True), "active")
    assert dial_call(acme).state is State.RINGING


@pytest.mark.parametrize("copy", range(stops.COPIES))
def test_a_stop_is_detected_at_each_of_its_copies(acme: Tenant, monkeypatch: pytest.MonkeyPatch, copy: int) -> None:
    monkeypatch.setattr(stops, "choose_copy", lambda: copy)
    suspend(acme, place_call(acme))
    with pytest.raises(stops.StoppedError):
        commit(stops.claim_checks(acme.org_id, None), store.CALLS.create_write(build_unstored_call(acme)))


@pytest.mark.parametrize("copy", range(stops.COPIES))
def test_a_changed_cap_is_detected_at_each_of_its_copies_and_lifts_no_suspension(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch, copy: int
) -> None:
    monkeypatch.setattr(stops, "choose_copy", lambda: copy)
    call = build_unstored_call(acme)
    lower_cap(acme, call)
    with pytest.raises(Contended):
        commit(stops.claim_checks(acme.org_id, None, cap=stops.CapMark(None)), store.CALLS.create_write(call))
    mark = organizations.get_organization(acme.org_id).cap_mark
    suspend(acme, call)
    with pytest.raises(stops.StoppedError):
        commit(stops.claim_checks(acme.org_id, None, cap=stops.CapMark(mark)), store.CALLS.create_write(call))
    organizations.set_status(acme.caller(master=True), "active")
    commit(stops.claim_checks(acme.org_id, None, cap=stops.CapMark(mark)), store.CALLS.create_write(call))


def test_stops_of_other_organizations_do_not_stop_a_call(acme: Tenant, carrier: Provider) -> None:
    other = tenant("globex")
    call = place_call(acme)
    ledgers.record_opt_out(other.caller(), NOBODY, "api")
    suspend(other, call)
    dialing.dial_call(call.org_id, call.id)
    assert read_call(call).state is State.RINGING


def test_a_waiting_call_fails_without_cost_when_the_carrier_is_removed(
    cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = tenant()
    call = place_call(acme)
    monkeypatch.setenv("SWITCHBOARD_VOICE_CARRIER", "none")
    dialing.dial_call(call.org_id, call.id)
    assert (read_call(call).state, read_call(call).error) == (State.FAILED, "no carrier is configured")
    assert minutes_used(acme) == 0


def test_a_carrier_gets_the_time_until_which_the_call_may_ring(
    acme: Tenant, carrier: Provider, frozen: clock.FrozenClock
) -> None:
    """The verdict's window ends at some time after the dialing, for a number that can reach a person."""
    frozen.advance(hours=1)
    call = dial_call(acme, to="+12125550199".replace("555", "736"), consent_source="opt-in:web-form")
    (dial,) = carrier.placements
    assert dial.not_after
    assert dial.not_after > clock.now_iso()
    assert read_call(call).state is State.RINGING


def test_no_phone_rings_after_the_calling_hours(acme: Tenant, carrier: Provider, frozen: clock.FrozenClock) -> None:
    def dial_at(moment: str) -> Call:
        frozen.at = clock.parse(moment).timestamp()
        return dial_call(acme, to="+12127360199", consent_source="opt-in:web-form")

    # 21:00 in New York.
    assert dial_at("2026-01-16T01:58:00Z").state is State.RINGING
    assert dial_at("2026-01-16T01:59:40Z").state is State.RINGING
    late = dial_at("2026-01-16T01:59:57Z")
    assert (late.state, late.end_reason) == (State.CANCELED, EndReason.BLOCKED)
    # The line may ring five seconds longer than ordered.
    assert [placement.ring_seconds for placement in carrier.placements] == [60, 15]


@pytest.mark.parametrize(
    ("purpose", "left", "ring"),
    [
        ("informational", 9, None),
        ("informational", 10, 5),
        ("telemarketing", 19, None),
        ("telemarketing", 20, 15),
        ("telemarketing", 66, 60),
    ],
)
def test_a_phone_rings_long_enough_or_not_at_all(
    acme: Tenant,
    carrier: Provider,
    frozen: clock.FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
    purpose: str,
    left: int,
    ring: int | None,
) -> None:
    """A call that sells rings for at least 15 seconds (47 CFR 64.1200(a)(6))."""
    monkeypatch.setenv("SWITCHBOARD_NATIONAL_REGISTRY", "simulator")
    # 21:00 in New York, without the seconds left.
    frozen.at = clock.parse("2026-01-16T02:00:00Z").timestamp() - left
    call = dial_call(acme, to="+12127360199", consent_source="opt-in:web-form", purpose=purpose)
    assert [placement.ring_seconds for placement in carrier.placements] == ([] if ring is None else [ring])
    assert call.end_reason is (EndReason.BLOCKED if ring is None else None)


def test_a_call_ends_when_the_cap_is_used_up(acme: Tenant, carrier: Provider) -> None:
    org = organizations.get_organization(acme.org_id)
    assert org is not None
    minute = usage.price_micros(Meter.VOICE_BASIC) // MICROS_PER_CENT
    usage.set_hard_cap(acme.caller(master=True), org, HardCap(enabled=True, monthly_cap_cents=3 * minute))
    dial_call(acme)
    dial_call(acme)
    assert [placement.most_seconds for placement in carrier.placements] == [120, 60]
