"""The daily job of an organization that subscribes: reads the subscription, and reports the use of the day before."""

from __future__ import annotations

from switchboard import telemetry
from switchboard.billing import subscriptions, use_reports
from switchboard.billing.jobs import ReportUse, work_origin
from switchboard.carriers.outcomes import OutcomeUnknownError, ThrottledError
from switchboard.carriers.payments import get_payments


def run_daily(job: ReportUse) -> None:
    """Reads the subscription again, in case a notification was lost, and reports the use of a day."""
    origin, payments = work_origin(job.org_id), get_payments(patient=True)
    try:
        subscriptions.sync_account(origin, payments)
    except (ThrottledError, OutcomeUnknownError):
        telemetry.emit_metric("PaymentsUnavailable")
        use_reports.put_off(job)
        return
    use_reports.report_day(origin, payments, job)
