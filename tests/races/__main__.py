"""`python -m tests.races --seed 7` prints the steps of one run; `--runs 10000` runs many on all cores."""

from __future__ import annotations

import argparse
import sys

from tests.races.many import run_on_all_cores
from tests.races.run import Total, run


def main() -> int:
    """Run, print, and return 1 if a run showed a problem."""
    parser = argparse.ArgumentParser(prog="python -m tests.races", description=__doc__)
    parser.add_argument("--seed", type=int, help="one run, told step by step")
    parser.add_argument("--runs", type=int, default=10_000, help="how many runs")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="the seed of the first of them")
    given = parser.parse_args()
    total = Total()
    if given.seed is None:
        total = run_on_all_cores(given.first, given.runs)
    else:
        total.add(run(given.seed, print))
    print(total.counts)
    for seed, problems in sorted(total.failed.items()):
        print(f"seed {seed}: {'; '.join(problems)}")
    print(f"{len(total.failed)} of {total.counts.runs} runs failed")
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
