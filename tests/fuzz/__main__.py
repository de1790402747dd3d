"""Generated requests over the four documents, against a stack of their own. Fails if a promise is broken.

A run ends with the seed, which repeats its requests. A fault is told with a curl line, as soon as its API is done. The
folder build/fuzz keeps the latest report of each API, also of a run that was stopped.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from infra import openapi
from tests.conftest import ROOT, Stack, stack_in
from tests.fuzz.runs import PHASES, Outcome, fuzz

#: The phase of coverage has some thousand cases by itself.
_CASES_PER_EXAMPLE = 1_000
REPORTS = ROOT / "build" / "fuzz"
#: The phases that find other cases with another seed.
_AGAIN = ("fuzzing", "stateful")


def main() -> int:
    """Run until enough cases were sent. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000, help="the least number of requests")
    parser.add_argument("--seed", type=int, default=None, help="repeats a run")
    parser.add_argument("--api", choices=[*openapi.DESCRIPTIONS], action="append", help="one API; may be repeated")
    parser.add_argument("--paths", default="", help="a regular expression: only paths with a match")
    parser.add_argument("--hold", action="store_true", help="let the stack run after a fault, until Ctrl-C")
    given = parser.parse_args()
    seed = random.randrange(2**32) if given.seed is None else given.seed
    with TemporaryDirectory() as folder, stack_in(Path(folder)) as stack:
        outcomes = _run(stack, given.api or [*openapi.DESCRIPTIONS], given.cases, seed, given.paths)
        faults = [outcome for outcome in outcomes if outcome.faults]
        total = sum(outcome.cases for outcome in outcomes)
        print(f"\n{total:,} cases, {len(faults)} runs with faults")
        print(f"Again: make fuzz SEED={seed} CASES={given.cases}")
        if faults and given.hold:
            _hold(stack)
    return 1 if faults else 0


def _run(stack: Stack, apis: list[str], cases: int, seed: int, paths: str) -> list[Outcome]:
    examples = max(1, cases // _CASES_PER_EXAMPLE)
    outcomes: list[Outcome] = []
    phases = PHASES
    REPORTS.mkdir(parents=True, exist_ok=True)
    while sum(outcome.cases for outcome in outcomes) < cases:
        for api in apis:
            began = time.monotonic()
            outcome = fuzz(
                api, stack.url, stack.home, REPORTS, seed=seed, examples=examples, phases=phases, paths=paths
            )
            outcomes.append(outcome)
            _tell(outcome, time.monotonic() - began)
        if any(outcome.faults for outcome in outcomes):
            break
        phases, seed, examples = _AGAIN, seed + 1, examples * 2
    return outcomes


def _tell(outcome: Outcome, seconds: float) -> None:
    phases = ", ".join(f"{number:,} of {phase}" for phase, number in outcome.phases.items())
    statuses = ", ".join(f"{number:,} of {status}" for status, number in sorted(outcome.statuses.items()))
    end = f"FAULTS:\n{outcome.faults}" if outcome.faults else "no fault"
    print(f"{outcome.api}: {outcome.cases:,} cases in {seconds:.0f} s ({phases}; {statuses}), {end}", flush=True)


def _hold(stack: Stack) -> None:
    print(f"The stack runs at {stack.url} until Ctrl-C.", flush=True)
    try:
        stack.process.wait()
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    sys.exit(main())
