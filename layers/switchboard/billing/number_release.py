"""Releases the numbers of an organization that has stopped paying, after a time with mails.

A number costs the platform its rent each month. So an organization whose subscription has ended or is suspended keeps
its numbers for 30 days, and mails say on which day they are released. Then those beyond the free plan are given back to
the provider, the newest first: the oldest number is the one that most people know. A payment, or a plan of an operator,
ends the time at any moment.

One job does all: it mails, and comes again at the next moment. It belongs to the day that it was planned for, so a job
of an earlier time does nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from switchboard import telemetry
from switchboard.accounts import organizations
from switchboard.accounts.models import Organization
from switchboard.accounts.plans import PLANS, PlanName
from switchboard.aws.writes import Writes, commit
from switchboard.billing import notices, store
from switchboard.billing.jobs import ReleaseNumbers, work_origin
from switchboard.billing.models import BillingAccount, BillingStatus
from switchboard.errors import Conflict, Unavailable
from switchboard.kit import clock
from switchboard.numbers import registration
from switchboard.numbers import service as numbers
from switchboard.numbers.models import Number
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import retry_on_conflict
from switchboard.timers import service as timers

#: How long the numbers stay after the end of the payments.
KEPT_FOR = timedelta(days=30)
#: When the mails before the release come, counted from it.
_MAILS_BEFORE = (KEPT_FOR, timedelta(days=7), timedelta(days=1))
#: When a provider that does not answer is asked again, and the numbers that one job releases.
_ASKED_AGAIN, _NUMBERS_PER_RUN = timedelta(hours=1), 10


def plan_release(
    before: BillingAccount, after: BillingAccount, org: Organization, plan: PlanName
) -> tuple[BillingAccount, Writes]:
    """Returns an account with the day on which its numbers are released, if one is due, and the writes of its timer.

    `plan` is the organization's plan from now on.
    """
    if _is_paid_for(after, has_overage=PLANS[plan].has_overage):
        return _without_release(after), timers.cancel_writes(before.numbers_timer)
    if after.numbers_due_at or organizations.get_gauge(org.id, "numbers") <= _kept_numbers(org):
        return after, None
    due = clock.format_iso(clock.now() + KEPT_FOR)
    timer = timers.schedule(ReleaseNumbers(org_id=org.id, due_at=due), clock.now())
    facts = {"numbers_due_at": due, "numbers_mails": 0, "numbers_timer": timer.ref}
    return after.model_copy(update=facts), timer.write


def _is_paid_for(account: BillingAccount, *, has_overage: bool) -> bool:
    """Whether somebody pays for the numbers, or may still pay: an unpaid subscription is suspended before."""
    if account.status is BillingStatus.CANCELED:
        # An operator has agreed on a plan.
        return has_overage
    return account.status is not BillingStatus.SUSPENDED


def _without_release(account: BillingAccount) -> BillingAccount:
    return account.model_copy(update={"numbers_due_at": None, "numbers_mails": 0, "numbers_timer": None})


def _kept_numbers(org: Organization) -> int:
    """Returns how many numbers an organization keeps without a payment."""
    return org.limits.get("numbers_included", PLANS[PlanName.FREE].numbers_included or 0)


def release_numbers(job: ReleaseNumbers) -> None:
    """Mails about the release of an organization's numbers, or releases them if their day has come.

    A second run finds the mail sent, and the numbers released.
    """
    if clock.now() >= clock.parse(job.due_at):
        _release(job)
    else:
        retry_on_conflict(lambda: _tell(job))


def _find_released(job: ReleaseNumbers) -> tuple[BillingAccount, Organization, list[Number]] | None:
    """Returns the account, its organization and the numbers to release, the newest first. `None` if nothing is due."""
    account = store.get_account(job.org_id)
    if account is None or account.numbers_due_at != job.due_at:
        telemetry.log_skip("somebody pays again, or another day is planned", org_id=job.org_id, due_at=job.due_at)
        return None
    org = organizations.get_organization(job.org_id)
    if _is_paid_for(account, has_overage=org.terms.has_overage):
        telemetry.log_skip("an operator has agreed on a plan", org_id=job.org_id)
        found = []
    else:
        active = [number for number in numbers.list_numbers(job.org_id) if number.active]
        active.sort(key=lambda number: (number.created_at, number.id))
        found = active[_kept_numbers(org) :][::-1]
    if not found:
        commit(store.account_write(_without_release(next_version(account))))
        return None
    return account, org, found


def _tell(job: ReleaseNumbers) -> None:
    due = _find_released(job)
    if due is None:
        return
    account, org, found = due
    moment = clock.parse(job.due_at)
    told = sum(clock.now() >= moment - before for before in _MAILS_BEFORE)
    following = [moment - before for before in _MAILS_BEFORE[told:]]
    timer = timers.schedule(job, following[0] if following else moment)
    after = next_version(account, numbers_mails=told, numbers_timer=timer.ref)
    letter = notices.release_letter(org, [number.e164 for number in found], job.due_at[:10], _kept_numbers(org))
    _commit_with_mail(
        account, org, letter if told > account.numbers_mails else None, store.account_write(after), timer.write
    )


def _release(job: ReleaseNumbers) -> None:
    for _ in range(_NUMBERS_PER_RUN):
        # Asked before each number: somebody may have paid meanwhile.
        due = retry_on_conflict(lambda: _find_released(job))
        if due is None:
            return
        account, org, found = due
        gone = _release_first(org.id, found)
        if gone is None:
            commit(timers.schedule(job, clock.now() + _ASKED_AGAIN).write)
            return
        _commit_with_mail(account, org, notices.released_letter(org, gone))
    commit(timers.job_write(job))


def _release_first(org_id: str, found: Sequence[Number]) -> str | None:
    """Releases the first number that its provider takes back. Returns it, `None` if all must wait."""
    origin = work_origin(org_id)
    for number in found:
        try:
            registration.release_number(origin, number)
        except (Unavailable, Conflict) as error:
            telemetry.logger().warning("a number is not released", extra={"number_id": number.id, "reason": str(error)})
        else:
            return number.e164
    return None


def _commit_with_mail(
    account: BillingAccount, org: Organization, letter: tuple[str, str] | None, *parts: Writes
) -> None:
    from switchboard.email import service as email  # imported here so that other functions start without it

    receiver = notices.notice_address(org, account)
    mail = email.system_mail_writes(work_origin(org.id), None, receiver, *letter) if letter and receiver else []
    notices.commit_with_mail(org.id, mail, *parts)
