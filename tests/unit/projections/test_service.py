"""Projections: each event counts once, in any order, and a replay rebuilds what was cleared."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest

from switchboard.aws import reads, writes
from switchboard.aws.reads import Query
from switchboard.aws.writes import Delete
from switchboard.calls import history
from switchboard.calls.history import CallHistory
from switchboard.cli import main
from switchboard.errors import NotFound
from switchboard.events import registry
from switchboard.events import service as events
from switchboard.events.models import Event
from switchboard.fanout import service as fanout
from switchboard.kit import clock
from switchboard.persistence.optimistic import retry_on_conflict
from switchboard.projections import service as projections
from tests.actors import Tenant, tenant
from tests.integration.sabotage import Sabotage, run_worker, scan_items
from tests.unit.contacts.book import ADA, BOB, record_call

NAME = "number_history"
NAMES = ("Ada", "Ada King", None, "Ada Lovelace", None)


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


@pytest.fixture
def call_events(acme: Tenant, frozen: clock.FrozenClock) -> list[Event]:
    """The events of calls with two numbers, one of them of a test key, and the resulting histories."""
    found = []
    for name in NAMES:
        frozen.advance(seconds=1)
        found.append(record_call(acme, ADA, variables={"name": name} if name else {}))
        found.append(record_call(acme, BOB))
    return [*found, record_call(acme, ADA, simulated=True)]


def histories(acme: Tenant) -> list[CallHistory]:
    return history.list_histories(acme.org_id, None, 100)


def list_counted(acme: Tenant) -> int:
    return len(list(Query(table="core", partition=f"{acme.org_id}#projected#{NAME}").read_all()))


def replay_events(acme: Tenant) -> None:
    """Runs `switchboard events replay`, and the worker."""
    waiting = iter(events.events_between("2026-01-15T00:00:00.000Z", "2026-01-16T00:00:00.000Z", acme.org_id))
    while batch := list(islice(waiting, 100)):
        fanout.replay_events(batch)
    run_worker("workers/projections")


def test_projections_and_types_match() -> None:
    fed = {name for row in registry.TYPES.values() for name in row.projections}
    assert fed == set(projections.PROJECTIONS), "Name it in a row of switchboard/events/types, or remove it."


def test_calls_are_counted_with_their_latest_name(acme: Tenant, call_events: list[Event]) -> None:
    ada = next(one for one in histories(acme) if one.e164 == ADA)
    assert (ada.calls, ada.name, ada.last_call_at) == (len(NAMES), "Ada Lovelace", clock.now_iso())
    assert (ada.named_at, list_counted(acme)) == (call_events[6].at, 2 * len(NAMES))


@pytest.mark.parametrize("seed", range(5))
def test_repeats_and_another_order_change_nothing(acme: Tenant, call_events: list[Event], seed: int) -> None:
    before = histories(acme)
    projections.clear_projection(acme.org_id, NAME)
    chance = random.Random(seed)
    again = [*call_events, *chance.choices(call_events, k=10)]
    chance.shuffle(again)
    for event in again:
        projections.project_event(event)
    assert histories(acme) == before


def test_a_replay_rebuilds_cleared_subjects_and_changes_nothing_else(acme: Tenant, call_events: list[Event]) -> None:
    other = tenant("other")
    record_call(other, ADA)
    before, others = histories(acme), histories(other)
    replay_events(acme)
    assert histories(acme) == before, "each event was counted before"
    assert projections.clear_projection(acme.org_id, NAME) == 2
    assert (histories(acme), list_counted(acme), histories(other)) == ([], 0, others)
    replay_events(acme)
    assert (histories(acme), histories(other)) == (before, others)
    assert all("projections" not in row.starts for row in registry.TYPES.values())


def forget_applied_events(acme: Tenant) -> None:
    """Deletes the items whose time is over, as DynamoDB does."""
    for item in Query(table="core", partition=f"{acme.org_id}#projected#{NAME}").read_all():
        if item["expires"] <= clock.epoch():
            writes.write_item(Delete(table="core", key={"pk": item["pk"], "sk": item["sk"]}))


def test_applied_events_are_not_kept_for_ever_and_still_count_once(
    acme: Tenant, call_events: list[Event], frozen: clock.FrozenClock
) -> None:
    before = histories(acme)
    frozen.advance(days=36)
    forget_applied_events(acme)
    assert list_counted(acme) == 0
    replay_events(acme)
    assert histories(acme) == before, "the events are too old to be new"
    projections.clear_projection(acme.org_id, NAME)
    for _ in range(2):
        replay_events(acme)
        assert histories(acme) == before
    frozen.advance(days=36)
    forget_applied_events(acme)
    replay_events(acme)
    assert histories(acme) == before, "the time to build it again is over"
    projections.clear_projection(acme.org_id, NAME)
    assert histories(acme) == [], "subjects are found without their events"


def test_a_late_event_counts_within_its_time(acme: Tenant, call_events: list[Event], frozen: clock.FrozenClock) -> None:
    before = histories(acme)
    for event in call_events:
        for item in Query(table="core", partition=f"{acme.org_id}#projected#{NAME}").read_all():
            if str(item["sk"]).endswith(event.id):
                writes.write_item(Delete(table="core", key={"pk": item["pk"], "sk": item["sk"]}))
    frozen.advance(days=29)
    projections.project_event(call_events[0])
    assert sum(one.calls for one in histories(acme)) == sum(one.calls for one in before) + 1


def test_a_killed_clearing_is_finished_by_the_next(acme: Tenant, call_events: list[Event]) -> None:
    before, saboteur = histories(acme), Sabotage()
    for done in range(12):
        with saboteur.killing(after=done):
            projections.clear_projection(acme.org_id, NAME)
        projections.clear_projection(acme.org_id, NAME)
        assert (histories(acme), list_counted(acme)) == ([], 0)
        replay_events(acme)
        assert histories(acme) == before


def between_reads(monkeypatch: pytest.MonkeyPatch, number: int, act: Callable[[], Any]) -> None:
    """Run an action before the given request of the block."""
    asked = iter(range(1_000))
    commit, get, read = writes._commit, reads.get_item, Query._send_query

    def noted(real: Any) -> Any:
        def run(*arguments: Any, **named: Any) -> Any:
            if next(asked) == number:
                monkeypatch.setattr(writes, "_commit", commit)
                monkeypatch.setattr(reads, "get_item", get)
                monkeypatch.setattr(Query, "_send_query", read)
                act()
            return real(*arguments, **named)

        return run

    monkeypatch.setattr(writes, "_commit", noted(commit))
    monkeypatch.setattr(reads, "get_item", noted(get))
    monkeypatch.setattr(Query, "_send_query", noted(read))


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("which", ["one that was taken", "a new one"])
def test_an_event_that_comes_while_its_subject_is_cleared_counts_once(
    acme: Tenant, call_events: list[Event], monkeypatch: pytest.MonkeyPatch, place: int, which: str
) -> None:
    before = histories(acme)
    waiting = call_events[-2]
    if which == "a new one":
        # As if its job had not arrived yet.
        projections.clear_projection(acme.org_id, NAME)
        for event in call_events[:-2]:
            projections.project_event(event)
    with monkeypatch.context() as patched:
        between_reads(patched, place, lambda: projections.project_event(waiting))
        subject = history.number_id(acme.org_id, BOB)
        retry_on_conflict(lambda: projections._remove_subject(projections.PROJECTIONS[NAME], acme.org_id, subject))
    replay_events(acme)
    for event in call_events:
        projections.project_event(event)
    assert histories(acme) == before


def test_an_erased_call_is_not_counted(acme: Tenant, call_events: list[Event]) -> None:
    projections.clear_projection(acme.org_id, NAME)
    writes.write_item(
        Delete(table="activity", key={"pk": f"{acme.org_id}#call#{call_events[0].subject.id}", "sk": "call"})
    )
    for event in call_events:
        projections.project_event(event)
    assert sum(one.calls for one in histories(acme)) == 2 * len(NAMES) - 1


def test_a_worker_killed_anywhere_counts_once(acme: Tenant, call_events: list[Event]) -> None:
    before, saboteur = histories(acme), Sabotage()
    projections.clear_projection(acme.org_id, NAME)
    for event in call_events:
        for done in range(5):
            fanout.replay_events([event])
            with saboteur.killing(after=done):
                run_worker("workers/projections")
            run_worker("workers/projections")
    assert histories(acme) == before


def test_an_event_without_a_projection_is_ignored(acme: Tenant, call_events: list[Event]) -> None:
    before = scan_items("core")
    projections.project_event(call_events[0].model_copy(update={"type": "voice.call.ringing"}))
    projections.project_event(call_events[0].model_copy(update={"type": "voice.call.forgotten"}))
    assert scan_items("core") == before


def test_an_operator_can_clear_known_projections_only(
    acme: Tenant, call_events: list[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(NotFound, match="choose one of number_history"):
        projections.clear_projection(acme.org_id, "nonsense")
    assert main(["projections", "clear", NAME, "--org", acme.org_id]) == 0
    assert "removed       2" in capsys.readouterr().out
    assert histories(acme) == []
