"""Withdrawals against acceptance, claim and dial: a hundred thousand random interleavings, none of which may dial.

The services and workers as they are, over tables in memory that fail, lose answers and kill processes
(`tests.races`). A seed that fails is printed, and `python -m tests.races --seed N` tells its story.
"""

from __future__ import annotations

import time

from tests.load import report
from tests.races.many import run_on_all_cores

RUNS = 100_000
#: Other seeds than the unit tests have.
_FIRST = 1_000_000


def measure() -> None:
    """Print what the runs met, and each that showed somebody dialled who may not be."""
    began = time.perf_counter()
    total = run_on_all_cores(_FIRST, RUNS)
    seconds, counts = time.perf_counter() - began, total.counts
    kinds = ", ".join(f"{name} {number:,}" for name, number in sorted(counts.kinds.items()))
    report.table(
        f"Interleavings: {counts.runs:,} random ones of withdrawals with accept, claim, dial and send, in"
        f" {seconds:.0f} s\n(withdrawals that were committed: {kinds})",
        ("", "number"),
        [
            ("calls and mails accepted", f"{counts.accepted:,}"),
            ("claims", f"{counts.claims:,}"),
            ("withdrawals of what waited for its claim", f"{counts.before:,}"),
            ("withdrawals of what was claimed", f"{counts.after:,}"),
            ("calls and mails stopped", f"{counts.stopped:,}"),
            ("calls and mails with a carrier", f"{counts.taken:,}"),
            ("runs that dialled after a withdrawal, or went wrong otherwise", len(total.failed)),
        ],
    )
    for seed, problems in sorted(total.failed.items())[:20]:
        print(f"seed {seed}: {'; '.join(problems)}")
    report.at_least("interleavings of withdrawals", counts.runs, "runs", RUNS)
    report.at_most("interleavings that dialled after a withdrawal", len(total.failed), "runs", 0)
    report.noted("interleavings", counts.runs / seconds, "runs/s")
