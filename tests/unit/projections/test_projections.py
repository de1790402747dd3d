"""Projections: each event counts once, in any order, and what is cleared is made again by a replay."""

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
from tests.integration.sabotage import Sabotage, everything, work
from tests.unit.contacts.book import ADA, BOB, record_call

NAME = "number_history"
NAMES = ("Ada", "Ada King", None, "Ada Lovelace", None)


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


@pytest.fixture
def told(acme: Tenant, frozen: clock.FrozenClock) -> list[Event]:
    """The events of calls with two numbers, one of them of a test key, and the histories that they made."""
    found = []
    for name in NAMES:
        frozen.advance(seconds=1)
        found.append(record_call(acme, ADA, variables={"name": name} if name else {}))
        found.append(record_call(acme, BOB))
    return [*found, record_call(acme, ADA, simulated=True)]


def histories(acme: Tenant) -> list[CallHistory]:
    return history.list_histories(acme.org_id, None, 100)


def taken(acme: Tenant) -> int:
    return len(list(Query(table="core", partition=f"{acme.org_id}#projected#{NAME}").all()))


def replay(acme: Tenant) -> None:
    """As `switchboard events replay`, and the worker."""
    waiting = iter(events.events_between("2026-01-15T00:00:00.000Z", "2026-01-16T00:00:00.000Z", acme.org_id))
    while batch := list(islice(waiting, 100)):
        fanout.replay_events(batch)
    work("workers/projections")


def test_every_projection_is_fed_by_a_type_and_every_type_feeds_one_that_there_is() -> None:
    fed = {name for row in registry.TYPES.values() for name in row.projections}
    assert fed == set(projections.PROJECTIONS), "Name it in a row of switchboard/events/types, or remove it."


def test_calls_are_counted_with_their_latest_name(acme: Tenant, told: list[Event]) -> None:
    ada = next(one for one in histories(acme) if one.e164 == ADA)
    assert (ada.calls, ada.name, ada.last_call_at) == (len(NAMES), "Ada Lovelace", clock.now_iso())
    assert (ada.named_at, taken(acme)) == (told[6].at, 2 * len(NAMES))


@pytest.mark.parametrize("seed", range(5))
def test_repeats_and_another_order_change_nothing(acme: Tenant, told: list[Event], seed: int) -> None:
    before = histories(acme)
    projections.clear_projection(acme.org_id, NAME)
    chance = random.Random(seed)
    again = [*told, *chance.choices(told, k=10)]
    chance.shuffle(again)
    for event in again:
        projections.project_event(event)
    assert histories(acme) == before


def test_a_replay_makes_again_what_was_cleared_and_changes_nothing_else(acme: Tenant, told: list[Event]) -> None:
    other = tenant("other")
    record_call(other, ADA)
    before, others = histories(acme), histories(other)
    replay(acme)
    assert histories(acme) == before, "each event had been taken"
    assert projections.clear_projection(acme.org_id, NAME) == 2
    assert (histories(acme), taken(acme), histories(other)) == ([], 0, others)
    replay(acme)
    assert (histories(acme), histories(other)) == (before, others)
    assert all("projections" not in row.starts for row in registry.TYPES.values())


def test_a_clearing_that_is_stopped_anywhere_is_finished_by_the_next(acme: Tenant, told: list[Event]) -> None:
    before, saboteur = histories(acme), Sabotage()
    for done in range(12):
        with saboteur.killing(after=done):
            projections.clear_projection(acme.org_id, NAME)
        projections.clear_projection(acme.org_id, NAME)
        assert (histories(acme), taken(acme)) == ([], 0)
        replay(acme)
        assert histories(acme) == before


def between_reads(monkeypatch: pytest.MonkeyPatch, number: int, act: Callable[[], Any]) -> None:
    """Do something before the number-th request of what follows."""
    asked = iter(range(1_000))
    commit, get, read = writes._commit, reads.get_item, Query._read

    def noted(real: Any) -> Any:
        def run(*arguments: Any, **named: Any) -> Any:
            if next(asked) == number:
                monkeypatch.setattr(writes, "_commit", commit)
                monkeypatch.setattr(reads, "get_item", get)
                monkeypatch.setattr(Query, "_read", read)
                act()
            return real(*arguments, **named)

        return run

    monkeypatch.setattr(writes, "_commit", noted(commit))
    monkeypatch.setattr(reads, "get_item", noted(get))
    monkeypatch.setattr(Query, "_read", noted(read))


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("which", ["one that was taken", "a new one"])
def test_an_event_that_comes_while_its_subject_is_cleared_counts_once(
    acme: Tenant, told: list[Event], monkeypatch: pytest.MonkeyPatch, place: int, which: str
) -> None:
    before = histories(acme)
    waiting = told[-2]
    if which == "a new one":
        # As if its job had not come yet.
        projections.clear_projection(acme.org_id, NAME)
        for event in told[:-2]:
            projections.project_event(event)
    with monkeypatch.context() as patched:
        between_reads(patched, place, lambda: projections.project_event(waiting))
        subject = history.number_id(acme.org_id, BOB)
        retry_on_conflict(lambda: projections._remove_subject(projections.PROJECTIONS[NAME], acme.org_id, subject))
    replay(acme)
    for event in told:
        projections.project_event(event)
    assert histories(acme) == before


def test_a_call_that_was_erased_is_counted_no_more(acme: Tenant, told: list[Event]) -> None:
    projections.clear_projection(acme.org_id, NAME)
    writes.write_item(Delete(table="activity", key={"pk": f"{acme.org_id}#call#{told[0].subject.id}", "sk": "call"}))
    for event in told:
        projections.project_event(event)
    assert sum(one.calls for one in histories(acme)) == 2 * len(NAMES) - 1


def test_a_worker_that_is_killed_anywhere_counts_once(acme: Tenant, told: list[Event]) -> None:
    before, saboteur = histories(acme), Sabotage()
    projections.clear_projection(acme.org_id, NAME)
    for event in told:
        for done in range(5):
            fanout.replay_events([event])
            with saboteur.killing(after=done):
                work("workers/projections")
            work("workers/projections")
    assert histories(acme) == before


def test_an_event_without_a_projection_is_let_pass(acme: Tenant, told: list[Event]) -> None:
    before = everything("core")
    projections.project_event(told[0].model_copy(update={"type": "voice.call.ringing"}))
    projections.project_event(told[0].model_copy(update={"type": "voice.call.forgotten"}))
    assert everything("core") == before


def test_what_an_operator_clears_has_a_name(
    acme: Tenant, told: list[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(NotFound, match="choose one of number_history"):
        projections.clear_projection(acme.org_id, "nonsense")
    assert main(["projections", "clear", NAME, "--org", acme.org_id]) == 0
    assert "removed       2" in capsys.readouterr().out
    assert histories(acme) == []
