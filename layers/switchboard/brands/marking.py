"""Gives the organization's local numbers the state of its registration, and adds them to its campaign."""

from __future__ import annotations

from datetime import timedelta

from switchboard import telemetry
from switchboard.brands import records, store
from switchboard.brands.jobs import MarkNumbers
from switchboard.brands.models import Brand, RegistrationStatus
from switchboard.brands.orders import make_order
from switchboard.brands.senders import may_join_campaign
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.carriers.registrations import get_registry, registry_name
from switchboard.kit import clock
from switchboard.numbers import a2p
from switchboard.numbers import service as numbers
from switchboard.numbers.a2p import A2pStatus
from switchboard.numbers.models import Number
from switchboard.timers import service as timers

_PAUSE = timedelta(minutes=10)


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
    """Marks all numbers of an organization. It may run twice: nothing changes the second time."""
    brand = store.find_brand(job.org_id)
    if brand is None:
        telemetry.log_skip("the organization has no brand", org_id=job.org_id)
        return
    status, later = status_of_numbers(brand), False
    for number in numbers.list_numbers(job.org_id):
        if not number.active or not a2p.needs_registration(number.e164):
            continue
        marked = status
        if status is A2pStatus.REGISTERED and number.a2p_status != status:
            marked, waits = _join_campaign(brand, number)
            later = later or waits
        numbers.set_a2p_status(records.work_of(brand), number.id, marked)
    now = store.find_brand(job.org_id)
    if now and status_of_numbers(now) is not status:
        # The registration moved on meanwhile, and its own job may have come first.
        timers.send_later(job, clock.now())
    elif later:
        timers.send_later(job, clock.now() + _PAUSE)


def _join_campaign(brand: Brand, number: Number) -> tuple[A2pStatus, bool]:
    """Adds a number to the campaign. Returns its state, and whether to try again later."""
    if registry_name() != brand.registry or number.provider != brand.registry:
        telemetry.log_skip("the number is at another provider", number_id=number.id)
        return A2pStatus.UNREGISTERED, False
    if not may_join_campaign(brand, number):
        telemetry.log_skip("a sole proprietor has one number", number_id=number.id)
        return A2pStatus.UNREGISTERED, False
    try:
        get_registry().add_number(make_order(brand), number.sid)
    except (ThrottledError, OutcomeUnknownError) as silent:
        telemetry.log_skip("the number joins later", number_id=number.id, error=str(silent))
        return A2pStatus.PENDING, True
    except RefusedError as refused:
        telemetry.logger().warning("number not added", extra={"number_id": number.id, "reason": str(refused)})
        return A2pStatus.UNREGISTERED, False
    return A2pStatus.REGISTERED, False
