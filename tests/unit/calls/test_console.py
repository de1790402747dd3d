"""Calls that members place: the flow, the caller ID, the gate, the guard against repeats, and the right to dial."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from switchboard.accounts import organizations
from switchboard.accounts.plans import PlanName
from switchboard.calls import console, dialing
from switchboard.calls.models import Call, State
from switchboard.carriers import voice
from switchboard.carriers.voice.no_carrier import NoCarrier
from switchboard.compliance import ledgers
from switchboard.compliance import service as compliance
from switchboard.compliance.models import Purpose
from switchboard.compliance.verdicts import Blocked
from switchboard.errors import DomainError, Forbidden, Invalid, NotFound, QuotaExceeded, Unavailable
from switchboard.flows import changes as flow_changes
from switchboard.kit import clock
from switchboard.numbers.models import NumberStatus
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.team import members
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from tests.actors import Tenant, member, system, tenant
from tests.fakes.voice import Provider
from tests.unit.calls.calls_in import make_number
from tests.unit.calls.console_calls import ADA, OURS, place, save_flow, save_number
from tests.unit.calls.live_calls import list_actions, minutes_used, read_call, read_conversation

#: Another person whom nobody can reach.
BOB = "+14155550143"
pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def ada(acme: Tenant) -> Member:
    return member(acme.org_id, Role.OPERATOR, "Ada")


@pytest.fixture
def boss(acme: Tenant) -> Member:
    return member(acme.org_id, Role.ADMIN, "Boss")


def code_of(attempt: Callable[[], object]) -> str:
    with pytest.raises(DomainError) as refusal:
        attempt()
    return refusal.value.code


def test_a_call_talks_with_its_flow_and_is_dialed_once(ada: Member, carrier: Provider) -> None:
    flow = save_flow(ada.org_id, greeting="Good day.", system_prompt="Remind the person.")
    call = place(ada, flow)
    assert (call.source, call.flow_id, call.flow_version, call.placed_by) == ("hum", flow.id, 1, ada.user_id)
    assert (call.from_number, call.is_test, call.simulated) == (OURS, False, False)
    assert call.greeting.endswith("Good day.")
    dialing.dial_call(call.org_id, call.id)
    dialing.dial_call(call.org_id, call.id)
    assert [(dial.to_number, dial.prompt) for dial in carrier.dialed] == [(ADA, "Remind the person.")]


def test_a_call_keeps_its_flow_when_the_flow_changes(ada: Member) -> None:
    flow = save_flow(ada.org_id, system_prompt="Old.")
    call = place(ada, flow)
    flow_changes.update_flow(system(ada.org_id), flow.id, {"system_prompt": "New."})
    assert (read_call(call).flow_version, read_conversation(call).prompt) == (1, "Old.")


def test_the_event_of_a_call_names_the_member(acme: Tenant, ada: Member) -> None:
    place(ada, save_flow(ada.org_id))
    assert "voice.call.created" in list_actions(acme)


def test_the_number_of_the_request_comes_before_the_flows(ada: Member) -> None:
    of_flow = save_number(ada.org_id, "+12125550101")
    named = save_number(ada.org_id, "+12125550102")
    flow = save_flow(ada.org_id, caller_id_number_id=of_flow.id)
    first = place(ada, flow, caller_id_number_id=named.id)
    assert (first.from_number, first.number_id) == ("+12125550102", named.id)
    second = place(ada, flow, "+14155550143")
    assert (second.from_number, second.number_id) == ("+12125550101", of_flow.id)


def test_the_number_of_a_flow_may_be_older_than_those_read_with_it(ada: Member) -> None:
    oldest = save_number(ada.org_id, "+12125550199")
    for place_ in range(25):
        save_number(ada.org_id, f"+121255501{place_:02}")
    flow = save_flow(ada.org_id, caller_id_number_id=oldest.id)
    assert place(ada, flow).number_id == oldest.id


def test_without_a_number_of_the_flow_the_organizations_number_is_shown(ada: Member) -> None:
    own = replace(ada, organization=ada.organization.model_copy(update={"caller_id": "+12125550109"}))
    flow = save_flow(ada.org_id, caller_id=None)
    assert place(own, flow).from_number == "+12125550109"
    assert code_of(lambda: place(ada, flow, "+14155550143")) == "no_caller_id"


@pytest.mark.parametrize("which", ["of another organization", "released", "without voice", "unknown"])
def test_a_number_that_may_not_call_is_refused(ada: Member, which: str) -> None:
    other = tenant("other").org_id
    ids = {
        "of another organization": save_number(other, "+12125550103").id,
        "released": save_number(ada.org_id, "+12125550104", status=NumberStatus.RELEASED).id,
        "without voice": save_number(ada.org_id, "+12125550105", voice=False).id,
        "unknown": "num_nothing",
    }
    found = ids[which]
    assert code_of(lambda: place(ada, save_flow(ada.org_id), caller_id_number_id=found)) == "invalid_caller_id"


def test_a_number_of_the_organization_is_not_called(acme: Tenant, ada: Member) -> None:
    flow, own = save_flow(ada.org_id), make_number(acme).e164
    others = make_number(tenant("other"), place=1).e164
    attempts: list[Callable[[], object]] = [
        lambda: place(ada, flow, own),
        lambda: console.place_test_call(ada, flow.id, own, simulated=False),
    ]
    for attempt in attempts:
        with pytest.raises(Invalid) as refusal:
            attempt()
        assert (refusal.value.code, refusal.value.details["fields"]) == (
            "invalid_number",
            {"to": "is a number of the organization: call another number"},
        )
    assert console.place_test_call(ada, flow.id, own, simulated=True).simulated
    assert place(ada, flow, others).to_number == others


def test_a_flow_of_another_organization_does_not_exist(ada: Member) -> None:
    flow = save_flow(tenant("other").org_id)
    with pytest.raises(NotFound):
        place(ada, flow)
    with pytest.raises(NotFound):
        console.place_test_call(ada, flow.id, ADA, simulated=True)


def test_a_flow_that_answers_calls_places_none(ada: Member) -> None:
    assert code_of(lambda: place(ada, save_flow(ada.org_id, kind="inbound"))) == "flow_not_outbound"


def test_blocked_and_opted_out_numbers_are_refused_with_the_rules_code(ada: Member) -> None:
    flow = save_flow(ada.org_id)
    ledgers.block_number(system(ada.org_id), ADA)
    assert code_of(lambda: place(ada, flow)) == "dnc"
    assert code_of(lambda: place(ada, flow, "+15005550004")) == "opted_out"
    assert code_of(lambda: place(ada, flow, "+15005550024")) == "quiet_hours"


def test_force_does_not_skip_the_law_nor_a_block_nor_an_opt_out(boss: Member) -> None:
    flow = save_flow(boss.org_id)
    ledgers.block_number(system(boss.org_id), ADA)
    assert code_of(lambda: place(boss, flow, force=True)) == "dnc"
    assert code_of(lambda: place(boss, flow, "+15005550004", force=True)) == "opted_out"
    assert code_of(lambda: place(boss, flow, "+15005550024", force=True)) == "quiet_hours"


def test_force_skips_the_organizations_own_hours_also_when_it_is_dialed(boss: Member, carrier: Provider) -> None:
    person = "+14158675309"  # in California, where it is 9:00
    flow = save_flow(boss.org_id)
    compliance.set_calling_hours(system(boss.org_id), "12:00", "12:30")
    narrow = replace(boss, organization=organizations.get_organization(boss.org_id))
    assert code_of(lambda: place(narrow, flow, person)) == "quiet_hours"
    call = place(narrow, flow, person, force=True)
    dialing.dial_call(call.org_id, call.id)
    assert read_call(call).state is State.RINGING


def test_only_admins_may_force(ada: Member) -> None:
    with pytest.raises(Forbidden) as refusal:
        place(ada, save_flow(ada.org_id), force=True)
    assert refusal.value.code == "force_not_allowed"


def test_a_flow_calls_a_number_once_in_five_minutes(ada: Member, boss: Member, frozen: clock.FrozenClock) -> None:
    flow, other = save_flow(ada.org_id), save_flow(ada.org_id)
    first = place(ada, flow)
    with pytest.raises(Invalid) as refusal:
        place(boss, flow)
    assert (refusal.value.code, refusal.value.details) == ("duplicate_call", {"call_id": first.id})
    place(ada, other)
    place(ada, flow, "+14155550143")
    forced = place(boss, flow, force=True)
    frozen.advance(seconds=299)
    with pytest.raises(Invalid) as refusal:
        place(ada, flow)
    assert refusal.value.details == {"call_id": forced.id}
    frozen.advance(seconds=1)
    place(ada, flow)


def test_a_refused_call_does_not_count_as_a_call(ada: Member) -> None:
    flow = save_flow(ada.org_id)
    ledgers.block_number(system(ada.org_id), ADA)
    assert code_of(lambda: place(ada, flow)) == "dnc"
    ledgers.unblock_number(system(ada.org_id), ADA)
    assert place(ada, flow).state is State.CREATED


def test_a_repeated_request_gets_its_first_call(ada: Member) -> None:
    flow = save_flow(ada.org_id)
    keyed = replace(ada, effect=IdempotencyKey(scope=ada.user_id, key="k", fingerprint="f"))
    assert place(keyed, flow).id == place(keyed, flow).id


def test_a_call_without_consent_is_based_on_the_members_statement(ada: Member) -> None:
    call = place(ada, save_flow(ada.org_id))
    [rule] = [one for one in compliance.get_verdict(call.org_id, call.id).rules if one.rule == "consent"]
    assert (rule.result, rule.details["from"]) == ("pass", f"member:{ada.user_id}")


def test_a_flow_that_sells_needs_a_written_consent(ada: Member) -> None:
    flow = save_flow(ada.org_id, purpose=Purpose.TELEMARKETING)
    assert code_of(lambda: place(ada, flow, "+14158675309")) == "consent_insufficient"


def test_the_limits_of_the_plan_and_the_cap_apply(frozen: clock.FrozenClock, carrier: Provider) -> None:
    ada = member(tenant("small", PlanName.GROWTH, basic_calls_per_day=1).org_id)
    flow = save_flow(ada.org_id)
    place(ada, flow)
    with pytest.raises(QuotaExceeded):
        place(ada, flow, "+14155550143")


def test_without_a_carrier_a_call_is_not_possible_and_a_test_call_is_simulated(
    ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voice, "carrier_name", lambda: "none")
    flow = save_flow(ada.org_id)
    with pytest.raises(Unavailable) as refusal:
        place(ada, flow)
    assert refusal.value.code == "no_carrier"
    call = console.place_test_call(ada, flow.id, ADA, simulated=False)
    assert (call.simulated, call.provider, call.is_test) == (True, "simulator", True)


def test_a_simulated_test_call_costs_nothing_and_may_be_repeated(acme: Tenant, ada: Member) -> None:
    flow = save_flow(ada.org_id, kind="inbound", caller_id=None)
    calls = [console.place_test_call(ada, flow.id, ADA, simulated=True) for _ in range(2)]
    assert all(call.is_test and call.simulated and call.receipt is None for call in calls)
    assert minutes_used(acme) == 0


def test_a_real_test_call_is_no_way_around_the_guard_against_repeated_calls(ada: Member, boss: Member) -> None:
    flow = save_flow(ada.org_id)
    first = place(ada, flow)

    def repeat(member: Member, *, force: bool = False, simulated: bool = False) -> Call:
        return console.place_test_call(member, flow.id, ADA, simulated=simulated, force=force)

    for who in (ada, boss):
        with pytest.raises(Invalid) as refusal:
            repeat(who)
        assert (refusal.value.code, refusal.value.details) == ("duplicate_call", {"call_id": first.id})
    with pytest.raises(Forbidden) as forbidden:
        repeat(ada, force=True)
    assert forbidden.value.code == "force_not_allowed"
    repeat(ada, simulated=True)
    forced = repeat(boss, force=True)
    with pytest.raises(Invalid) as refusal:
        place(ada, flow)
    assert refusal.value.details == {"call_id": forced.id}, "a real test call counts"


def test_a_simulated_test_call_does_not_count_as_a_call(ada: Member) -> None:
    flow = save_flow(ada.org_id)
    console.place_test_call(ada, flow.id, ADA, simulated=True)
    assert place(ada, flow).is_test is False


def test_an_admin_may_test_a_flow_outside_of_the_organizations_own_hours(boss: Member) -> None:
    call = console.place_test_call(boss, save_flow(boss.org_id).id, ADA, simulated=False, force=True)
    assert call.order.skips_own_hours


def test_a_real_test_call_costs_its_price(acme: Tenant, ada: Member) -> None:
    call = console.place_test_call(ada, save_flow(ada.org_id).id, ADA, simulated=False)
    assert (call.is_test, call.simulated) == (True, False)
    assert minutes_used(acme) == 1


def consent_of(org_id: str, e164: str = ADA) -> tuple[str, str, str] | None:
    """Returns the consent in the ledger: its source, its day, and who stated it."""
    found = {one.e164: one for one in ledgers.list_consents(org_id, 10)[0]}.get(e164)
    return (found.source.value, found.date, found.created_by) if found else None


def test_the_ledger_keeps_the_first_consent_that_a_member_stated(
    ada: Member, boss: Member, frozen: clock.FrozenClock
) -> None:
    flow = save_flow(ada.org_id)
    place(ada, flow)
    first = ("prior-express-consent", clock.now_iso()[:10], f"member:{ada.user_id}")
    assert consent_of(ada.org_id) == first
    frozen.advance(days=400)
    place(boss, flow)
    assert consent_of(ada.org_id) == first, "a later call does not make it younger"
    frozen.advance(days=60 * 31)
    assert code_of(lambda: place(ada, flow)) == "consent_expired"


def test_a_refused_or_simulated_call_states_no_consent(ada: Member) -> None:
    flow, sells = save_flow(ada.org_id), save_flow(ada.org_id, purpose="telemarketing")
    console.place_test_call(ada, flow.id, ADA, simulated=True)
    assert code_of(lambda: place(ada, sells)) == "consent_insufficient"
    assert consent_of(ada.org_id) is None


def test_the_consent_of_a_flow_or_the_ledger_comes_before_that_of_a_member(
    ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_NATIONAL_REGISTRY", "simulator")
    written = {"consent_source": "opt-in:web-form", "consent_date": "2026-01-01"}
    place(ada, save_flow(ada.org_id))
    place(ada, save_flow(ada.org_id, purpose="telemarketing", **written))
    ledgers.record_consent(system(ada.org_id), BOB, "opt-in:web-form", "2026-01-01")
    place(ada, save_flow(ada.org_id, purpose="telemarketing"), BOB)


def test_a_real_test_call_obeys_the_gate(ada: Member) -> None:
    ledgers.block_number(system(ada.org_id), ADA)
    flow = save_flow(ada.org_id)
    with pytest.raises(Blocked):
        console.place_test_call(ada, flow.id, ADA, simulated=False)


@pytest.mark.parametrize("change", ["removed", "made a viewer"])
def test_a_call_is_not_dialed_for_a_member_who_lost_the_right(
    ada: Member, boss: Member, carrier: Provider, change: str
) -> None:
    call = place(ada, save_flow(ada.org_id))
    if change == "removed":
        members.remove_member(boss, ada.user_id)
    else:
        members.change_role(boss, ada.user_id, Role.VIEWER)
    dialing.dial_call(call.org_id, call.id)
    ended = read_call(call)
    assert (ended.state, carrier.dialed) == (State.CANCELED, [])
    assert "may no longer place calls" in str(ended.error)


def test_a_member_who_became_an_admin_may_still_call(ada: Member, boss: Member, carrier: Provider) -> None:
    call = place(ada, save_flow(ada.org_id))
    members.change_role(boss, ada.user_id, Role.ADMIN)
    dialing.dial_call(call.org_id, call.id)
    assert read_call(call).state is State.RINGING


def test_the_context_is_in_the_prompt_and_its_texts_are_variables(ada: Member) -> None:
    flow = save_flow(ada.org_id, system_prompt="Remind {{name}}.")
    context: dict[str, Any] = {"name": "Ada", "items": ["a"], "due": 3}
    call = place(ada, flow, task_context=context)
    talk = read_conversation(call)
    assert talk.variables == {"name": "Ada", "due": "3"}
    assert str(talk.prompt).startswith("Remind {{name}}.\n\n# Task context\n")


@pytest.mark.parametrize("text", ["greeting", "voicemail_leave_message"])
def test_a_call_whose_person_would_hear_the_name_of_a_variable_is_refused(ada: Member, text: str) -> None:
    flow = save_flow(ada.org_id, **{text: "Hello {{name}}."})
    for context in ({}, {"name": None}, {"name": "y" * 501}):
        with pytest.raises(Invalid) as refusal:
            place(ada, flow, task_context=context)
        assert refusal.value.code == "invalid_task_context"
        assert f"has no value for `name`, which the flow's {text} uses" in refusal.value.message
    assert place(ada, flow, task_context={"name": "Ada"}).order.task_context == {"name": "Ada"}
    assert console.place_test_call(ada, flow.id, ADA, simulated=True).order.task_context == {}


def test_a_test_call_has_a_context_too(ada: Member) -> None:
    flow = save_flow(ada.org_id, system_prompt="Remind {{name}}.")
    call = console.place_test_call(ada, flow.id, ADA, {"name": "Ada"}, simulated=True)
    assert call.order.task_context == {"name": "Ada"}
    assert "# Task context" in str(read_conversation(call).prompt)
    assert code_of(lambda: console.place_test_call(ada, flow.id, ADA, {"": 1}, simulated=True)) == (
        "invalid_task_context"
    )


def test_a_line_without_a_talker_calls_nobody(ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice, "get_carrier", lambda: voice.Carrier(Provider(), NoCarrier()))
    flow = save_flow(ada.org_id)
    with pytest.raises(Unavailable) as refusal:
        place(ada, flow)
    assert refusal.value.code == "no_talker"
    assert console.place_test_call(ada, flow.id, ADA, simulated=False).simulated


def test_a_test_of_a_flow_for_callers_leaves_no_message_at_machines(ada: Member, carrier: Provider) -> None:
    asks = {"voicemail_leave_message": "Please leave a message."}
    for kind, machine in (("inbound", "detect"), ("outbound", "wait_for_beep")):
        flow = save_flow(ada.org_id, kind=kind, **asks)
        call = console.place_test_call(ada, flow.id, ADA, simulated=False)
        dialing.dial_call(call.org_id, call.id)
        assert carrier.placements[-1].machine == machine
