"""Hands brands and campaigns to the registry, one step a turn, and asks for its verdict.

A turn claims its step, does it, and records the thing's id together with the next turn. A turn whose job comes again
while the step may still be on its way waits. After that the step is done again: it finds its thing by name, so nothing
is made twice. A turn that is over has no number any more, so its job has nothing to do.

An approval is not for ever: the watch asks each day whether it still holds.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from switchboard import telemetry
from switchboard.aws.writes import commit
from switchboard.brands import store, verdicts
from switchboard.brands.jobs import AdvanceRegistration, MarkNumbers, RecheckRegistration, WatchRegistration
from switchboard.brands.models import Brand, RegistrationStatus, StepClaim
from switchboard.brands.orders import approved_parts, make_order, part_under_way, status_of_part
from switchboard.brands.service import WATCH_PAUSE
from switchboard.brands.verdicts import Decided
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.carriers.registrations import get_registry, registry_name
from switchboard.carriers.registrations.ports.registry import (
    RegistrationPart,
    RegistrationRefusedError,
    Registry,
    RegistryIssue,
    ReviewPendingError,
)
from switchboard.kit import clock
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import Decision
from switchboard.timers import service as timers

#: A step takes some seconds at most. After this time it has certainly taken effect, or never will.
GRACE = timedelta(seconds=60)
#: Refused texts come in crowds. Within this time they ask the registry once.
_RECHECK_PAUSE = timedelta(minutes=10)
#: After this time without a verdict, an operator should ask the registry.
_OVERDUE = timedelta(days=30)


def advance_registration(job: AdvanceRegistration) -> None:
    """Does the next step of a registration, or asks for the verdict. A second run of a turn finds it over."""
    brand = store.find_brand(job.org_id)
    part = part_under_way(brand) if brand and brand.turn == job.turn else None
    if brand is None or part is None:
        telemetry.log_skip("the turn is over", org_id=job.org_id, turn=job.turn)
        return
    if registry_name() != brand.registry:
        telemetry.log_skip("another registry has the brand", org_id=job.org_id)
        _settle(brand, verdicts.ask_later)
        return
    registry = get_registry()
    if status_of_part(brand, part) is RegistrationStatus.PENDING:
        ask_verdict(brand, part, registry)
    else:
        _take_step(brand, part, registry)


def _take_step(brand: Brand, part: RegistrationPart, registry: Registry) -> None:
    step = registry.next_step(make_order(brand), part)
    assert step, "a part that is submitted has a step left"
    if brand.claim and (wait := clock.parse(brand.claim.at) + GRACE - clock.now()) > timedelta(0):
        telemetry.log_skip("the step may be on its way", org_id=brand.org_id, step=step)
        timers.send_later(AdvanceRegistration(org_id=brand.org_id, turn=brand.turn), clock.now() + wait)
        return
    claimed = _claim_step(brand, step)
    if claimed is None:
        telemetry.log_skip("another worker does the step", org_id=brand.org_id, step=step)
        return
    try:
        sid = registry.perform_step(make_order(claimed), step)
    except ThrottledError as busy:
        # A bundle in review is no failure, and neither is a registry that is busy.
        if not isinstance(busy, ReviewPendingError):
            telemetry.emit_metric("RegistryThrottled")
        telemetry.log_skip("the registry takes the step later", org_id=brand.org_id, step=step, error=str(busy))
        _settle(claimed, verdicts.ask_later)
        return
    except OutcomeUnknownError as unknown:
        telemetry.emit_metric("RegistryOutcomeUnknown")
        telemetry.log_skip("the step's outcome is unknown", org_id=brand.org_id, step=step, error=str(unknown))
        timers.send_later(AdvanceRegistration(org_id=brand.org_id, turn=brand.turn), clock.now() + GRACE)
        return
    except RefusedError as refused:
        issues = _issues_of(refused)
        _settle(claimed, lambda now: verdicts.reject(now, part, issues))
        return
    done = make_order(claimed.model_copy(update={"done": [*claimed.done, step]}))
    is_last = registry.next_step(done, part) is None
    _settle(claimed, lambda now: verdicts.finish_step(now, part, step, sid, is_last=is_last))


def _claim_step(brand: Brand, step: str) -> Brand | None:
    """Records that a worker does a step now. Returns `None` if another one was faster."""

    def decide(now: Brand) -> Decision[Brand]:
        if now.turn != brand.turn or now.claim != brand.claim:
            return None
        return next_version(now, claim=StepClaim(step=step, at=clock.now_iso())), []

    return store.BRANDS.change_object(brand.org_id, brand.id, decide)


def _issues_of(refused: RefusedError) -> list[RegistryIssue]:
    if isinstance(refused, RegistrationRefusedError):
        return refused.issues
    return [RegistryIssue("refused", f"The registry refuses the registration: {refused}.")]


def ask_verdict(brand: Brand, part: RegistrationPart, registry: Registry, *, once: bool = False) -> None:
    """Asks the registry for its verdict and applies it. Without one, asks again later, unless `once` is set."""
    try:
        review = registry.fetch_review(make_order(brand), part)
    except (ThrottledError, OutcomeUnknownError, RefusedError) as silent:
        telemetry.log_skip("the registry does not answer", org_id=brand.org_id, error=str(silent))
        _settle(brand, None if once else verdicts.ask_later)
        return
    if review.outcome == "approved":
        _settle(brand, lambda now: verdicts.approve(now, part))
    elif review.outcome == "rejected":
        _settle(brand, lambda now: verdicts.reject(now, part, review.issues))
    else:
        if clock.now() - clock.parse(brand.begun_at or brand.created_at) > _OVERDUE:
            telemetry.emit_metric("RegistrationOverdue")
        _settle(brand, lambda now: verdicts.wait_for_verdict(now, part, review.issues, asks_again=not once))


def _settle(brand: Brand, move: Callable[[Brand], Decided | None] | None) -> None:
    """Moves a brand whose turn is still the same. Another worker may have ended the turn."""

    def decide(now: Brand) -> Decision[Brand]:
        return move(now) if move and now.turn == brand.turn else None

    if store.BRANDS.change_object(brand.org_id, brand.id, decide) is None:
        telemetry.log_skip("nothing changes", org_id=brand.org_id, turn=brand.turn)


def watch_registration(job: WatchRegistration) -> None:
    """Starts an attempt again that has stopped, because its job was lost, and asks whether its approvals still hold.

    A turn that runs is not disturbed.
    """
    brand = store.find_brand(job.org_id)
    if brand is None or brand.attempt != job.attempt or not (part_under_way(brand) or approved_parts(brand)):
        telemetry.log_skip("the attempt is over", org_id=job.org_id, attempt=job.attempt)
        return
    if _plan_next_watch(brand, job) is None and brand.watch != job.number + 1:
        telemetry.log_skip("a later watch runs", org_id=job.org_id, attempt=job.attempt)
        return
    if part_under_way(brand):
        timers.send_later(AdvanceRegistration(org_id=brand.org_id, turn=brand.turn), clock.now())
    # A number that the registry did not add in time gets another chance.
    commit(timers.job_write(MarkNumbers(org_id=brand.org_id)))
    if registry_name() == brand.registry:
        _ask_approvals(brand, approved_parts(brand))


def _plan_next_watch(brand: Brand, job: WatchRegistration) -> Brand | None:
    """Plans the watch after this one, once. Returns `None` if that was done before."""

    def decide(now: Brand) -> Decision[Brand]:
        if (now.attempt, now.watch) != (job.attempt, job.number):
            return None
        after = job.model_copy(update={"number": job.number + 1})
        # Nothing that a member sees changes.
        planned = next_version(now, watch=after.number).model_copy(update={"updated_at": now.updated_at})
        return planned, [timers.schedule(after, clock.now() + WATCH_PAUSE).write]

    return store.BRANDS.change_object(job.org_id, brand.id, decide)


def _ask_approvals(brand: Brand, parts: list[RegistrationPart]) -> None:
    """Asks the registry whether its approvals still hold. One that it took back is a rejection."""
    registry = get_registry()
    for part in parts:
        try:
            review = registry.fetch_review(make_order(brand), part)
        except (ThrottledError, OutcomeUnknownError, RefusedError) as silent:
            telemetry.log_skip("the registry does not answer", org_id=brand.org_id, error=str(silent))
            return
        if review.outcome == "rejected":
            issues = review.issues or [RegistryIssue("suspended", f"The registry no longer approves the {part}.")]
            _settle(brand, partial(verdicts.reject, part=part, issues=issues))
            return


def recheck_registration(job: RecheckRegistration) -> None:
    """Asks the registry about its approvals because of a refused text. Many texts at once ask once."""
    found = store.find_brand(job.org_id)
    held = approved_parts(found) if found else []
    if found is None or not held or registry_name() != found.registry:
        telemetry.log_skip("the organization has no approval", org_id=job.org_id)
        return

    def decide(now: Brand) -> Decision[Brand]:
        if now.rechecked_at and clock.now() < clock.parse(now.rechecked_at) + _RECHECK_PAUSE:
            return None
        # Nothing that a member sees changes.
        asked = next_version(now, rechecked_at=clock.now_iso()).model_copy(update={"updated_at": now.updated_at})
        return asked, []

    brand = store.BRANDS.change_object(job.org_id, found.id, decide)
    if brand is None:
        telemetry.log_skip("the registry was asked a moment ago", org_id=job.org_id)
        return
    _ask_approvals(brand, held)


def check_registration(org_id: str, brand_id: str) -> None:
    """Asks the registry now, because it said that there is news. It says nothing else that counts."""
    brand = store.find_brand(org_id)
    if brand is None or brand.id != brand_id or registry_name() != brand.registry:
        telemetry.log_skip("no registration waits for news", org_id=org_id, brand_id=brand_id)
        return
    part = part_under_way(brand)
    if part and status_of_part(brand, part) is RegistrationStatus.PENDING:
        ask_verdict(brand, part, get_registry(), once=True)
    elif part and brand.claim is None:
        # The review of a bundle, which a step waits for.
        _take_step(brand, part, get_registry())
    held = approved_parts(brand)
    if held and (now := store.find_brand(org_id)):
        # The news may be that an approval was taken back.
        _ask_approvals(now, held)
