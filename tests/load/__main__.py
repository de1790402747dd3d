"""`python -m tests.load`: all the measurements, or one with `--only`."""

from __future__ import annotations

import argparse
import importlib
import os
import platform

_PARTS = ("cold", "warm", "dynamo", "lists", "gate", "limiter", "sse", "webhooks", "pipeline", "redeem")


def main() -> None:
    """Measure and print. Times are for reading: nothing fails by them."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--only", choices=_PARTS)
    only = parser.parse_args().only
    busy = os.getloadavg()[0]
    print(
        f"Python {platform.python_version()} on {platform.machine()}, {os.cpu_count()} cores, load average {busy:.1f}"
    )
    if busy > 1:
        print("The machine is busy: what follows is noise in part. Measure again when it is quiet.")
    for part in [only] if only else _PARTS:
        importlib.import_module(f"tests.load.{part}").measure()


if __name__ == "__main__":
    main()
