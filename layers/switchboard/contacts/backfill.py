"""Creates contacts from the call history: a job processes the numbers, one page for each transaction.

A transaction creates the contacts of its page and advances the job. So each page is processed once, even if a worker
is killed or a job is delivered twice. A job processes some pages, and then a timer starts the next job. Until a job is
finished, its message is delivered again.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import NamedTuple

from switchboard import telemetry
from switchboard.aws.writes import Write, Writes, commit
from switchboard.calls import history
from switchboard.calls.history import CallHistory
from switchboard.contacts import service, store
from switchboard.contacts.jobs import ContinueBackfill
from switchboard.contacts.models import Backfill, BackfillStatus, Contact
from switchboard.errors import NotFound
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject, SystemActor
from switchboard.kit import clock, ids
from switchboard.persistence.idempotency import IdempotencyKey, commit_once
from switchboard.persistence.optimistic import AlreadyRecordedError, StaleVersionError, retry_on_conflict
from switchboard.timers import service as timers

#: The numbers of a page: one read gets their histories, another their contacts.
_NUMBERS_PER_PAGE = 100
#: The writes of a transaction for contacts. The job, its events and a timer need the rest of the hundred.
_MAX_CONTACT_WRITES = 95
#: The transactions of one job. They take a few seconds.
_STEPS_PER_JOB = 25
#: A job without progress for this long has lost its message, for example to the dead-letter queue. It gets a new one.
_STALLED_AFTER = timedelta(minutes=10)


class _Step(NamedTuple):
    """The work of one transaction: the numbers up to `after`, and their new or changed contacts."""

    after: str | None
    scanned: int
    created: list[str]
    updated: list[str]
    writes: list[Write]
    last: bool


def get_backfill(org_id: str) -> Backfill:
    """Returns the latest backfill. Raises NotFound without any."""
    found = store.get_backfill(org_id)
    if not found:
        raise NotFound("There is no backfill yet: start one.")
    return found


def start_backfill(origin: Origin, effect: IdempotencyKey | None = None) -> Backfill:
    """Starts a backfill, or returns the running one."""

    def attempt() -> Backfill:
        before = store.get_backfill(origin.org_id)
        if before and before.status is BackfillStatus.RUNNING:
            return _join_running(before)
        return _start(origin, before, effect)

    job = retry_on_conflict(attempt)
    assert job is not None, "no attempt raises Recorded"
    return job


def _start(origin: Origin, before: Backfill | None, effect: IdempotencyKey | None) -> Backfill:
    now = clock.now_iso()
    work = SystemActor(
        org_id=origin.org_id, actor=origin.actor, agent_id=origin.agent_id, correlation_id=origin.correlation_id
    )
    job = Backfill(id=ids.new_id("bf"), org_id=origin.org_id, started_at=now, moved_at=now, work=work)
    done = commit_once(
        effect,
        job.id,
        store.start_backfill_writes(before, job, StaleVersionError),
        events.new_event_write(origin, "contacts.backfill_started", Subject(type="backfill", id=job.id)),
    )
    return get_backfill(origin.org_id) if done else job


def _join_running(job: Backfill) -> Backfill:
    """Returns the running backfill. Restarts it if it has stalled. Raises StaleVersionError if it has changed."""
    now = clock.now()
    if clock.parse(job.moved_at) + _STALLED_AFTER > now:
        return job
    after = job.model_copy(update={"step": job.step + 1, "moved_at": clock.format_iso(now)})
    commit(store.advance_backfill_writes(job, after, StaleVersionError), _next_job_writes(after))
    return after


def run_next_steps(org_id: str, backfill_id: str) -> None:
    """Runs the next steps of a backfill. Does nothing for another or a completed backfill. Raises Contended."""
    job = store.get_backfill(org_id)
    if not job or job.id != backfill_id or _is_complete(job):
        telemetry.log_skip("another backfill runs, or this one is complete", org_id=org_id, backfill_id=backfill_id)
        return
    for number in range(1, _STEPS_PER_JOB + 1):
        if job is None or _is_complete(job):
            return
        # If somebody changes a contact of the page at the same time, the page is read again.
        job = retry_on_conflict(partial(_make_step, job, pause=number == _STEPS_PER_JOB))


def _is_complete(job: Backfill) -> bool:
    return job.status is BackfillStatus.COMPLETED


def _make_step(job: Backfill, *, pause: bool) -> Backfill:
    return _commit(job, _next_step(job), pause=pause)


def _next_step(job: Backfill) -> _Step:
    """Returns the next step: as many of the next numbers as fit into one transaction."""
    numbers = history.list_histories(job.org_id, job.after, _NUMBERS_PER_PAGE)
    found = (
        store.get_contacts(job.org_id, [service.contact_id(job.org_id, one.e164) for one in numbers]) if numbers else []
    )
    scanned, room = 0, _MAX_CONTACT_WRITES
    created: list[str] = []
    updated: list[str] = []
    writes: list[Write] = []
    for past, before in zip(numbers, found, strict=True):
        after = _contact_from_history(job.org_id, past, before)
        part = store.contact_writes(before, after, StaleVersionError) if after else []
        if len(part) > room:
            break
        scanned, room = scanned + 1, room - len(part)
        writes += part
        if after:
            (updated if before else created).append(after.id)
    done = history.number_id(job.org_id, numbers[scanned - 1].e164) if scanned else job.after
    return _Step(done, scanned, created, updated, writes, scanned == len(numbers) < _NUMBERS_PER_PAGE)


def _contact_from_history(org_id: str, past: CallHistory, before: Contact | None) -> Contact | None:
    """Returns a new contact for a number, or the contact with the name from the history. None if nothing changes."""
    if before and (before.display_name or not past.name):
        return None
    base = before or service.new_contact(org_id, past.e164)
    changes = {"display_name": past.name} if past.name else {}
    return service.next_revision(base, changes)


def _commit(job: Backfill, step: _Step, *, pause: bool) -> Backfill:
    now = clock.now_iso()
    after = job.model_copy(
        update={
            "step": job.step + 1,
            "after": step.after,
            "scanned": job.scanned + step.scanned,
            "created": job.created + len(step.created),
            "updated": job.updated + len(step.updated),
            "moved_at": now,
            "status": BackfillStatus.COMPLETED if step.last else BackfillStatus.RUNNING,
            "completed_at": now if step.last else None,
        }
    )
    commit(
        # Raises AlreadyRecordedError if another job has made this step, or another backfill has started.
        store.advance_backfill_writes(job, after, AlreadyRecordedError),
        step.writes,
        _backfill_event_writes(after, step),
        _next_job_writes(after) if pause and not step.last else None,
    )
    return after


def _backfill_event_writes(job: Backfill, step: _Step) -> list[Writes]:
    subject = Subject(type="backfill", id=job.id, version=job.step)
    told: list[Writes] = []
    if step.created or step.updated:
        event_write = events.new_event_write(
            job.work, "contacts.backfilled", subject, created=step.created, updated=step.updated
        )
        told.append(event_write)
    if step.last:
        counted = {"scanned": job.scanned, "created": job.created, "updated": job.updated}
        told.append(events.new_event_write(job.work, "contacts.backfill_completed", subject, **counted))
    return told


def _next_job_writes(backfill: Backfill) -> Writes:
    """Returns the write that sends the next job of a backfill through the outbox."""
    return timers.job_write(ContinueBackfill(org_id=backfill.org_id, backfill_id=backfill.id))
