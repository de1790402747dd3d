"""Calls in: who is answered, who is rejected, and what each caller hears first."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.accounts import organizations
from switchboard.accounts.models import HardCap
from switchboard.accounts.plans import PlanName
from switchboard.aws.writes import commit
from switchboard.calls import history_store, inbound, store
from switchboard.calls.history import number_id
from switchboard.calls.models import Declined, State
from switchboard.carriers import voice
from switchboard.carriers.voice.ports.reports import EndReason
from switchboard.compliance import ledgers
from switchboard.events import service as events
from switchboard.flows import service as flows
from switchboard.kit import clock
from switchboard.usage import service as usage
from switchboard.usage.models import Meter
from tests.actors import Tenant, system, tenant
from tests.fakes.voice import Provider
from tests.unit.calls.calls_in import (
    CALLER,
    CLOSED,
    Line,
    make_flow,
    make_line,
    make_number,
    monday_noon,
    names_of,
    sid_of,
    suspend,
    use_twilio,
)
from tests.unit.calls.live_calls import list_actions, list_opt_outs, minutes_used, read_conversation, report_turn

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


def actions_of(acme: Tenant, line: Line, call: int = 1) -> list[str]:
    correlation = line.read_call(call).correlation_id
    return [one for one in list_actions(acme, correlation) if one.startswith("voice.")]


def test_a_caller_hears_the_announcement_and_then_the_talker(acme: Tenant, frozen: clock.FrozenClock) -> None:
    line = make_line(acme, greeting="Front desk, how can I help?")
    said, started, connect = line.ask()
    assert (said["text"], started["nouns"][0]["verb"]) == ("This call is recorded.", "Recording")
    call = line.read_call()
    parameters = {noun["name"]: noun["value"] for noun in connect["nouns"][0]["nouns"]}
    assert parameters == {"org_id": acme.org_id, "call_id": call.id}
    assert connect["action"] == f"http://localhost:8080/twilio/voice/{line.number.id}/after-talk/0"
    assert (call.direction, call.state, call.from_number, call.to_number, call.person_number) == (
        "INBOUND",
        State.ACTIVE,
        CALLER,
        line.number.e164,
        CALLER,
    )
    flow = flows.get_flow(acme.org_id, line.number.flow_id or "")
    assert (call.flow_id, call.flow_version, call.number_id) == (flow.id, flow.version, line.number.id)
    assert read_conversation(call).greeting == "Front desk, how can I help?"
    assert call.answered_at == clock.now_iso()


def test_a_repeated_callback_gets_the_same_script_and_changes_nothing(acme: Tenant) -> None:
    line = make_line(acme)
    first, version = line.send().body, line.read_call().version
    assert line.send().body == first
    assert line.read_call().version == version
    assert minutes_used(acme) == 1


def test_a_flow_without_announcement_records_nothing(acme: Tenant) -> None:
    assert names_of(make_line(acme, announce_recording=False).ask()) == ["Connect"]


def test_a_blocked_caller_is_rejected_before_anything_is_said(acme: Tenant) -> None:
    line = make_line(acme)
    ledgers.block_number(acme.caller(master=True), CALLER)
    assert names_of(line.ask()) == ["Reject"] == names_of(line.ask())
    call = line.read_call()
    assert (call.state, call.end_reason, call.answered_at, call.cost_micros) == (
        State.CANCELED,
        EndReason.BLOCKED,
        None,
        0,
    )
    assert list_actions(acme, call.correlation_id) == ["voice.call.rejected"]
    assert minutes_used(acme) == 0


def test_a_caller_who_opted_out_may_call(acme: Tenant) -> None:
    line = make_line(acme)
    ledgers.record_opt_out(acme.caller(master=True), CALLER, "manual")
    assert names_of(line.ask())[-1] == "Connect"


def test_a_number_without_a_flow_answers_politely(acme: Tenant) -> None:
    line = Line(make_number(acme))
    said, _ = line.ask()
    assert said["text"].startswith("Thank you for calling. This number does not take calls")
    assert line.read_call().declined is Declined.NO_FLOW
    line.end_call(seconds=5)
    call = line.read_call()
    assert (call.state, call.cost_micros, call.duration_seconds) == (State.COMPLETED, 0, 5)


def test_a_suspended_organization_answers_politely_and_pays_nothing(acme: Tenant) -> None:
    line = make_line(acme)
    suspend(acme)
    assert names_of(line.ask()) == ["Say", "Hangup"]
    assert line.read_call().declined is Declined.SUSPENDED
    assert minutes_used(acme) == 0


def test_an_organization_that_is_unpaid_still_takes_calls(acme: Tenant) -> None:
    line = make_line(acme)
    commit(organizations.terms_writes(system(acme.org_id), None, unpaid=True))
    assert names_of(line.ask())[-1] == "Connect"
    assert minutes_used(acme) == 1


def test_the_phone_feature_can_be_off(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    line = make_line(acme)
    monkeypatch.setenv("SWITCHBOARD_FEATURE_PHONE_ENABLED", "off")
    assert names_of(line.ask()) == ["Say", "Hangup"]
    assert line.read_call().declined is Declined.UNAVAILABLE


def test_calls_above_the_organizations_limit_hear_that_all_lines_are_busy(
    cloud: Any, frozen: clock.FrozenClock
) -> None:
    small = tenant(concurrent_calls=1)
    line = make_line(small, voicemail_enabled=False)
    assert names_of(line.ask(call=1))[-1] == "Connect"
    said, _ = line.ask(call=2)
    assert "lines are busy" in said["text"]
    assert line.read_call(2).declined is Declined.BUSY
    line.end_call(call=1)
    assert names_of(line.ask(call=3))[-1] == "Connect", "the end of the first call released its lane"


def test_above_the_hard_cap_the_caller_hears_an_apology(acme: Tenant) -> None:
    line = make_line(acme)
    usage.set_hard_cap(system(acme.org_id), _organization(acme), HardCap(enabled=True, monthly_cap_cents=0))
    assert names_of(line.ask()) == ["Say", "Hangup"]
    assert line.read_call().declined is Declined.SPENDING_CAP
    assert minutes_used(acme) == 0


def _organization(acme: Tenant) -> Any:
    from switchboard.accounts import organizations

    return organizations.get_organization(acme.org_id)


def test_a_call_is_charged_by_the_minute(acme: Tenant) -> None:
    line = make_line(acme)
    line.ask()
    assert minutes_used(acme) == 1
    line.end_call(seconds=121)
    call = line.read_call()
    assert (call.duration_seconds, call.cost_micros, minutes_used(acme)) == (121, 210_000, 3)


def test_a_caller_who_hangs_up_at_once_pays_no_minute_of_the_organization(acme: Tenant) -> None:
    line = make_line(acme)
    line.ask()
    line.end_call(status="canceled", seconds=0)
    assert (line.read_call().state, minutes_used(acme)) == (State.CANCELED, 0)


def test_outside_of_the_hours_the_caller_hears_the_message_and_may_leave_one(
    acme: Tenant, frozen: clock.FrozenClock
) -> None:
    monday_noon(frozen)
    line = make_line(
        acme,
        business_hours_enabled=True,
        business_hours=CLOSED,
        timezone="UTC",
        after_hours_message="We open at nine.",
        voicemail_leave_message="Tell us your name.",
    )
    closed, asked, record, *_ = line.ask()
    assert (closed["text"], asked["text"]) == ("We open at nine.", "Tell us your name.")
    assert record["recordingStatusCallback"].endswith(f"{line.number.id}/recording#rc=3&rp=all")
    assert line.read_call().after_hours
    assert line.send().body == line.send().body


def test_outside_of_the_hours_without_voicemail_the_call_ends(acme: Tenant, frozen: clock.FrozenClock) -> None:
    monday_noon(frozen)
    line = make_line(acme, business_hours_enabled=True, business_hours=CLOSED, timezone="UTC", voicemail_enabled=False)
    assert names_of(line.ask()) == ["Say", "Hangup"]


def test_the_hours_are_on_the_clock_of_the_flows_zone(acme: Tenant, frozen: clock.FrozenClock) -> None:
    monday_noon(frozen)
    hours = {"monday": [{"start": "07:00", "end": "08:00"}]}
    line = make_line(acme, business_hours_enabled=True, business_hours=hours, timezone="America/New_York")
    assert names_of(line.ask())[-1] == "Connect", "it is seven in New York"


def test_a_holiday_is_closed(acme: Tenant, frozen: clock.FrozenClock) -> None:
    monday_noon(frozen)
    line = make_line(acme, business_hours_enabled=True, holidays=[{"date": "2026-01-19"}], timezone="UTC")
    assert "Record" in names_of(line.ask())


def test_a_talker_that_is_down_leads_to_voicemail_or_an_apology(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(Provider):
        def open_talk(self, conversation: voice.Conversation) -> voice.TalkConnection:
            raise voice.OutcomeUnknownError("down")

    with_message, without = make_line(acme), make_line_beside(acme, voicemail_enabled=False)
    monkeypatch.setattr(voice, "get_carrier", lambda: Silent().carrier)
    assert names_of(with_message.ask())[2:6] == ["Stop", "Say", "Say", "Record"]
    assert names_of(without.ask(call=2))[2:] == ["Say", "Hangup"]


def make_line_beside(acme: Tenant, **given: Any) -> Line:
    return Line(make_number(acme, make_flow(acme, name="Other", **given)))


def test_a_deployment_without_voices_answers_too(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    line = make_line(acme)
    line.token = use_twilio(monkeypatch)
    monkeypatch.setenv("SWITCHBOARD_VOICE_CARRIER", "none")
    assert "Record" in names_of(line.ask())
    assert not line.read_call().simulated


def test_a_simulated_caller_in_a_deployment_costs_nothing(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    line = make_line(acme)
    monkeypatch.setenv("SWITCHBOARD_VOICE_CARRIER", "none")
    assert names_of(line.ask())[-1] == "Connect", "the simulated talker talks to simulated callers"
    assert line.read_call().simulated
    line.end_call(seconds=600)
    assert (line.read_call().cost_micros, minutes_used(acme)) == (0, 0)


@pytest.mark.parametrize("caller", ["+266696687", "Restricted", "sip:ann@example.com", ""])
def test_a_caller_without_a_number_is_answered(acme: Tenant, caller: str) -> None:
    line = make_line(acme)
    line.caller = caller
    assert names_of(line.ask())[-1] == "Connect"
    call = line.read_call()
    assert call.person_number == "anonymous"
    report_turn(call, "Please don't call me again.")
    assert line.read_call().opted_out_at
    assert list_opt_outs(acme) == []


def test_who_asks_on_the_phone_for_no_more_calls_opts_out_and_not_our_number(acme: Tenant) -> None:
    line = make_line(acme)
    line.ask()
    report_turn(line.read_call(), "Please don't call me again.")
    assert list_opt_outs(acme) == [(CALLER, "spoken")]


def test_the_history_of_the_callers_number_counts_the_call(acme: Tenant) -> None:
    from switchboard.calls import history_projection

    line = make_line(acme)
    line.ask()
    call = line.read_call()
    event = next(one for one in _events(acme, call.correlation_id) if one.type == "voice.call.received")
    found = history_projection.project(event)
    assert found is not None
    assert found[0] == number_id(acme.org_id, CALLER)
    assert history_store.get_history(acme.org_id, found[0]) is None, "the projection commits the writes, not this call"


def _events(acme: Tenant, correlation_id: str) -> list[Any]:
    from switchboard.aws.reads import Query

    items = Query(table="activity", partition=events.workflow_partition(acme.org_id, correlation_id)).read_all()
    return [events.parse_event(item) for item in items if "outbox" in item]


def test_a_call_whose_first_callback_never_came_is_recorded_by_its_end(acme: Tenant) -> None:
    line = make_line(acme)
    line.end_call(status="no-answer", seconds=0)
    call = line.read_call()
    assert (call.state, call.declined, call.cost_micros) == (State.NO_ANSWER, Declined.UNAVAILABLE, 0)
    assert names_of(line.ask()) == ["Hangup"], "the first callback comes late"
    assert actions_of(acme, line) == ["voice.call.received", "voice.call.no_answer"]


def test_the_call_keeps_the_version_of_its_flow(acme: Tenant) -> None:
    from switchboard.flows import changes as flow_changes

    flow = make_flow(acme, transfer_map={"sales": "+14155550143"})
    line = Line(make_number(acme, flow))
    line.ask()
    flow_changes.update_flow(acme.caller(master=True), flow.id, {"transfer_map_json": "{}"})
    *_, dial = line.ask("after-talk/0", HandoffData='{"transfer": "sales"}')
    assert dial["nouns"][0]["text"] == "+14155550143"


def test_the_cap_ends_a_call_that_the_organization_cannot_pay(acme: Tenant, frozen: clock.FrozenClock) -> None:
    line = make_line(acme)
    usage.set_hard_cap(system(acme.org_id), _organization(acme), HardCap(enabled=True, monthly_cap_cents=14))
    line.ask()
    from switchboard.calls import timeouts

    frozen.advance(seconds=180)
    call = line.read_call()
    timeouts.close_call(call.org_id, call.id, "active")
    assert line.read_call().state in (State.COMPLETED, State.FAILED)


def test_ids_of_two_organizations_never_meet(acme: Tenant) -> None:
    other = tenant("other", PlanName.GROWTH)
    assert inbound.call_id_of(acme.org_id, sid_of(1)) != inbound.call_id_of(other.org_id, sid_of(1))
    assert store.CALLS.get_object(other.org_id, inbound.call_id_of(acme.org_id, sid_of(1))) is None


def test_where_nobody_pays_a_call_in_has_the_minutes_that_the_plan_includes(
    cloud: Any, frozen: clock.FrozenClock
) -> None:
    free = tenant("free", PlanName.FREE, concurrent_calls=9)
    line = make_line(free)
    usage.commit_spending(_organization(free), Meter.VOICE_BASIC, 8)
    line.ask(call=1)
    assert line.read_call(1).held_minutes == 1
    assert names_of(line.ask(call=2)) == ["Say", "Hangup"]
    assert line.read_call(2).declined is Declined.SPENDING_CAP
    line.end_call(seconds=59)
    line.ask(call=3)
    assert line.read_call(3).declined is None
    assert minutes_used(free) == 10
