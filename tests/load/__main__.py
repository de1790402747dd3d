"""`python -m tests.load`: all the measurements, or some with `--only`, and a summary."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import subprocess
import time
from pathlib import Path

from tests.load import report
from tests.load.sizes import SIZES

_PARTS = (
    *("fanout", "timers", "notices", "limiter", "pipeline", "sender", "units"),
    *(
        "cold",
        "warm",
        "dynamo",
        "lanes",
        "lists",
        "call_lists",
        "outbound",
        "analytics",
        "busy_tallies",
        "gate",
        "sse",
        "webhooks",
        "redeem",
    ),
    *("refusing", "interleavings", "hops", "sms"),
)


def main() -> None:
    """Measure and print. Times are for reading only: no check depends on them. Missed limits of requests fail."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--only", choices=_PARTS, action="append", help="one part; may be given several times")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the summary's figures to a file")
    for name, text in (("scheduled_texts", "scheduled texts of sms"), ("opt_outs", "opt-outs of sms")):
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=int, metavar="N", default=getattr(SIZES, name), help=f"number of {text}"
        )
    given = parser.parse_args()
    SIZES.scheduled_texts, SIZES.opt_outs = given.scheduled_texts, given.opt_outs
    busy = os.getloadavg()[0]
    print(
        f"Python {platform.python_version()} on {platform.machine()}, {os.cpu_count()} cores, load average {busy:.1f}"
    )
    if busy > 1:
        print("The machine is busy: figures of time are noise in part. Measure again when it is quiet.")
    for part in given.only or _PARTS:
        began = time.monotonic()
        importlib.import_module(f"tests.load.{part}").measure()
        print(f"\n({part}: {time.monotonic() - began:.0f} s, load average now {os.getloadavg()[0]:.1f})", flush=True)
    report.summary()
    if given.save:
        report.save(given.save, _commit())
    if missed := report.missed():
        raise SystemExit(f"These limits must hold on every machine, and do not: {'; '.join(missed)}")


def _commit() -> str:
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


if __name__ == "__main__":
    main()
