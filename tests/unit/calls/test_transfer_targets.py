"""Transfers of calls in: which numbers the line dials, for how long, and what the other leg costs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchboard.accounts import organizations
from switchboard.accounts.models import HardCap
from switchboard.calls.models import CallerMessageState
from switchboard.carriers.numbers.ports.inventory import NumberSearch
from switchboard.compliance import ledgers
from switchboard.errors import Invalid
from switchboard.flows import changes
from switchboard.flows import service as flows
from switchboard.flows.models import FlowSource
from switchboard.kit import clock
from switchboard.numbers import available
from switchboard.usage import service as usage
from switchboard.usage.models import MICROS_PER_CENT, Meter
from tests.actors import Tenant, system, tenant
from tests.unit.calls.calls_in import Line, make_flow, make_line, make_number, names_of
from tests.unit.calls.live_calls import minutes_used

SALES = "+14155550143"
TRANSFER = json.dumps({"transfer": "sales"})


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


@pytest.fixture
def line(acme: Tenant) -> Line:
    found = make_line(acme, transfer_map={"sales": SALES})
    found.ask()
    return found


def problem_of(acme: Tenant, number: str) -> str:
    with pytest.raises(Invalid) as refused:
        make_flow(acme, transfer_map={"desk": SALES, "sales": number})
    return str(refused.value.details["fields"]["transfer_map_json"])


# Jamaica has a code of the North American plan.
@pytest.mark.parametrize("number", ["+18765550123", "+252612345678", "+2693212345", "+5351234567", "+37127123456"])
def test_numbers_of_other_countries_are_refused_unless_the_operator_opens_them(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch, number: str
) -> None:
    assert "at sales: is in a country that transfers do not reach: use a number of US, CA" in problem_of(acme, number)
    monkeypatch.setenv("SWITCHBOARD_TRANSFER_COUNTRIES", "US,CA,JM,SO,KM,CU,LV")
    line = make_line(acme, transfer_map={"sales": number})
    line.ask()
    assert names_of(line.ask("after-talk/0", HandoffData=TRANSFER))[-1] == "Dial"
    monkeypatch.delenv("SWITCHBOARD_TRANSFER_COUNTRIES")
    line.ask(call=2)
    assert "Record" in names_of(line.ask("after-talk/0", call=2, HandoffData=TRANSFER))


@pytest.mark.parametrize("number", ["+14165550123", "+17875550123", "+18005550123"])
def test_numbers_of_the_countries_on_sale_are_reached(acme: Tenant, number: str) -> None:
    assert make_flow(acme, transfer_map={"sales": number}).transfer_map == {"sales": number}


@pytest.mark.parametrize("number", ["+19005550123", "+881612345678"])
def test_costly_numbers_are_refused(acme: Tenant, number: str) -> None:
    assert "at sales: is a premium-rate, shared-cost, personal or satellite number" in problem_of(acme, number)


def test_a_blocked_number_is_refused_and_not_dialed(acme: Tenant, line: Line) -> None:
    ledgers.block_number(acme.caller(master=True), SALES)
    assert "at desk: is on the do-not-call list" in problem_of(acme, SALES)
    assert "Record" in names_of(line.ask("after-talk/0", HandoffData=TRANSFER))
    assert (line.read_call().transfer_target, line.read_call().voicemail) == (None, CallerMessageState.OFFERED)


def test_a_number_of_the_organization_itself_is_refused_and_not_dialed(acme: Tenant, line: Line) -> None:
    own = make_number(acme, place=1).e164
    assert "at sales: is a number of your organization" in problem_of(acme, own)
    other = tenant("other")
    assert make_flow(other, transfer_map={"sales": own}).transfer_map == {"sales": own}


def test_a_number_that_the_organization_bought_later_is_not_dialed(acme: Tenant) -> None:
    line = make_line(acme)
    later = available.search_available_numbers(NumberSearch(limit=2))[1].number.e164
    changes.update_flow(
        acme.caller(master=True), line.number.flow_id or "", {"transfer_map_json": json.dumps({"sales": later})}
    )
    line.ask()
    line.ask(call=2)
    assert names_of(line.ask("after-talk/0", HandoffData=TRANSFER))[-1] == "Dial"
    assert make_number(acme, place=1).e164 == later
    assert "Record" in names_of(line.ask("after-talk/0", call=2, HandoffData=TRANSFER))


@pytest.mark.parametrize(
    ("form", "text", "line_number"),
    [
        ("yaml", "name: Desk\ntransfer_map:\n  sales: '+14155550143'\n  abroad: '+5351234567'\n", 4),
        ("json", '{"name": "Desk",\n "transfer_map": {\n "abroad": "+5351234567"}}', 3),
    ],
)
def test_a_configuration_is_refused_with_line_and_path(acme: Tenant, form: Any, text: str, line_number: int) -> None:
    flow = make_flow(acme)
    with pytest.raises(Invalid) as refused:
        changes.save_config(acme.caller(master=True), flow.id, FlowSource(text, form))
    assert (refused.value.code, refused.value.details["line"]) == ("invalid_config", line_number)
    assert "at transfer_map.abroad: is in a country" in refused.value.details["fields"]["source"]


def test_an_update_checks_the_map_only_when_it_changes(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_TRANSFER_COUNTRIES", "US,CU")
    flow = make_flow(acme, transfer_map={"sales": "+5351234567"})
    monkeypatch.delenv("SWITCHBOARD_TRANSFER_COUNTRIES")
    changes.update_flow(acme.caller(master=True), flow.id, {"greeting": "Hello there."})
    with pytest.raises(Invalid):
        changes.update_flow(acme.caller(master=True), flow.id, {"transfer_map_json": '{"a": "+5351234567"}'})
    assert flows.get_flow(acme.org_id, flow.id).greeting == "Hello there."


def test_the_other_leg_costs_minutes(acme: Tenant, line: Line) -> None:
    line.ask("after-talk/0", HandoffData=TRANSFER)
    for _ in range(2):
        line.ask("after-dial", DialCallStatus="completed", DialCallDuration="121")
    assert (line.read_call().transfer_seconds, minutes_used(acme)) == (121, 1)
    line.end_call(seconds=200)
    call = line.read_call()
    assert (call.duration_seconds, call.cost_micros, minutes_used(acme)) == (200, 7 * 70_000, 7)


def test_a_transfer_that_nobody_answered_costs_nothing(acme: Tenant, line: Line) -> None:
    line.ask("after-talk/0", HandoffData=TRANSFER)
    line.ask("after-dial", DialCallStatus="no-answer", DialCallDuration="0")
    line.end_call(seconds=59)
    assert (line.read_call().cost_micros, minutes_used(acme)) == (70_000, 1)


def set_cap(acme: Tenant, minutes_left: int) -> None:
    """Sets a cap that has room for so many minutes more."""
    for given in (100_000, None):
        org = organizations.get_organization(acme.org_id)
        cents = given or 0
        if given is None:
            left = usage.remaining_micros(org, Meter.VOICE_BASIC)
            assert left is not None
            cents = 100_000 - left // MICROS_PER_CENT + 7 * minutes_left
        usage.set_hard_cap(system(acme.org_id), org, HardCap(enabled=True, monthly_cap_cents=cents))


def test_the_cap_limits_a_transfer_and_refuses_it_when_it_is_reached(acme: Tenant) -> None:
    line = make_line(acme, transfer_map={"sales": SALES})
    set_cap(acme, 6)
    line.ask()
    *_, dial = line.ask("after-talk/0", HandoffData=TRANSFER)
    assert dial["timeLimit"] == "120", "five minutes are left, for two legs"
    line.end_call(seconds=10)
    set_cap(acme, 2)
    line.ask(call=2)
    assert "Record" in names_of(line.ask("after-talk/0", call=2, HandoffData=TRANSFER))
