"""Reports each day's use beyond the plan to the provider, once a day for each organization.

A timer starts the report of a day after its end. It first stores the units of each meter, and then sends them with a
key of organization, day and meter, which the provider accepts once. So a run that was killed sends the same units
again. The provider remembers a key for a day. A report that has no answer after that is never sent again: its state
becomes `unconfirmed`, and an alarm tells an operator.

Units are those of the month up to now, beyond what the plan includes, less those of the month that were reported.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from switchboard import telemetry
from switchboard.accounts import organizations
from switchboard.aws.writes import Writes, commit
from switchboard.billing import catalog, store
from switchboard.billing.jobs import ReportUse
from switchboard.billing.models import BillingAccount, UseReport
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.carriers.payments.ports.payments import MeteredUse, Payments
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.kit import clock, texts
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import record_once, retry_on_conflict
from switchboard.timers import service as timers
from switchboard.usage import service as usage

#: The first report after midnight (UTC), and the span over which organizations are spread. An invoice of the month
#: stays open for an hour after its end, and the use of its last day must arrive before.
_FIRST_REPORT, _SPREAD_MINUTES = timedelta(minutes=5), 30
#: How long a report may be repeated. The provider remembers its key for 24 hours.
_REPEATABLE = timedelta(hours=23)
#: When a report is sent again after the provider did not answer.
RETRY_DELAY = timedelta(minutes=5)
_RESERVED, _SENT, _REFUSED, _UNCONFIRMED = "reserved", "sent", "refused", "unconfirmed"


def plan_next_report(before: BillingAccount, after: BillingAccount) -> tuple[BillingAccount, list[Writes]]:
    """Returns an account with the timer of its next report, if it needs another, and the writes of its timers."""
    if not after.is_live:
        ended = after.model_copy(update={"use_day": None, "use_timer": None})
        return ended, [timers.cancel_writes(before.use_timer)]
    if before.is_live and before.use_day:
        return after, []
    return _with_report(after, clock.now().date())


def _with_report(account: BillingAccount, day: date) -> tuple[BillingAccount, list[Writes]]:
    job = ReportUse(org_id=account.org_id, day=day.isoformat())
    timer = timers.schedule(job, report_time(account.org_id, day))
    return account.model_copy(update={"use_day": job.day, "use_timer": timer.ref}), [timer.write]


def report_time(org_id: str, day: date) -> datetime:
    """Returns when the use of a day is reported: soon after its end, at the organization's own minute."""
    after_midnight = timedelta(minutes=int(texts.digest(org_id)[:8], 16) % _SPREAD_MINUTES)
    midnight = clock.parse(f"{(day + timedelta(days=1)).isoformat()}T00:00:00Z")
    return midnight + _FIRST_REPORT + after_midnight


def report_day(origin: Origin, payments: Payments, job: ReportUse) -> None:
    """Reports the use of a day, and schedules the next day. A second run finds the day reported."""
    account = store.get_account(origin.org_id)
    if account is None or account.use_day != job.day or account.customer_id is None:
        telemetry.log_skip("the day is reported, or nobody subscribes", org_id=origin.org_id, day=job.day)
        return
    waiting = [
        report
        for report in reserve_reports(account, job.day)
        if report.state == _RESERVED and not _send_report(origin, payments, account.customer_id, report)
    ]
    if waiting:
        commit(timers.schedule(job, clock.now() + RETRY_DELAY).write)
        return
    retry_on_conflict(lambda: _finish_day(origin.org_id, job.day))


def reserve_reports(account: BillingAccount, day: str) -> list[UseReport]:
    """Returns the reports of a day. Stores them if this is the first run, so that a later run has the same units."""
    org = organizations.get_organization(account.org_id)

    def attempt() -> list[UseReport]:
        month = store.list_use_reports(org.id, day[:7])
        known = [report for report in month if report.day == day]
        if any(report.day >= day for report in month):
            return known
        used = usage.get_monthly_usage(org.id, day[:7]).units
        over = catalog.overage_units(account.plan or org.plan, used)
        now = clock.now_iso()
        made = []
        for meter, units in over.items():
            reported = sum(one.units for one in month if one.meter == meter.value and one.state != _REFUSED)
            if units > reported:
                made.append(
                    UseReport(org_id=org.id, day=day, meter=meter.value, units=units - reported, reserved_at=now)
                )
        if made:
            commit([store.use_report_write(report) for report in made])
        return made

    return retry_on_conflict(attempt) or []


def report_key(report: UseReport) -> str:
    """Returns the key by which the provider accepts a report once."""
    return f"{report.org_id}:{report.day}:{report.meter}"


def _send_report(origin: Origin, payments: Payments, customer_id: str, report: UseReport) -> bool:
    """Sends a report, and records the answer. Returns False if it must be sent again."""
    if clock.now() - clock.parse(report.reserved_at) > _REPEATABLE:
        telemetry.emit_metric("UseReportFailed")
        telemetry.logger().error("a report of use has no answer", extra={"key": report_key(report)})
        _record(origin, report, _UNCONFIRMED)
        return True
    # The last second of the day is within the month that is billed.
    at = int(clock.parse(f"{report.day}T23:59:59Z").timestamp())
    use = MeteredUse(report.org_id, customer_id, report.meter, report.units, at, report_key(report))
    try:
        payments.report_use(use)
    except (ThrottledError, OutcomeUnknownError):
        telemetry.emit_metric("PaymentsUnavailable")
        return False
    except RefusedError as refusal:
        telemetry.emit_metric("UseReportFailed")
        telemetry.logger().error("a report of use is refused", extra={"key": use.key, "reason": str(refusal)})
        _record(origin, report, _REFUSED)
        return True
    _record(origin, report, _SENT)
    return True


def _record(origin: Origin, report: UseReport, state: str) -> None:
    # A second run of the job may have recorded the answer.
    record_once(
        store.use_state_write(report, state),
        events.new_event_write(
            origin,
            "billing.use_reported",
            Subject(type="organization", id=report.org_id),
            day=report.day,
            meter=report.meter,
            units=report.units,
            outcome=state,
        ),
    )


def _finish_day(org_id: str, day: str) -> None:
    """Moves an account to the next day. Raises StaleVersionError if the account has changed since it was read."""
    account = store.get_account(org_id)
    if account is None or account.use_day != day:
        return
    following = date.fromisoformat(day) + timedelta(days=1)
    after, writes = _with_report(next_version(account), following)
    commit(store.account_write(after), writes)
