"""Puts off what the provider of payments does not answer, with a deadline.

An organization has one planned read of its subscription at most, also after many notifications. At the deadline the
account is `unreadable`, nothing more is planned, and an alarm names the organization. The daily job and each later
notification ask again, and the next answer ends the state.
"""

from __future__ import annotations

from datetime import timedelta

from switchboard import telemetry
from switchboard.aws.writes import Writes, commit
from switchboard.billing import store
from switchboard.billing.jobs import CheckPayment
from switchboard.billing.models import BillingAccount
from switchboard.kit import clock
from switchboard.kit.deferral import Deferral
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import retry_on_conflict
from switchboard.timers import service as timers

#: Stripe sends a notification again for three days too. The invoice of a month is open for an hour.
UNANSWERED = Deferral(timedelta(days=3), first_pause=timedelta(minutes=5), later_pause=timedelta(hours=1))


def report_unanswered(org_id: str, since: str) -> None:
    """Tells an operator that the provider has not answered about an organization until the deadline."""
    telemetry.emit_metric("SubscriptionUnreadable")
    facts = {"org_id": org_id, "since": since}
    telemetry.logger().error("the provider of payments does not tell a subscription", extra=facts)


def read_again_later(org_id: str) -> None:
    """Plans the next read of a subscription that could not be read, if none is planned."""
    telemetry.emit_metric("PaymentsUnavailable")
    retry_on_conflict(lambda: _plan_read(org_id))


def _plan_read(org_id: str) -> None:
    account, now = store.get_account(org_id), clock.now()
    if account is None:
        telemetry.log_skip("the organization has no account", org_id=org_id)
        return
    if account.read_again_at and clock.parse(account.read_again_at) > now:
        telemetry.log_skip("a later job reads the subscription", org_id=org_id)
        return
    since = account.unread_since or clock.format_iso(now)
    due = UNANSWERED.next_attempt_at(since)
    facts = {"unread_since": since, "read_again_at": None, "read_again_timer": None, "unreadable": due is None}
    if due is None:
        report_unanswered(org_id, since)
        commit(store.account_write(next_version(account, **facts)))
        return
    timer = timers.schedule(CheckPayment(org_id=org_id), due)
    facts |= {"read_again_at": clock.format_iso(due), "read_again_timer": timer.ref}
    commit(store.account_write(next_version(account, **facts)), timer.write)


def end_waiting(before: BillingAccount, after: BillingAccount) -> tuple[BillingAccount, Writes]:
    """Returns an account whose subscription was read, and the write that cancels the planned read."""
    facts = {"unread_since": None, "read_again_at": None, "read_again_timer": None, "unreadable": False}
    return after.model_copy(update=facts), timers.cancel_writes(before.read_again_timer)
