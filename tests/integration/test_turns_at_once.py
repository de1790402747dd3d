"""Concurrent reports of one call, on the engine: turns do not conflict, and each event counts once."""

from __future__ import annotations

import pytest

from switchboard.audit import service as audit
from switchboard.calls import dialing, history, reports, service, store
from switchboard.calls.models import Call, Order, State, Tier
from switchboard.carriers import voice
from switchboard.carriers.voice.ports.reports import EndReason, Report, Turn
from switchboard.events import service as events
from switchboard.kit import clock
from switchboard.projections import service as projections
from switchboard.roleplay import lifecycle, sessions
from switchboard.roleplay import store as roleplay
from switchboard.roleplay.judges.models import PracticeSpeaker, PracticeTurn
from switchboard.roleplay.models import DrillRequest, TransportReport
from tests.actors import Tenant, reseller, tenant
from tests.fakes.voice import Provider
from tests.integration.concurrency.conftest import count_events, run_together
from tests.integration.sabotage import scan_items

pytestmark = pytest.mark.usefixtures("engine_cloud")

NOBODY = "+14155550142"
TURNS, WORKERS = 20, 10


@pytest.fixture
def acme(monkeypatch: pytest.MonkeyPatch) -> Tenant:
    provider = Provider()
    monkeypatch.setattr(voice, "get_carrier", lambda: provider.carrier)
    return tenant()


def placed(acme: Tenant) -> Call:
    order = Order(to=NOBODY, tier=Tier.BASIC, consent_source="business-relationship")
    return service.place_call(acme.caller(), order)


def handle_report(call: Call, kind: str, number: int = 0) -> None:
    turn = Turn(number=number, speaker="agent", text="Hello.", start_ms=0, end_ms=300) if kind == "turn" else None
    reason = EndReason.COMPLETED if kind == "ended" else None
    reports.apply_report(Report(org_id=call.org_id, call_id=call.id, kind=kind, turn=turn, end_reason=reason))


def test_twenty_turns_by_ten_workers_are_all_recorded(acme: Tenant) -> None:
    call = placed(acme)
    dialing.dial_call(call.org_id, call.id)
    handle_report(call, "answered")
    version = service.get_call(acme.caller(), call.id).version

    def worker(first: int) -> None:
        # Each turn is reported by two workers.
        for number in range(first, first + 2 * TURNS // WORKERS):
            handle_report(call, "turn", number % TURNS)

    outcomes = run_together([lambda n=n: worker(n * TURNS // WORKERS) for n in range(WORKERS)])
    assert outcomes == [None] * WORKERS
    assert [turn.number for turn in store.list_turns(call.org_id, call.id)] == list(range(TURNS))
    assert count_events(acme, "voice.call.turn") == TURNS
    assert service.get_call(acme.caller(), call.id).version == version


def test_a_call_ends_while_turns_are_reported(acme: Tenant) -> None:
    call = placed(acme)
    dialing.dial_call(call.org_id, call.id)
    jobs = [
        lambda: handle_report(call, "answered"),
        lambda: handle_report(call, "ended"),
        lambda: handle_report(call, "hold"),
    ]
    outcomes = run_together([*jobs, *(lambda n=n: handle_report(call, "turn", n) for n in range(WORKERS))])
    assert not [outcome for outcome in outcomes if outcome]
    assert service.get_call(acme.caller(), call.id).state is State.COMPLETED
    assert len(list(store.list_turns(call.org_id, call.id))) == WORKERS
    assert not [item for item in scan_items("activity") if item["pk"]["S"].startswith("timer#")]


def test_turns_of_a_practice_call_do_not_conflict() -> None:
    acme = reseller()
    call = sessions.redeem_session(
        sessions.admit_token(sessions.mint_session(acme.caller(), "rep", None).token),
        DrillRequest(drill_key="fe-objection-handling"),
    ).call

    def say(number: int) -> None:
        turn = PracticeTurn(number=number, speaker=PracticeSpeaker.REP, text="Hello.", start_ms=0, end_ms=300)
        lifecycle.apply_report(TransportReport(org_id=call.org_id, call_id=call.id, kind="turn", turn=turn))

    outcomes = run_together([lambda n=n: [say(number) for number in range(n, n + 4)] for n in range(0, TURNS, 2)])
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert len(roleplay.list_turns(call.org_id, call.id)) == TURNS + 2
    entries, _ = audit.list_workflow_events(acme.tenant.caller(master=True), call.correlation_id, 500, None)
    assert [entry.document["action"] for entry in entries].count("roleplay.call.turn") == TURNS + 2


def test_concurrent_workers_count_each_call_with_a_number_once(acme: Tenant) -> None:
    for _ in range(12):
        placed(acme)
    day = clock.now_iso()[:10]
    created = [
        event
        for event in events.events_between(f"{day}T00:00:00.000Z", f"{day}T23:59:59.999Z", acme.org_id)
        if event.type == "voice.call.created"
    ]
    outcomes = run_together([lambda event=event: projections.project_event(event) for event in created * 2])
    assert outcomes == [None] * 24
    assert [one.calls for one in history.list_histories(acme.org_id, None, 10)] == [12]
