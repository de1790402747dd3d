"""Reports each day's use beyond the plan to the provider, once a day for each organization.

A timer starts the report of a day after its end. It first stores the units of each meter, and then sends them with a
key of organization, day and meter, which the provider accepts once. So a run that was killed sends the same units
again. The provider remembers a key for a day. A report that has no answer after that is never sent again: its state
becomes `unconfirmed`, and an alarm tells an operator.

The end of a subscription reports the use up to then at once, with the plan that ended: the last invoice is open for an
hour. A job that is lost, for example because its process was killed too often, is sent again by the next read of the
subscription.

`due_units` says which units are due: those of the month up to now, and those of the month before that came late.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta

from switchboard import telemetry
from switchboard.aws.writes import Writes, commit
from switchboard.billing import deferrals, store
from switchboard.billing.jobs import ReportUse
from switchboard.billing.models import (
    REFUSED,
    RESERVED,
    SENT,
    UNCONFIRMED,
    BillingAccount,
    LastUse,
    UseReport,
)
from switchboard.billing.reservations import following_day, reserve_reports
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.carriers.payments.ports.payments import MeteredUse, Payments
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.kit import clock, texts
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import record_once, retry_on_conflict
from switchboard.timers import service as timers

#: The first report after midnight (UTC), and the span over which organizations are spread. An invoice of the month
#: stays open for an hour after its end, and the use of its last day must arrive before.
_FIRST_REPORT, _SPREAD_MINUTES = timedelta(minutes=5), 30
#: How long a report may be repeated. The provider remembers its key for 24 hours.
_REPEATABLE = timedelta(hours=23)
#: How often the provider is asked after the deadline of a deferral, as long as somebody subscribes.
_DAILY = timedelta(days=1)
#: How late a job may be before it counts as lost.
_LATEST = timedelta(hours=1)
#: A job that is not due for longer than this is not the one that was planned last. Clocks differ by less.
_EARLIEST = timedelta(minutes=1)
#: How long one job sends. The rest is sent by the next job, before the queue's time for a job ends.
_SENDING_TIME = timedelta(seconds=20)
#: How long after the end of a month its use still comes into its invoice, which stays open for an hour.
_INVOICE_OPEN = timedelta(minutes=55)


def plan_next_report(
    before: BillingAccount, after: BillingAccount, ended_at: str | None
) -> tuple[BillingAccount, list[Writes]]:
    """Returns an account with the timer of its next report, if it needs another, and the writes of its timers.

    `ended_at` is when the subscription has ended, if it ends with this change.
    """
    now, day = clock.now(), after.use_day
    if after.customer_id is None:
        return _without_report(after), [timers.cancel_writes(before.use_timer)]
    if day is None:
        return _with_report(after, now.date()) if after.is_live else (after, [])
    if ended_at:
        is_early = before.period_end is not None and clock.parse(ended_at) < clock.parse(before.period_end)
        last = LastUse(plan=before.plan, ended_at=ended_at, is_early=is_early)
        after = after.model_copy(update={"last_use": last})
    elif after.is_live:
        after = after.model_copy(update={"last_use": None})
    lost = after.use_due is not None and now - clock.parse(after.use_due) > _LATEST
    if not ended_at and not lost:
        return after, []
    planned, writes = _with_report(after, date.fromisoformat(day), now)
    return planned, [timers.cancel_writes(before.use_timer), *writes]


def _with_report(
    account: BillingAccount, day: date, due: datetime | None = None, unanswered_since: str | None = None
) -> tuple[BillingAccount, list[Writes]]:
    """Returns an account with the job of a day, which is due after the day if `due` says nothing else."""
    job = ReportUse(org_id=account.org_id, day=day.isoformat(), unanswered_since=unanswered_since)
    due = due or report_time(account.org_id, day)
    timer = timers.schedule(job, due)
    facts = {"use_day": job.day, "use_due": clock.format_iso(due), "use_timer": timer.ref}
    return account.model_copy(update=facts), [timer.write]


def _without_report(account: BillingAccount) -> BillingAccount:
    return account.model_copy(update={"use_day": None, "use_due": None, "use_timer": None, "last_use": None})


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
    if account.use_due and clock.parse(account.use_due) - clock.now() > _EARLIEST:
        telemetry.log_skip("a later job reports the day", org_id=origin.org_id, day=job.day)
        return
    reserved = [report for report in reserve_reports(account, job.day) if report.state == RESERVED]
    if not _send_reports(origin, payments, account, reserved):
        put_off(job)
        return
    if account.last_use and account.last_use.is_early:
        _tell_use_without_invoice(origin.org_id, job.day[:7])
    retry_on_conflict(lambda: _finish_day(origin.org_id, job.day))


def _tell_use_without_invoice(org_id: str, month: str) -> None:
    """Tells an operator about the use of a month for which a subscription that ended at once has no invoice."""
    units = Counter[str]()
    for report in store.list_use_reports(org_id, month):
        if report.state == SENT:
            units[report.meter] += report.units
    if units:
        telemetry.emit_metric("UseReportFailed")
        facts = {"org_id": org_id, "month": month, "units": dict(units)}
        telemetry.logger().error("a subscription ended at once, and its use has no invoice", extra=facts)


def put_off(job: ReportUse) -> None:
    """Repeats a job later, because the provider did not answer. After the deadline, an alarm names the organization."""
    since = job.unanswered_since or clock.now_iso()
    due = deferrals.UNANSWERED.next_attempt_at(since)
    if due is None:
        deferrals.report_unanswered(job.org_id, since)
        due = clock.now() + _DAILY

    def attempt() -> None:
        account = store.get_account(job.org_id)
        if account is None or account.use_day != job.day:
            telemetry.log_skip("the day is reported, or nobody subscribes", org_id=job.org_id, day=job.day)
            return
        after, writes = _with_report(next_version(account), date.fromisoformat(job.day), due, since)
        commit(store.account_write(after), writes)

    retry_on_conflict(attempt)


def report_key(report: UseReport) -> str:
    """Returns the key by which the provider accepts a report once."""
    parts = [report.org_id, report.day, report.meter, *([] if report.kind == "use" else [report.kind])]
    return ":".join(parts)


def _send_reports(origin: Origin, payments: Payments, account: BillingAccount, reports: list[UseReport]) -> bool:
    """Sends reports. Returns False if some must be sent later: it stops at the first one without an answer."""
    until = clock.now() + _SENDING_TIME
    return all(clock.now() <= until and _send_report(origin, payments, account, report) for report in reports)


def _send_report(origin: Origin, payments: Payments, account: BillingAccount, report: UseReport) -> bool:
    """Sends a report, and records the answer. Returns False if it must be sent again."""
    if clock.now() - clock.parse(report.reserved_at) > _REPEATABLE:
        telemetry.emit_metric("UseReportFailed")
        telemetry.logger().error("a report of use has no answer", extra={"key": report_key(report)})
        _record(origin, report, UNCONFIRMED)
        return True
    use = MeteredUse(
        report.org_id,
        account.customer_id or "",
        report.meter,
        report.units,
        _time_of_use(account, report),
        report_key(report),
    )
    try:
        payments.report_use(use)
    except (ThrottledError, OutcomeUnknownError):
        telemetry.emit_metric("PaymentsUnavailable")
        return False
    except RefusedError as refusal:
        telemetry.emit_metric("UseReportFailed")
        telemetry.logger().error("a report of use is refused", extra={"key": use.key, "reason": str(refusal)})
        _record(origin, report, REFUSED)
        return True
    _record(origin, report, SENT)
    return True


def _time_of_use(account: BillingAccount, report: UseReport) -> int:
    """Returns the time that decides which invoice has the use, in seconds since 1970.

    The last second of the day is within the month that is billed, and that before its end within a subscription. Later
    than the invoice of the month is open, the time is in the next month, so that the next invoice has the use.
    """
    midnight = clock.parse(f"{following_day(date.fromisoformat(report.day)).isoformat()}T00:00:00Z")
    at = midnight - timedelta(seconds=1)
    if account.last_use:
        at = min(at, clock.parse(account.last_use.ended_at) - timedelta(seconds=1))
    elif midnight.day == 1 and clock.now() > midnight + _INVOICE_OPEN:
        at = midnight + _INVOICE_OPEN
    return int(at.timestamp())


def _record(origin: Origin, report: UseReport, state: str) -> None:
    # A second run of the job may have recorded the answer.
    record_once(
        store.use_state_write(report, state),
        events.new_event_write(
            origin,
            "billing.use_reported",
            Subject(type="organization", id=report.org_id),
            day=report.day,
            month=report.month,
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
    following, after = _next_day(date.fromisoformat(day)), next_version(account)
    if account.is_live:
        planned, writes = _with_report(after, following)
    elif account.last_use and (last := _last_day(account.last_use)) > date.fromisoformat(day):
        planned, writes = _with_report(after, min(following, last), clock.now())
    else:
        planned, writes = _without_report(after), []
    commit(store.account_write(planned), writes)


def _next_day(day: date) -> date:
    """Returns the day of the next report. A report has all of the month so far, so missed days are skipped."""
    following = following_day(day)
    month_end = (following.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    return max(following, min(clock.now().date(), month_end))


def _last_day(last_use: LastUse) -> date:
    return (clock.parse(last_use.ended_at) - timedelta(seconds=1)).date()
