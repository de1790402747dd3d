"""Gives the organization's local numbers the state of its registration, and adds them to its campaign."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from switchboard import telemetry
from switchboard.aws.writes import commit
from switchboard.brands import records, store
from switchboard.brands.jobs import MarkNumber, MarkNumbers
from switchboard.brands.models import Brand, RegistrationStatus
from switchboard.brands.orders import make_order
from switchboard.brands.senders import may_join_campaign
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.carriers.registrations import get_registry, registry_name
from switchboard.kit import clock
from switchboard.kit.deferral import Deferral
from switchboard.kit.jobs import Job
from switchboard.numbers import a2p
from switchboard.numbers import service as numbers
from switchboard.numbers.a2p import A2pStatus
from switchboard.numbers.models import Number
from switchboard.timers import service as timers

#: How many numbers one job marks.
NUMBERS_PER_JOB = 25
#: A request to the registry takes some seconds at most. Its job comes again after the visibility of its queue, which is
#: longer.
_LONGEST_REQUEST = timedelta(seconds=60)
_UNANSWERED = Deferral(timedelta(days=3), first_pause=timedelta(minutes=10), later_pause=timedelta(hours=1))


def status_of_numbers(brand: Brand | None) -> A2pStatus:
    """Returns the state of the local numbers of an organization with this brand."""
    if brand is None:
        return A2pStatus.UNREGISTERED
    campaign = brand.campaign.status if brand.campaign else RegistrationStatus.DRAFT
    if brand.status is RegistrationStatus.APPROVED and campaign is RegistrationStatus.APPROVED:
        return A2pStatus.REGISTERED
    if RegistrationStatus.REJECTED in (brand.status, campaign):
        return A2pStatus.REJECTED
    return A2pStatus.PENDING if brand.is_under_way else A2pStatus.UNREGISTERED


def mark_numbers(job: MarkNumbers) -> None:
    """Marks some numbers of an organization. It may run twice: nothing changes the second time.

    A further job continues with the rest, and each number that joins the campaign has a job of its own. They go through
    the outbox, because Lambda stops a function that invokes itself sixteen times.
    """
    brand = store.find_brand(job.org_id)
    if brand is None:
        telemetry.log_skip("the organization has no brand", org_id=job.org_id)
        return
    status, further = status_of_numbers(brand), list[Job]()
    found, next_key = numbers.list_numbers_from(job.org_id, job.start, NUMBERS_PER_JOB)
    for number in found:
        if not _is_concerned(number) or number.a2p_status == status:
            continue
        if status is A2pStatus.REGISTERED:
            further.append(MarkNumber(org_id=job.org_id, number_id=number.id))
        else:
            numbers.set_a2p_status(records.work_of(brand), number.id, status)
    if _has_moved(job.org_id, status):
        further.append(MarkNumbers(org_id=job.org_id))
    elif next_key is not None:
        further.append(MarkNumbers(org_id=job.org_id, start=next_key))
    if further:
        commit([timers.job_write(one) for one in further])


def mark_number(job: MarkNumber) -> None:
    """Marks a number. It may run twice: nothing changes the second time."""
    brand, number = store.find_brand(job.org_id), numbers.find_numbers([(job.org_id, job.number_id)])[0]
    if brand is None or number is None or not _is_concerned(number):
        telemetry.log_skip("the number needs no registration", org_id=job.org_id, number_id=job.number_id)
        return
    status = status_of_numbers(brand)
    joins = status is A2pStatus.REGISTERED and number.a2p_status != status
    marked = _join_campaign(brand, number, job) if joins else _Marking(status)
    if marked is None:
        return
    numbers.set_a2p_status(records.work_of(brand), number.id, marked.status, marked.claimed_until)
    if _has_moved(job.org_id, status):
        commit(timers.job_write(MarkNumber(org_id=job.org_id, number_id=number.id)))


class _Marking(NamedTuple):
    """The state of a number, and until when its claim holds."""

    status: A2pStatus
    claimed_until: str | None = None


def _is_concerned(number: Number) -> bool:
    return number.active and a2p.needs_registration(number.e164)


def _has_moved(org_id: str, status: A2pStatus) -> bool:
    """Whether the registration has moved on meanwhile. Its own job may have come first."""
    now = store.find_brand(org_id)
    return now is not None and status_of_numbers(now) is not status


def _join_campaign(brand: Brand, number: Number, job: MarkNumber) -> _Marking | None:
    """Adds a number to the campaign. Returns its state, `None` if another job adds it."""
    if registry_name() != brand.registry or number.provider != brand.registry:
        telemetry.log_skip("the number is at another provider", number_id=number.id)
        return _Marking(A2pStatus.UNREGISTERED)
    if not may_join_campaign(brand, number):
        telemetry.log_skip("a sole proprietor has one number", number_id=number.id)
        return _Marking(A2pStatus.UNREGISTERED)
    if numbers.claim_registration(job.org_id, number.id, _LONGEST_REQUEST) is None:
        telemetry.log_skip("another job adds the number", org_id=job.org_id, number_id=number.id)
        return None
    try:
        get_registry().add_number(make_order(brand), number.sid)
    except (ThrottledError, OutcomeUnknownError) as silent:
        return _join_later(job, silent)
    except RefusedError as refused:
        telemetry.logger().warning("number not added", extra={"number_id": number.id, "reason": str(refused)})
        return _Marking(A2pStatus.UNREGISTERED)
    return _Marking(A2pStatus.REGISTERED)


def _join_later(job: MarkNumber, silent: Exception) -> _Marking:
    """Plans the next attempt, or gives up after the deadline. Returns the number's state until then."""
    since = job.unanswered_since or clock.now_iso()
    due = _UNANSWERED.next_attempt_at(since)
    facts = {"org_id": job.org_id, "number_id": job.number_id, "error": str(silent)}
    if due is None:
        telemetry.emit_metric("NumberNotRegistered")
        telemetry.logger().error("the registry does not add a number", extra={**facts, "since": since})
        return _Marking(A2pStatus.UNREGISTERED)
    telemetry.log_skip("the number joins later", **facts)
    commit(timers.schedule(job.model_copy(update={"unanswered_since": since}), due).write)
    # Until then no other job asks for the number.
    return _Marking(A2pStatus.PENDING, clock.format_iso(due))
