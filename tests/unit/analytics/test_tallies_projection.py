"""The worker counts each call once: if it is killed, if jobs overlap, and beyond the limits of names."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from switchboard.analytics import facts, models, service, store
from switchboard.analytics.models import RangeFigures
from switchboard.aws.reads import Query
from switchboard.calls.models import CallerMessageState, State
from switchboard.carriers.voice.ports.reports import EndReason
from switchboard.cli import main
from switchboard.events import registry
from switchboard.events import service as events
from switchboard.fanout import service as fanout
from switchboard.kit import clock
from switchboard.persistence.optimistic import retry_on_conflict
from switchboard.projections import service as projections
from tests import memory_cloud
from tests.actors import Tenant, tenant
from tests.integration.sabotage import Sabotage, run_worker
from tests.unit.analytics.ledger import change_call, count_call, event_of, organization, store_call, talk
from tests.unit.analytics.written import PARTITION_UNITS, count_units
from tests.unit.contacts.book import ADA, record_call

NAME = "call_tallies"


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


def figures(org_id: str) -> RangeFigures:
    return service.get_analytics(organization().model_copy(update={"id": org_id}), 30, None, None)


def list_tallies(org_id: str) -> dict[str, Counter[str]]:
    """Return all tallies of an organization, without counters that are zero."""
    found = {
        item["sk"]: store.read_tally(item)
        for item in Query(table="core", partition=f"{org_id}#tallies").read_all()
        if item["sk"] != "names"
    }
    return {period: +tally for period, tally in found.items() if +tally}


def sum_facts(org_id: str) -> dict[str, Counter[str]]:
    """Return what the tallies of an organization must be: the sum of its facts."""
    found: dict[str, Counter[str]] = {}
    for fact in store.list_facts(org_id, clock.parse("2000-01-01T00:00:00Z"), clock.parse("2199-01-01T00:00:00Z")):
        for key, counts in facts.tallies_of(fact).items():
            if key.flow_id is None:
                found.setdefault(store.tally_ref(org_id, key).key["sk"], Counter()).update(counts)
    return {period: +tally for period, tally in found.items() if +tally}


def test_each_change_of_a_call_is_counted_instead_of_the_one_before(acme: Tenant) -> None:
    call = store_call(acme.org_id, clock.now(), direction="INBOUND")
    seen = []
    for change in (
        {},
        {"state": State.ACTIVE, "answered_at": clock.now_iso()},
        talk(61),
        {"outcome": "success"},
        {"duration_seconds": 90},
        {"voicemail": CallerMessageState.RECORDED},
        {"end_reason": EndReason.VOICEMAIL},
    ):
        call = change_call(call, **change)
        count_call(call)
        count_call(call)
        found = figures(acme.org_id)
        seen.append((*found.totals, found.outcomes))
    none: dict[str, int] = {}
    assert seen == [
        (1, 1, 0, 0, 0, 0, 0, none),
        (1, 1, 1, 0, 0, 0, 0, none),
        (1, 1, 1, 0, 0, 1, 61, none),
        (1, 1, 1, 0, 0, 1, 61, {"success": 1}),
        (1, 1, 1, 0, 0, 1, 90, {"success": 1}),
        (1, 1, 1, 1, 0, 1, 90, {"success": 1}),
        (1, 1, 0, 1, 0, 0, 0, {"success": 1}),
    ]


def test_an_answer_without_a_length_after_a_supposed_end_counts_when_the_length_comes(acme: Tenant) -> None:
    call = store_call(acme.org_id, clock.now(), state=State.FAILED, answered_at=clock.now_iso(), duration_seconds=0)
    count_call(call)
    assert figures(acme.org_id).totals.answered == 0
    count_call(change_call(call, duration_seconds=12))
    assert figures(acme.org_id).totals[2:] == (1, 0, 0, 1, 12)


def test_the_mood_of_a_talk_is_counted_with_its_summary(acme: Tenant) -> None:
    call = store_call(acme.org_id, clock.now(), **talk(60))
    count_call(call)
    for mood in ("positive", "mixed", "confused"):
        call = change_call(call, sentiment=mood)
        count_call(call)
        wanted = {mood: 1} if mood in models.SENTIMENTS else {}
        assert figures(acme.org_id).sentiments == wanted


def test_a_replay_of_events_rebuilds_what_was_cleared(acme: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        record_call(acme, ADA)
    record_call(acme, ADA, simulated=True)
    before = figures(acme.org_id)
    assert before.totals.calls == 3
    assert main(["projections", "clear", NAME, "--org", acme.org_id]) == 0
    assert "removed       3" in capsys.readouterr().out
    assert figures(acme.org_id).totals.calls == 0
    for _ in range(2):
        fanout.replay_events(
            list(events.events_between("2026-01-15T00:00:00.000Z", "2026-01-16T00:00:00.000Z", acme.org_id))
        )
        run_worker("workers/projections")
        assert figures(acme.org_id) == before


def test_a_worker_killed_anywhere_counts_once(acme: Tenant) -> None:
    call, saboteur = store_call(acme.org_id, clock.now()), Sabotage()
    for place, change in enumerate(({}, talk(61), {"outcome": "success"}, {"duration_seconds": 90})):
        call = change_call(call, **change)
        for done in range(5):
            fanout.replay_events([event_of(call)])
            with saboteur.killing(after=done):
                run_worker("workers/projections")
            run_worker("workers/projections")
            assert list_tallies(acme.org_id) == sum_facts(acme.org_id), f"change {place}, killed after {done} calls"
    assert figures(acme.org_id).totals.seconds == 90


def test_a_late_read_of_a_call_never_replaces_a_later_one(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    call = store_call(acme.org_id, clock.now())
    count_call(call)
    later = change_call(call, **talk(61))
    before = store.fact_ref
    waiting = [later]

    def overtaken(org_id: str, place: str) -> Any:
        # Another worker changes and counts the call after this one has read it.
        if waiting:
            count_call(change_call(waiting.pop(), duration_seconds=75))
        return before(org_id, place)

    monkeypatch.setattr(store, "fact_ref", overtaken)
    retry_on_conflict(lambda: projections.project_event(event_of(later)))
    assert not waiting
    assert figures(acme.org_id).totals.seconds == 75
    assert list_tallies(acme.org_id) == sum_facts(acme.org_id)


def test_names_beyond_the_limits_share_a_line(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "MAX_FLOWS", 2)
    monkeypatch.setattr(facts, "MAX_OUTCOMES", 1)
    for place in range(4):
        flow_id = f"0d0c5e5e-0000-4000-8000-00000000000{place}"
        count_call(store_call(acme.org_id, clock.now(), flow_id=flow_id, outcome=f"outcome {place}", **talk(60)))
    found = figures(acme.org_id)
    assert found.outcomes == {"other": 3, "outcome 0": 1}
    assert [(line.flow_id and line.flow_id[-1], line.figures.calls) for line in found.flows] == [
        (None, 2),
        ("0", 1),
        ("1", 1),
    ]
    assert found.totals.calls == 4


def test_an_event_costs_the_same_with_one_flow_and_with_five_hundred() -> None:
    few, many = count_units(1), count_units(models.MAX_FLOWS)
    assert sum(many.values()) <= 2 * sum(few.values())
    assert PARTITION_UNITS / max(many.values()) >= 80, "the events of a second that one partition takes"


def test_workers_at_once_lose_no_call() -> None:
    with memory_cloud.use_memory_tables():
        org = organization()
        start = clock.now() - timedelta(hours=1)
        calls = [store_call(org.id, start + timedelta(seconds=place)) for place in range(60)]

        def work(mine: list[Any]) -> None:
            for call in mine:
                count_call(call)
                count_call(change_call(call, **talk(30)))

        def count_all(mine: list[Any]) -> None:
            for call in mine:
                count_call(call)

        # Two workers get the jobs of each call: one of them late, and the other twice.
        threads = [threading.Thread(target=work, args=(calls[place::4],)) for place in range(4)]
        threads += [threading.Thread(target=count_all, args=(calls[place::2],)) for place in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for call in calls:
            count_call(call)
        found = service.get_analytics(org, 2, None, None)
        assert (found.totals.calls, found.totals.talks, found.totals.seconds) == (60, 60, 1_800)
        assert list_tallies(org.id) == sum_facts(org.id)


def test_all_events_that_change_what_is_counted_feed_the_projection() -> None:
    fed = {row.name.removeprefix("voice.call.") for row in registry.TYPES.values() if NAME in row.projections}
    ends = {state.value for state in (State.COMPLETED, State.BUSY, State.NO_ANSWER, State.FAILED, State.CANCELED)}
    assert fed >= ends | {"created", "answered", "ending", "analyzed", "machine", "transferred", "corrected"}
