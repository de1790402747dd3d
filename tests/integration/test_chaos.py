"""Kills of any process lose nothing that was answered 2xx. `make chaos` is the long form."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local import dynoxide
from tests.chaos.kills import PARTS, plan_kills
from tests.chaos.runs import run_chaos

#: The first four kills of this seed are of a worker of each kind, the AWS engine and the whole stack.
_SEED = 22
_KILLS = 4


def test_a_seed_repeats_its_kills_and_leaves_no_part_out() -> None:
    kills = plan_kills(20, seed=7)
    assert kills == plan_kills(20, seed=7) != plan_kills(20, seed=8)
    assert {kill.part for kill in kills[: len(PARTS)]} == set(PARTS)


@pytest.mark.thorough
@pytest.mark.skipif(not Path("/proc").exists(), reason="processes are found through /proc")
@pytest.mark.skipif(not dynoxide.has_build(), reason="tables in the AWS engine return to the last save after a kill")
def test_nothing_that_was_answered_2xx_is_lost_when_processes_are_killed(tmp_path: Path) -> None:
    kills = plan_kills(_KILLS, _SEED)
    assert {kill.part for kill in kills} == {"API worker", "background worker", "AWS engine", "stack"}
    told: list[str] = []

    found = run_chaos(tmp_path / "home", kills, told.append)

    assert not found.faults, "\n".join([*told, *found.faults])
    assert all(found.made.values()), found.made
