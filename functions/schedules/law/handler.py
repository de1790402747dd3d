"""Every hour: rows of law that should have been looked up again are counted, for an alarm."""

from __future__ import annotations

from typing import Any

from switchboard import telemetry
from switchboard.aws import clock
from switchboard.compliance import amending
from switchboard.compliance.data import review


def handler(_: dict[str, Any], context: Any) -> dict[str, int]:  # noqa: ARG001 EventBridge passes it
    """Count the rows whose review date has passed: those of this release, and those that operators added."""
    today = clock.now().date()
    names = [due.what for due in review.overdue(today)] + [row.id for row in amending.overdue(today)]
    if names:
        telemetry.metric("LawReviewOverdue", len(names))
        telemetry.logger().warning("rows of law are overdue for a review", extra={"rows": names})
    return {"overdue": len(names)}
