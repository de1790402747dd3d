"""Widgets under faults and in parallel: each session starts once, ends once, and its cap holds."""

from __future__ import annotations

import pytest

from switchboard.aws import queues
from switchboard.calls import reports
from switchboard.carriers.voice.ports.reports import Report
from switchboard.errors import QuotaExceeded
from switchboard.flows.models import Flow
from switchboard.kit import clock
from switchboard.usage import service as usage
from switchboard.widgets import leads, lifecycle
from switchboard.widgets.jobs import EndSession
from switchboard.widgets.models import WidgetSession, WidgetSessionState, WidgetToken
from switchboard.widgets.sessions import StartedSession
from tests.actors import Tenant, tenant
from tests.integration.concurrency.conftest import count_outcomes, run_together
from tests.integration.sabotage import Dying, Sabotage, invoke, run_tick, run_worker
from tests.load.request import api_event
from tests.unit.contacts.book import list_workflow_events
from tests.unit.widgets.desk import MINUTE, SHOP, find_call, find_session, get_day, make_flow, make_token, start


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


@pytest.fixture
def flow(acme: Tenant) -> Flow:
    return make_flow(acme.org_id)


@pytest.fixture
def token(flow: Flow) -> WidgetToken:
    return make_token(flow)


@pytest.fixture
def saboteur(acme: Tenant) -> Sabotage:
    return Sabotage()


def live_session(token: WidgetToken) -> WidgetSession:
    """A session whose visitor has joined."""
    session = start(token, name="Ada").session
    reports.apply_report(Report(org_id=session.org_id, call_id=session.call_id, kind="answered"))
    return session


def test_a_request_killed_anywhere_starts_one_session(
    token: WidgetToken, acme: Tenant, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    def ask(number: int) -> int:
        headers = {
            "origin": SHOP,
            "authorization": f"Bearer {token.public_key}",
            "idempotency-key": f"0123456789-0123456789-{number}",
            "x-correlation-id": f"corr_{number}",
        }
        event = api_event("POST", "/api/widget/sessions", headers, {"lead": {"name": f"Ada {number}"}})
        return int(invoke("hum/widget_sessions", event, Dying)["statusCode"])

    with saboteur.counting() as calls:
        assert ask(1_000) == 200
    number = len(calls)
    for done in range(number):
        # Neither the rate of the address nor the organization's lines may end the test early.
        frozen.advance(seconds=61)
        with saboteur.killing(after=done):
            ask(done)
        assert ask(done) == 200, done
        told = list(list_workflow_events(acme.org_id, f"corr_{done}"))
        assert sorted(event.type for event in told) == [
            "voice.call.received",
            "widget.lead_captured",
            "widget.session_started",
        ], done
        (started,) = (event for event in told if event.type == "widget.session_started")
        lifecycle.end_session(acme.org_id, started.subject.id, "limit")
    assert len(leads.list_leads(acme.org_id, token.id, 200)[0]) == number + 1


def test_a_worker_killed_anywhere_settles_a_session_once(
    token: WidgetToken, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    def send() -> tuple[WidgetSession, EndSession]:
        session = live_session(token)
        frozen.advance(seconds=61)
        job = EndSession(org_id=session.org_id, session_id=session.id, reason="limit")
        queues.send_messages([job.to_message()])
        return session, job

    first, _ = send()
    with saboteur.counting() as calls:
        run_worker("workers/widgets")
    number = len(calls)
    assert number
    for done in range(number):
        session, job = send()
        with saboteur.killing(after=done):
            run_worker("workers/widgets")
        queues.send_messages([job.to_message()])
        run_worker("workers/widgets")
        assert find_session(session).state is WidgetSessionState.SETTLED, done
        found = get_day(first)
        assert (found.uses, found.spent_micros, found.counted_micros) == (
            done + 2,
            (done + 2) * 2 * MINUTE,
            (done + 2) * 2 * MINUTE,
        ), done
    assert usage.get_monthly_usage(first.org_id).spent_micros == (number + 1) * 2 * MINUTE


def test_a_simulated_session_runs_from_the_start_to_its_settlement(
    token: WidgetToken, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_VOICE_STEP_SECONDS", "0")
    session = start(token, name="Ada").session
    lifecycle.begin_session(session.org_id, session.id)
    run_worker("workers/simulator")
    run_worker("workers/voice_events")
    frozen.advance(seconds=60)
    run_tick()
    run_worker("workers/widgets")
    frozen.advance(seconds=300)
    run_tick()
    run_worker("workers/widgets")
    run_tick()
    run_worker("workers/widgets")
    assert find_call(session).ended_at is not None
    assert find_session(session).state is WidgetSessionState.SETTLED
    assert get_day(session).uses == 1


@pytest.mark.usefixtures("engine_cloud")
def test_parallel_sessions_never_exceed_the_cap() -> None:
    acme = tenant()
    token = make_token(make_flow(acme.org_id), daily_spend_cap_cents=35 * 3, max_session_seconds=300)
    results = run_together([lambda: start(token, name="Ada")] * 8)
    assert count_outcomes(results) == {StartedSession: 3, QuotaExceeded: 5}, results
    begun = [result.session for result in results if isinstance(result, StartedSession)]
    assert get_day(begun[0]).counted_micros == 3 * 5 * MINUTE
    ends = [lambda one=one: lifecycle.end_session(one.org_id, one.id, "visitor") for one in begun for _ in range(3)]  # type: ignore[misc]
    assert not [result for result in run_together(ends) if result is not None]
    found = get_day(begun[0])
    assert (found.uses, found.counted_micros) == (3, 0)
