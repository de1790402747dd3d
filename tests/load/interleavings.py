"""Withdrawals against acceptance, claim and dial: a hundred thousand random interleavings, in which nobody may be
called.

The real services and workers, over tables in memory that fail, lose responses and kill processes (`tests.races`). A
failing seed is printed, and `python -m tests.races --seed N` shows its story.
"""

from __future__ import annotations

import time

from tests.load import report
from tests.races.many import run_on_all_cores

RUNS = 100_000
#: Seeds that the unit tests do not use.
_FIRST = 1_000_000


def measure() -> None:
    """Print counts of the runs, and each run that dialed a person who had withdrawn."""
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
            ("runs that dialed after a withdrawal, or failed otherwise", len(total.failed)),
        ],
    )
    for seed, problems in sorted(total.failed.items())[:20]:
        print(f"seed {seed}: {'; '.join(problems)}")
    report.at_least("interleavings of withdrawals", counts.runs, "runs", RUNS)
    report.at_most("interleavings that dialed after a withdrawal", len(total.failed), "runs", 0)
    report.without_target("interleavings", counts.runs / seconds, "runs/s")
