"""Stores the reports of a day before they are sent. `due_units` says which units are due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from switchboard import telemetry
from switchboard.accounts import organizations
from switchboard.aws.writes import commit
from switchboard.billing import catalog, due_units, paid_months, store
from switchboard.billing.due_units import MonthUse
from switchboard.billing.models import CREDITED, RESERVED, BillingAccount, UseReport, month_before
from switchboard.kit import clock
from switchboard.persistence.optimistic import retry_on_conflict
from switchboard.usage import service as usage


def reserve_reports(account: BillingAccount, day: str) -> list[UseReport]:
    """Returns the reports of a day. Stores them if this is the first run, so that a later run has the same units."""
    org_id, month = account.org_id, day[:7]
    earlier_month = month_before(month)

    def attempt() -> list[UseReport]:
        reports = store.list_use_reports(org_id, month)
        known = [report for report in reports if report.day == day]
        if any(report.day >= day for report in reports):
            return known
        reports += store.list_use_reports(org_id, earlier_month)
        use, earlier = _use_of_month(account, month), None
        if paid_months.was_billed(account, earlier_month):
            earlier = _use_of_month(account, earlier_month)
        now = clock.now_iso()
        made = [
            UseReport(
                org_id=org_id,
                day=day,
                meter=due.meter.value,
                units=due.units,
                kind=due.kind,
                state=CREDITED if due.kind == "credit" else RESERVED,
                reserved_at=now,
            )
            for due in due_units.decide_due_units(use, earlier, reports)
        ]
        if made:
            commit([store.use_report_write(report) for report in made])
        if following_day(date.fromisoformat(day)).day == 1:
            _tell_lost_credit(org_id, earlier, [*reports, *made])
        return made

    return retry_on_conflict(attempt) or []


def _use_of_month(account: BillingAccount, month: str) -> MonthUse:
    units = usage.get_monthly_usage(account.org_id, month).units
    plans = paid_months.plans_of_month(account, month)
    if plans:
        least, most = (paid_months.included_in_month(account, month, some) for some in (plans[:1], plans))
    else:
        # The month was paid before plans were remembered, or with a price that no plan has.
        plan = account.last_use.plan if account.last_use else account.plan
        least = most = catalog.included_in(plan or organizations.get_organization(account.org_id).plan)
    return MonthUse(month, units, least, most)


def _tell_lost_credit(org_id: str, earlier: MonthUse | None, reports: Sequence[UseReport]) -> None:
    for meter, units in due_units.lost_credit(earlier, reports).items():
        telemetry.emit_metric("UseReportFailed")
        facts = {"org_id": org_id, "month": earlier.month if earlier else "", "meter": meter.value, "units": units}
        telemetry.logger().error("a month was billed too many units", extra=facts)


def following_day(day: date) -> date:
    return day + timedelta(days=1)
