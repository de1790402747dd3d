"""`make chaos`: kills processes of a local stack while clients work. Fails if anything that was promised is lost.

A run prints its seed, which repeats its schedule of kills.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.chaos.kills import plan_kills
from tests.chaos.runs import run_chaos


def main() -> int:
    """Run. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="the number of kills")
    parser.add_argument("--seed", type=int, default=None, help="repeats a schedule")
    given = parser.parse_args()
    seed = random.randrange(2**32) if given.seed is None else given.seed
    with TemporaryDirectory() as folder:
        found = run_chaos(Path(folder) / "home", plan_kills(given.kills, seed), lambda line: print(line, flush=True))
    print(f"made {found.made}, answers {found.statuses}, webhooks {found.deliveries}, unsure {found.unsure}")
    print(f"all finished {found.settle_seconds} s after the last kill")
    for fault in found.faults:
        print(f"FAULT {fault}")
    print(f"Again: make chaos KILLS={given.kills} SEED={seed}")
    return 1 if found.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
