"""A repeated wish to stop, also after an operator removed the first one during the same call."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.calls import reports, service
from switchboard.calls.models import Call, Order, Tier
from switchboard.carriers.voice.ports.reports import Report, Turn
from switchboard.compliance import ledgers
from switchboard.compliance.verdicts import Blocked
from tests.actors import Tenant, tenant

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

NOBODY = "+14155550142"
ORDER = Order(to=NOBODY, tier=Tier.BASIC, consent_source="business-relationship")


@pytest.fixture
def acme(cloud: dict[str, str], frozen: object) -> Tenant:
    return tenant()


def spoken_wish(call: Call, number: int) -> dict[str, Any]:
    turn = Turn(number=number, speaker="caller", text="Stop calling me.", start_ms=number, end_ms=number + 1)
    return {"kind": "turn", "turn": turn}


def pressed_key(_: Call, __: int) -> dict[str, Any]:
    return {"kind": "dtmf", "digits": "9"}


@pytest.mark.parametrize("first", [spoken_wish, pressed_key])
@pytest.mark.parametrize("second", [spoken_wish, pressed_key])
def test_a_second_wish_after_a_removal_enters_the_ledger_again(acme: Tenant, first: Any, second: Any) -> None:
    call = service.place_call(acme.caller(), ORDER)
    told = {"org_id": call.org_id, "call_id": call.id}
    reports.apply_report(Report(**told, kind="answered"))
    reports.apply_report(Report(**told, **first(call, 1)))
    assert len(ledgers.list_opt_outs(acme.org_id, 10)[0]) == 1
    assert ledgers.record_opt_in(acme.caller(master=True), NOBODY)
    reports.apply_report(Report(**told, **second(call, 3)))
    assert [entry.e164 for entry in ledgers.list_opt_outs(acme.org_id, 10)[0]] == [NOBODY]
    with pytest.raises(Blocked):
        service.place_call(acme.caller(), ORDER)


def test_a_repeated_wish_has_one_entry(acme: Tenant) -> None:
    call = service.place_call(acme.caller(), ORDER)
    told = {"org_id": call.org_id, "call_id": call.id}
    reports.apply_report(Report(**told, kind="answered"))
    for number in (1, 3):
        reports.apply_report(Report(**told, **spoken_wish(call, number)))
    (entry,) = ledgers.list_opt_outs(acme.org_id, 10)[0]
    assert entry.source == "spoken"
    assert len(list(service.list_turns(acme.caller(), call.id))) == 2


def test_a_repeated_report_of_a_removed_wish_enters_nothing(acme: Tenant) -> None:
    # A queue delivers a message twice, and the turn is recorded once.
    call = service.place_call(acme.caller(), ORDER)
    told = {"org_id": call.org_id, "call_id": call.id}
    reports.apply_report(Report(**told, kind="answered"))
    reports.apply_report(Report(**told, **spoken_wish(call, 1)))
    ledgers.record_opt_in(acme.caller(master=True), NOBODY)
    reports.apply_report(Report(**told, **spoken_wish(call, 1)))
    assert ledgers.list_opt_outs(acme.org_id, 10)[0] == []


def test_a_spoken_wish_after_a_stop_in_a_text_outlasts_a_keyword(acme: Tenant) -> None:
    call = service.place_call(acme.caller(), ORDER)
    told = {"org_id": call.org_id, "call_id": call.id}
    reports.apply_report(Report(**told, kind="answered"))
    ledgers.record_opt_out(acme.caller(master=True), NOBODY, "keyword", "STOP")
    reports.apply_report(Report(**told, **spoken_wish(call, 1)))
    (entry,) = ledgers.list_opt_outs(acme.org_id, 10)[0]
    assert (entry.source, entry.also_by, entry.by_keyword_only) == ("keyword", "spoken", False)
