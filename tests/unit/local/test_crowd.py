"""`make seed` writes what the services and the projections write: a small crowd, once in bulk and once from events."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from infra.local.crowd import messages, past, year
from infra.local.crowd.past import Line
from switchboard.aws.dynamodb import Item, encode_item
from switchboard.calls.bulk import BulkCall
from switchboard.calls.models import FINAL_STATES, Call, CallerMessageState
from switchboard.carriers.voice.ports.reports import EndReason
from switchboard.events.models import Event, Subject
from switchboard.kit import clock, ids, settings
from switchboard.projections import service as projections
from switchboard.voicemails.models import Voicemail
from tests import memory_cloud
from tests.actors import system
from tests.conftest import ROOT

_CALLS, _HOLDERS = 400, 60
_FLOWS = ("0d0c5e5e-0000-4000-8000-000000000001", "0d0c5e5e-0000-4000-8000-000000000002")
_LINES = (Line("+14155550100", "num_1", *_FLOWS), Line("+14155550101", "num_2", *_FLOWS))
_ORG = "org_crowd"


def _call_events(one: BulkCall) -> Iterable[Event]:
    """The events that a projection needs of a call's life."""
    call = one.call
    kinds = ["voice.call.created"]
    if call.direction == "INBOUND":
        kinds = ["voice.call.rejected" if call.end_reason is EndReason.BLOCKED else "voice.call.received"]
    kinds += [f"voice.call.{call.state.value}"] + (["voice.call.summarized"] if one.summary else [])
    return [_event(call, "call", kind) for kind in kinds]


def _event(thing: Call | Voicemail, noun: str, kind: str) -> Event:
    return Event(
        id=ids.new_id("evt"),
        org_id=thing.org_id,
        type=kind,
        at=thing.updated_at,
        actor=system(thing.org_id).actor,
        correlation_id=thing.correlation_id,
        subject=Subject(type=noun, id=thing.id, version=thing.version),
        data={},
    )


def _write(tables: memory_cloud.Tables, items: Iterable[tuple[str, Item]]) -> None:
    for name, item in items:
        encoded = encode_item(item)
        before = tables.items[settings.table_name(name)].setdefault(item["pk"], {}).setdefault(item["sk"], encoded)
        assert before == encoded, f"two items of the bulk load have the key {item['pk']} {item['sk']}"


def _core(tables: memory_cloud.Tables) -> dict[tuple[str, str], Any]:
    found = {
        (pk, sk): dict(item)
        for pk, partition in tables.items[settings.table_name("core")].items()
        for sk, item in partition.items()
        if pk.startswith(_ORG) and "#projected#" not in pk and not pk.endswith("#projections")
    }
    # The projections add the names one by one, and count each change.
    found[f"{_ORG}#tallies", "names"].pop("version")
    return found


def test_a_bulk_load_writes_what_the_projections_write_from_events(frozen: clock.FrozenClock) -> None:
    del frozen
    with memory_cloud.use_memory_tables() as loaded:
        _write(loaded, past.call_items(_ORG, _CALLS, _HOLDERS, _LINES))
        bulk = _core(loaded)
    with memory_cloud.use_memory_tables() as projected:
        calls = list(past.make_calls(_ORG, _CALLS, _HOLDERS, _LINES))
        items = list(past.call_items(_ORG, _CALLS, _HOLDERS, _LINES))
        _write(projected, (one for one in items if one[0] == "activity"))
        for name in projections.PROJECTIONS:
            # Only a replay after a clearing counts events of a year.
            projections.clear_projection(_ORG, name)
        for one in calls:
            for event in _call_events(one):
                projections.project_event(event)
        for made in messages.make_voicemails((one.call for one in calls), past.NOBODY):
            projections.project_event(_event(made.voicemail, "voicemail", "voicemail.received"))
        by_events = _core(projected)
    assert any(pk == f"{_ORG}#inbox#voicemails" for pk, _ in bulk), "the voicemails are compared, too"
    # People's tags are no projection: the commit that adds a tag counts it.
    tags = {key: bulk.pop(key) for key in list(bulk) if key[0] == f"{_ORG}#call-tags"}
    assert {key: item for key, item in bulk.items() if by_events.get(key) != item} == {}
    assert by_events.keys() == bulk.keys()
    assert sum(int(item["calls"]["N"]) for item in tags.values()) == sum(len(one.call.tags) for one in calls)


def test_a_year_of_calls_is_over_and_believable(frozen: clock.FrozenClock) -> None:
    del frozen
    made = list(past.make_calls(_ORG, 4_000, 800, _LINES))
    calls = [one.call for one in made]
    assert {call.state for call in calls} <= FINAL_STATES
    assert len({call.id for call in calls}) == len(calls)
    assert [call.created_at for call in calls] == sorted(call.created_at for call in calls)
    assert all((call.ended_at or "") < clock.now_iso() for call in calls)
    assert sum(bool(one.turns) for one in made) == len(made) // 100
    assert all(one.call.duration_seconds and one.summary for one in made if one.turns)
    assert sum(call.voicemail is CallerMessageState.RECORDED for call in calls) == len(made) // 20
    working = sum(year.is_working_time(clock.parse(call.created_at)) for call in calls)
    assert 0.75 < working / len(calls) < 0.95
    inward = sum(call.direction == "INBOUND" for call in calls)
    assert 0.35 < inward / len(calls) < 0.5
    months = {call.created_at[:7] for call in calls}
    assert len(months) >= 12
    answered = sum(call.answered_at is not None for call in calls)
    assert 0.6 < answered / len(calls) < 0.95


@pytest.mark.parametrize("how_many", [0, 1, 50])
def test_any_number_of_calls_can_be_made(frozen: clock.FrozenClock, how_many: int) -> None:
    del frozen
    assert len(list(past.make_calls(_ORG, how_many, 10, _LINES))) == how_many


@pytest.mark.parametrize("program", ["infra.local", "infra.local.crowd"])
@pytest.mark.parametrize(("given", "code", "said"), [("--help", 0, "usage: python -m"), ("--count", 2, "--count")])
def test_a_program_of_the_stack_does_nothing_for_an_unknown_argument(
    program: str, given: str, code: int, said: str, tmp_path: Path
) -> None:
    """Without a stack the first thing that the programs would do fails or writes to the folder."""
    ended = subprocess.run(
        [sys.executable, "-m", program, given],
        env=os.environ | {"SWITCHBOARD_HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, list(tmp_path.iterdir())) == (code, [])
    assert said in ended.stdout + ended.stderr
