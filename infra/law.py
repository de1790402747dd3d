"""Whether any row of law should have been looked up again: `make lint` runs `python -m infra.law`."""

from __future__ import annotations

import sys

from switchboard.aws import clock
from switchboard.compliance.data import review


def main() -> int:
    """Print what is overdue. Answers 1 if anything is."""
    found = review.overdue(clock.now().date())
    for due in found:
        print(f"{due.what}: was to be looked up again by {due.review_by} ({due.source})", file=sys.stderr)
    if found:
        print("Look them up, and set their review_by in switchboard/compliance/data.", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
