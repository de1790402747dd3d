"""Runs every hour: counts the rows of law that are overdue for a review, and raises an alarm."""

from __future__ import annotations

from typing import Any

from switchboard import telemetry
from switchboard.compliance import amendment_service
from switchboard.compliance.data import review
from switchboard.kit import clock


def handler(_: dict[str, Any], context: Any) -> dict[str, int]:  # noqa: ARG001 EventBridge passes a context
    """Counts the rows with a review date in the past: rows of this release and rows that operators added."""
    today = clock.now().date()
    names = [due.what for due in review.list_overdue_items(today)] + [
        row.id for row in amendment_service.list_overdue_amendments(today)
    ]
    if names:
        telemetry.emit_metric("LawReviewOverdue", len(names))
        telemetry.logger().warning("rows of law are overdue for a review", extra={"rows": names})
    return {"overdue": len(names)}
