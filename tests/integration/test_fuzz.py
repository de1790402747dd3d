"""A short run of generated requests: each operation gets some. `make fuzz` sends ten thousand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Stack
from tests.contract.every import SPECS
from tests.fuzz.runs import fuzz

#: Any number repeats the same cases.
SEED = 20_260_101
#: Without coverage, which sends thousands.
PHASES = ("examples", "fuzzing", "stateful")


@pytest.mark.parametrize("api", SPECS)
def test_generated_requests_find_no_broken_promise(stack: Stack, tmp_path: Path, api: str) -> None:
    # An API with few operations gets more, so that chance alone does not choose bad ones.
    examples = max(1, 20 // len(SPECS[api].operations))
    outcome = fuzz(api, stack.url, stack.home, tmp_path, seed=SEED, examples=examples, phases=PHASES, shrink=False)
    assert not outcome.faults, outcome.faults
    missing = SPECS[api].operations.keys() - outcome.answers.keys()
    assert not missing, f"no request was sent to {sorted(missing)}"
    assert sum(outcome.statuses[status] for status in outcome.statuses if status < 400) > len(outcome.answers) / 2


def test_a_run_that_cannot_start_says_why(tmp_path: Path) -> None:
    outcome = fuzz("opticomm", "http://127.0.0.1:9", tmp_path, tmp_path, seed=SEED, examples=1)
    assert outcome.cases == 0
    assert "environ.json" in outcome.faults
