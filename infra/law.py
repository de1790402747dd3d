"""Checks for rows of law with an overdue review: `make lint` runs `python -m infra.law`."""

from __future__ import annotations

import sys

from switchboard.compliance.data import review
from switchboard.kit import clock


def main() -> int:
    """Print the overdue rows. Returns 1 if there are any."""
    found = review.list_overdue_items(clock.now().date())
    for due in found:
        print(f"{due.what}: its review was due by {due.review_by} ({due.source})", file=sys.stderr)
    if found:
        print("Check these rules again, and set their review_by in switchboard/compliance/data.", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
