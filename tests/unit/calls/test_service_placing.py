"""Placing a call: the gate, the limits, the caller id, and repeated requests."""

from __future__ import annotations

from datetime import date

import pytest

from switchboard.accounts import organizations
from switchboard.accounts.models import HardCap
from switchboard.accounts.plans import PlanName
from switchboard.calls import dialing, service
from switchboard.calls.models import State, Tier
from switchboard.carriers import voice
from switchboard.compliance import ledgers
from switchboard.compliance import service as compliance
from switchboard.compliance.verdicts import Blocked
from switchboard.errors import Forbidden, Invalid, NotFound, QuotaExceeded, Unavailable
from switchboard.kit import clock
from switchboard.persistence.idempotency import IdempotencyMismatch
from switchboard.usage import service as usage
from tests.actors import Tenant, tenant, with_effect
from tests.fakes.voice import Provider
from tests.unit.calls.live_calls import (
    NOBODY,
    build_order,
    create_simulated_call,
    list_actions,
    minutes_used,
    place_call,
    read_call,
)

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


def test_a_call_is_accepted_with_its_verdict_and_dialed_once(acme: Tenant, carrier: Provider) -> None:
    call = place_call(acme, greeting="Good day.")
    first = "This is an artificial voice calling for Acme. Good day."
    assert (call.state, call.voice_id, call.greeting) == (State.CREATED, "b", first)
    assert service.get_verdict(acme.caller(), call.id).allowed
    dialing.dial_call(call.org_id, call.id)
    dialing.dial_call(call.org_id, call.id)
    assert [dial.to_number for dial in carrier.dialed] == [NOBODY]
    assert (read_call(call).state, read_call(call).provider_call_id) == (State.RINGING, "sim_1")


def test_a_refused_call_is_not_created_and_its_verdict_is_in_the_chain(acme: Tenant, carrier: Provider) -> None:
    ledgers.block_number(acme.caller(), NOBODY)
    with pytest.raises(Blocked) as refusal:
        place_call(acme)
    assert refusal.value.code == "dnc"
    assert service.list_calls(acme.caller(), None, [], None, 20, None) == ([], None)
    assert "voice.call.blocked" in list_actions(acme)
    assert "voice.call.created" not in list_actions(acme)


def test_a_block_of_another_organization_does_not_apply(acme: Tenant) -> None:
    ledgers.block_number(tenant("other").caller(), NOBODY)
    assert place_call(acme).state is State.CREATED


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
        place_call(acme, to=number)
    assert refusal.value.code == code


def test_a_call_without_consent_is_refused(acme: Tenant) -> None:
    with pytest.raises(Blocked) as refusal:
        place_call(acme, consent_source=None)
    assert refusal.value.code == "consent_missing"


def test_the_daily_cap_of_a_tier_applies(frozen: clock.FrozenClock, carrier: Provider) -> None:
    small = tenant("small", PlanName.GROWTH, basic_calls_per_day=2)
    for _ in range(2):
        place_call(small)
    with pytest.raises(QuotaExceeded) as refusal:
        place_call(small)
    assert (refusal.value.code, refusal.value.details["resource"]) == ("daily_cap", "basic_calls")
    assert place_call(small, tier="premium").tier is Tier.PREMIUM
    frozen.advance(days=1)
    assert place_call(small).state is State.CREATED


@pytest.mark.parametrize("plan", [PlanName.STARTER, PlanName.GROWTH])
@pytest.mark.parametrize("reached", ["the day's calls", "the cap"])
def test_a_paid_lookup_is_skipped_when_a_limit_refuses_the_call(
    carrier: Provider, monkeypatch: pytest.MonkeyPatch, plan: PlanName, reached: str
) -> None:
    asked: list[str] = []

    class Database:
        def query_number(self, e164: str, since: date) -> str:
            asked.append(e164)
            return "no"

    monkeypatch.setattr(compliance, "get_reassigned_numbers", Database)
    small = tenant("small", plan, basic_calls_per_day=1 if reached == "the day's calls" else 10)
    if reached == "the cap":
        cap = HardCap(enabled=True, monthly_cap_cents=7)  # one minute costs 7 cents
        usage.set_hard_cap(small.caller(master=True), organizations.get_organization(small.org_id), cap)
    place_call(small, to="+12125551234")
    with pytest.raises(QuotaExceeded) as refusal:
        place_call(small, to="+12125551235")
    assert refusal.value.code == ("daily_cap" if reached == "the day's calls" else "hard_cap")
    assert asked == ["+12125551234"]


def test_the_free_plan_has_no_premium_calls(carrier: Provider) -> None:
    with pytest.raises(QuotaExceeded):
        place_call(tenant("free", PlanName.FREE), tier="premium")


def test_a_disabled_phone_or_an_unavailable_provider_refuses_at_once(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Unavailable):
        place_call(acme, to="+15005550013")
    monkeypatch.setenv("SWITCHBOARD_FEATURE_PHONE_ENABLED", "off")
    with pytest.raises(Unavailable):
        place_call(acme)


def test_a_voice_belongs_to_its_tier(acme: Tenant) -> None:
    assert place_call(acme, tier="premium").voice_id == "p"
    with pytest.raises(Invalid):
        place_call(acme, voice_id="p")


def test_the_caller_id_is_the_organizations_own_or_the_platforms_and_stable(acme: Tenant) -> None:
    assert place_call(acme).from_number == place_call(acme).from_number
    with pytest.raises(Invalid):
        place_call(acme, from_number="+12025550100")


def test_an_agent_key_calls_only_as_its_own_agent(acme: Tenant) -> None:
    with pytest.raises(Forbidden):
        place_call(acme, agent_id="agt_other")
    with pytest.raises(Invalid, match="Name the agent: agentId is required with a master key") as refusal:
        service.place_call(acme.caller(master=True), build_order())
    assert (refusal.value.code, [*refusal.value.details["fields"]]) == ("invalid", ["agentId"])
    call = service.place_call(acme.caller(master=True), build_order(agent_id=acme.agent_id))
    assert call.agent_id == acme.agent_id


def test_a_repeated_request_places_one_call(acme: Tenant) -> None:
    caller = with_effect(acme.caller(), "key-1")
    assert service.place_call(caller, build_order()).id == service.place_call(caller, build_order()).id
    with pytest.raises(IdempotencyMismatch):
        service.place_call(with_effect(acme.caller(), "key-1", "other body"), build_order())
    assert len(service.list_calls(acme.caller(), None, [], None, 20, None)[0]) == 1


def test_another_organization_cannot_read_the_call(acme: Tenant) -> None:
    call, other = place_call(acme), tenant("other")
    for read in (service.get_call, service.list_turns, service.get_verdict):
        with pytest.raises(NotFound):
            read(other.caller(master=True), call.id)


def test_a_repeated_request_returns_the_first_call_even_if_the_gate_would_refuse_now(acme: Tenant) -> None:
    caller = with_effect(acme.caller(), "key-2")
    call = service.place_call(caller, build_order())
    ledgers.block_number(acme.caller(), NOBODY)
    assert service.place_call(caller, build_order()).id == call.id


@pytest.mark.parametrize(("stage", "carrier_name"), [("prod", None), ("prod", "simulator"), ("local", "none")])
def test_without_a_carrier_live_calls_are_refused_and_test_keys_work(
    cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch, stage: str, carrier_name: str | None
) -> None:
    acme = tenant()
    monkeypatch.setenv("SWITCHBOARD_STAGE", stage)
    if carrier_name:
        monkeypatch.setenv("SWITCHBOARD_VOICE_CARRIER", carrier_name)
    with pytest.raises(Unavailable) as refused:
        place_call(acme)
    assert (refused.value.code, minutes_used(acme)) == ("no_carrier", 0)
    call = create_simulated_call(acme)
    dialing.dial_call(call.org_id, call.id)
    assert read_call(call).state is State.RINGING
    assert service.list_voices() == []


def test_a_real_carrier_shows_no_unassigned_number(
    acme: Tenant, carrier: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voice, "carrier_name", lambda: "real")
    with pytest.raises(Unavailable) as refused:
        place_call(acme)
    assert refused.value.code == "no_caller_id"
    monkeypatch.setenv("SWITCHBOARD_CALLER_POOL", "+14155552671")
    assert place_call(acme).from_number == "+14155552671"


@pytest.mark.parametrize(
    "number", ["+19005551234", "+979123456789", "+881612345678", "+8835100012345", "+448712345678"]
)
def test_numbers_that_pay_the_called_person_are_refused(acme: Tenant, number: str) -> None:
    with pytest.raises(Forbidden) as refused:
        place_call(acme, to=number, time_zone="Europe/London")
    assert refused.value.code == "destination_not_allowed"
    assert minutes_used(acme) == 0
