"""Moves a billing account by the subscription as the provider has it now.

A notification only says that something changed. The account is read first, then the subscription, and both are
committed on the account's version, also if nothing changed. So a run that read an older subscription never commits
after one that read a newer subscription, in any order of the notifications.
"""

from __future__ import annotations

from datetime import timedelta

from switchboard import telemetry
from switchboard.accounts import organizations
from switchboard.accounts.models import Organization
from switchboard.aws.writes import Writes
from switchboard.billing import deferrals, moves, notices, number_release, paid_months, store, use_reports
from switchboard.billing.jobs import ApplyPaymentEvent, CheckPayment, RebalanceUsage, work_origin
from switchboard.billing.models import BillingAccount, BillingStatus
from switchboard.billing.moves import BillingOutcome
from switchboard.carriers.outcomes import OutcomeUnknownError, ThrottledError
from switchboard.carriers.payments import get_payments
from switchboard.carriers.payments.ports import webhook
from switchboard.carriers.payments.ports.payments import CustomerGoneError, Payments
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.kit import clock
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import Decision, retry_on_conflict
from switchboard.timers import service as timers

#: The notification that begins a dispute.
_DISPUTED = "charge.dispute.created"
#: The shortest time to the next check of an unpaid subscription, for a job that came a moment too early.
_LEAST_CHECK_DELAY = timedelta(minutes=1)


def apply_payment_event(job: ApplyPaymentEvent) -> None:
    """Applies a notification once: reads its customer's subscription again.

    Raises ThrottledError for a dispute whose customer cannot be read, so that the queue repeats the job.
    """
    payments, disputed = get_payments(patient=True), job.type in webhook.DISPUTES
    customer_id = payments.find_payer(job.charge_id) if disputed else job.customer_id
    org_id = store.find_organization(customer_id) if customer_id else None
    if org_id is None:
        telemetry.log_skip("the customer is not one of ours", payment_event=job.event_id)
        return
    if store.is_event_applied(org_id, job.event_id):
        telemetry.log_skip("the notification was applied", org_id=org_id, payment_event=job.event_id)
        return
    if disputed:
        # Also a later read asks for debts from now on, until the provider says that there is none.
        store.ACCOUNTS.change_object(org_id, store.ACCOUNT, _note_debt)
    _alarm(org_id, job)
    try:
        sync_account(work_origin(org_id), payments, event_id=job.event_id)
    except (ThrottledError, OutcomeUnknownError):
        # Not a failure of the notification. The next read of the subscription has what the notification tells.
        deferrals.read_again_later(org_id)


def _note_debt(account: BillingAccount) -> Decision[BillingAccount]:
    return None if account.in_debt else (next_version(account, in_debt=True), None)


def _alarm(org_id: str, job: ApplyPaymentEvent) -> None:
    """Tells an operator what only a person at the provider's dashboard can settle."""
    metric = {_DISPUTED: "PaymentDisputed", webhook.NOT_FINALIZED: "InvoiceNotFinalized"}.get(job.type)
    if metric:
        telemetry.emit_metric(metric)
        facts = {"org_id": org_id, "payment_event": job.event_id, "type": job.type}
        telemetry.logger().error("a payment needs an operator", extra=facts)


def check_payment(org_id: str) -> None:
    """Reads an organization's subscription again, and moves it on if it is still unpaid."""
    try:
        sync_account(work_origin(org_id), get_payments(patient=True))
    except (ThrottledError, OutcomeUnknownError):
        deferrals.read_again_later(org_id)


def sync_account(origin: Origin, payments: Payments, event_id: str | None = None) -> BillingAccount | None:
    """Reads the subscription and moves the account. Returns the account, `None` without a customer.

    With `event_id`, the notification is remembered in the same commit. Raises ThrottledError.
    """

    def attempt() -> BillingAccount | None:
        account = store.get_account(origin.org_id)
        if account is None or account.customer_id is None:
            telemetry.log_skip("the organization has no customer", org_id=origin.org_id)
            return account
        org = organizations.get_organization(origin.org_id)
        found, gone, in_debt = None, False, False
        try:
            # After the account was read: see the head of this module.
            found = payments.fetch_subscription(org.id, account.customer_id)
            if moves.may_be_in_debt(account, org, found):
                in_debt = payments.has_debt(org.id, account.customer_id)
        except CustomerGoneError:
            # An operator who deletes a customer gives up its debt.
            gone = True
        outcome = moves.decide_outcome(account, org, found, in_debt=in_debt)
        after, writes = account_writes(origin, org, account, outcome, gone=gone)
        mark = store.event_mark_write(org.id, event_id) if event_id else None
        stopped = outcome.unpaid is True
        mail = notices.notice_writes(origin, org, after, account.status, outcome.unpaid_since, stopped=stopped)
        notices.commit_with_mail(org.id, mail, store.account_write(after), writes, mark)
        return after

    return retry_on_conflict(attempt)


def account_writes(
    origin: Origin, org: Organization, before: BillingAccount, outcome: BillingOutcome, *, gone: bool = False
) -> tuple[BillingAccount, list[Writes]]:
    """Returns the next version of an account, and the writes of its move: plan, stop, events and timers.

    An account whose customer is `gone` has no customer from now on. So the next checkout creates another one.
    """
    now = clock.now_iso()
    facts = {
        "status": outcome.status,
        "subscription_id": outcome.subscription_id,
        "plan": outcome.plan_paid,
        "period_start": outcome.period_start,
        "period_end": outcome.period_end,
        "cancel_at_period_end": outcome.cancel_at_period_end,
        "unpaid_since": outcome.unpaid_since,
        "in_debt": outcome.in_debt,
    }
    changed = any(getattr(before, name) != value for name, value in facts.items())
    after = paid_months.note_plan(before, next_version(before, **facts, read_at=now))
    after = paid_months.note_payment(before, after)
    new_payer = after.is_live and not after.has_paid
    if after.is_live or gone:
        after = after.model_copy(update={"checkout": None})
    if gone:
        after = after.model_copy(update={"customer_id": None})
    after, check_writes = _schedule_check(before, after, outcome.next_check_at)
    after, read_writes = deferrals.end_waiting(before, after)
    after, use_writes = use_reports.plan_next_report(before, after, outcome.ended_at)
    after, release_writes = number_release.plan_release(before, after, org, outcome.plan or org.plan)
    return after, [
        organizations.terms_writes(
            origin,
            outcome.plan,
            unpaid=outcome.unpaid,
            past_due=outcome.past_due,
            new_payer=None if new_payer is org.new_payer else new_payer,
        ),
        timers.job_write(RebalanceUsage(org_id=org.id)) if outcome.plan else None,
        _changed_event_write(origin, before.status, after) if changed else None,
        _gone_event_write(origin, before) if gone else None,
        check_writes,
        read_writes,
        use_writes,
        release_writes,
    ]


def _schedule_check(
    before: BillingAccount, after: BillingAccount, due: str | None
) -> tuple[BillingAccount, list[Writes]]:
    """Returns the account with the timer of its next check, and the writes of its timers."""
    now = clock.now()
    if due is None:
        return after.model_copy(update={"next_check_at": None, "check_timer": None}), [
            timers.cancel_writes(before.check_timer)
        ]
    if before.next_check_at and clock.parse(before.next_check_at) > now and before.status is after.status:
        return after, []
    moment = max(clock.parse(due), now + _LEAST_CHECK_DELAY)
    timer = timers.schedule(CheckPayment(org_id=after.org_id), moment)
    scheduled = after.model_copy(update={"next_check_at": clock.format_iso(moment), "check_timer": timer.ref})
    return scheduled, [timers.cancel_writes(before.check_timer), timer.write]


def _gone_event_write(origin: Origin, before: BillingAccount) -> Writes:
    subject = Subject(type="organization", id=before.org_id)
    return events.new_event_write(origin, "billing.customer_deleted", subject, customer=before.customer_id)


def _changed_event_write(origin: Origin, before: BillingStatus, after: BillingAccount) -> Writes:
    return events.new_event_write(
        origin,
        "billing.subscription_changed",
        Subject(type="organization", id=after.org_id),
        before=before.value,
        status=after.status.value,
        plan=after.plan.value if after.plan else None,
        period_end=after.period_end,
        cancel_at_period_end=after.cancel_at_period_end,
    )
