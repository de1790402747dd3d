"""Runs every hour: counts the rows of law that are overdue for a review, and raises an alarm."""

from __future__ import annotations

from typing import Any

from switchboard import telemetry
from switchboard.aws import clock
from switchboard.compliance import amending
from switchboard.compliance.data import review


def handler(_: dict[str, Any], context: Any) -> dict[str, int]:  # noqa: ARG001 EventBridge passes a context
    """Count the rows with a review date in the past: rows of this release and rows that operators added."""
    today = clock.now().date()
    names = [due.what for due in review.overdue(today)] + [row.id for row in amending.overdue(today)]
    if names:
        telemetry.metric("LawReviewOverdue", len(names))
        telemetry.logger().warning("rows of law are overdue for a review", extra={"rows": names})
    return {"overdue": len(names)}
