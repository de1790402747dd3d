"""The text by which a sole proprietor proves a registration to the registry, sent again when a member asks for it."""

from __future__ import annotations

from datetime import timedelta

from switchboard import telemetry
from switchboard.brands import records, store
from switchboard.brands.drafts import change_brand
from switchboard.brands.jobs import SendVerification
from switchboard.brands.models import Brand, RegistrationStatus
from switchboard.brands.orders import make_order
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.carriers.registrations import get_registry, registry_name
from switchboard.carriers.registrations.ports.registry import VERIFICATION_NEEDED
from switchboard.errors import Conflict
from switchboard.events.models import Origin
from switchboard.kit import clock
from switchboard.persistence.collection import next_version
from switchboard.persistence.idempotency import IdempotencyKey, find_earlier_effect
from switchboard.persistence.optimistic import Decision
from switchboard.timers import service as timers

#: Each text ends the code of the one before, so a second one at once only confuses the person.
RESEND_PAUSE = timedelta(minutes=5)
_BUSY_PAUSE = timedelta(minutes=1)


def _waits_for_person(brand: Brand) -> bool:
    return brand.status is RegistrationStatus.PENDING and any(one.code == VERIFICATION_NEEDED for one in brand.errors)


def request_verification(origin: Origin, effect: IdempotencyKey | None = None) -> Brand:
    """Has the text sent again by a worker. Raises Conflict if no text is needed, or if one was just sent."""
    if find_earlier_effect(effect):
        return store.find_brand(origin.org_id) or records.new_brand(origin.org_id)

    def decide(before: Brand) -> Decision[Brand]:
        if not _waits_for_person(before):
            raise Conflict(
                "This brand is not waiting for the confirmation of a sole proprietor: no text is needed.",
                code="verification_not_needed",
                status=before.status.value,
            )
        asked = before.verification_asked_at
        if asked and clock.now() < clock.parse(asked) + RESEND_PAUSE:
            raise Conflict(
                "A text was sent a moment ago: answer it with YES, or ask for another one after five minutes.",
                code="verification_just_sent",
                status=before.status.value,
            )
        now = clock.now_iso()
        after = next_version(before, verification_asked_at=now)
        return after, [
            records.brand_event_write(origin, "brand.verification_requested", after, attempt=after.attempt),
            timers.job_write(SendVerification(org_id=before.org_id, asked_at=now)),
        ]

    return change_brand(origin, decide, effect)


def send_verification(job: SendVerification) -> None:
    """Has the registry send the text. A request is taken once, so a job that comes twice sends one text."""
    brand = _take_request(job, taken=job.asked_at)
    if brand is None:
        telemetry.log_skip("no text is needed, or another worker sends it", org_id=job.org_id)
        return
    facts = {"org_id": job.org_id, "brand_id": brand.id}
    try:
        get_registry().send_verification(make_order(brand))
    except ThrottledError as busy:
        telemetry.log_skip("the registry sends the text later", **facts, error=str(busy))
        _take_request(job, taken=None)
        timers.send_later(job, clock.now() + _BUSY_PAUSE)
    except OutcomeUnknownError as unknown:
        # The text may be on its way. A member who sees none asks again.
        telemetry.emit_metric("RegistryOutcomeUnknown")
        telemetry.log_skip("the text may be sent", **facts, error=str(unknown))
    except RefusedError as refused:
        telemetry.logger().warning("the registry sends no text", extra={**facts, "reason": str(refused)})


def _take_request(job: SendVerification, *, taken: str | None) -> Brand | None:
    """Records that a worker takes a request, or gives it back. Returns `None` if there is nothing to record."""
    found = store.find_brand(job.org_id)
    if found is None or registry_name() != found.registry:
        return None

    def decide(now: Brand) -> Decision[Brand]:
        if not _waits_for_person(now) or now.verification_asked_at != job.asked_at or now.verification_taken == taken:
            return None
        return next_version(now, verification_taken=taken), []

    return store.BRANDS.change_object(job.org_id, found.id, decide)
