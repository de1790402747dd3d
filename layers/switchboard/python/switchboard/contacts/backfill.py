"""Contacts from the call history: a job that walks through the numbers, a page a transaction.

A transaction makes the contacts of its page and moves the job past them, so each page is done once, whoever is killed
and however often a job is brought. A job goes on for some pages, then lets a timer bring the next one; until it is
done its own message comes again.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import NamedTuple

from switchboard.aws import clock, ids
from switchboard.aws.effect import Effect, commit_once
from switchboard.aws.table import Write, Writes, commit
from switchboard.calls import history
from switchboard.calls.history import History
from switchboard.contacts import service, store
from switchboard.contacts.jobs import ContinueBackfill
from switchboard.contacts.models import Backfill, Contact, Status
from switchboard.errors import NotFound
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject, Work
from switchboard.kit.change import Moved, Recorded, again
from switchboard.timers import service as timers

#: Numbers that are looked at together: their histories are one read, their contacts another.
_PAGE = 100
#: Writes of one transaction for contacts; the job, its events and a timer are the rest of a hundred.
_ROOM = 95
#: Transactions of one job, which take some seconds.
_STEPS = 25
#: A job that stood still for so long has lost its message, in the dead-letter queue for one: it gets another.
_STALLED = timedelta(minutes=10)


class _Step(NamedTuple):
    """What a transaction does: the numbers up to `after`, and the contacts that they make."""

    after: str | None
    scanned: int
    created: list[str]
    updated: list[str]
    writes: list[Write]
    last: bool


def standing(org_id: str) -> Backfill:
    """How the last backfill stands. Raises NotFound where there was none."""
    found = store.get_backfill(org_id)
    if not found:
        raise NotFound("There was no backfill yet.")
    return found


def start(origin: Origin, effect: Effect | None = None) -> Backfill:
    """Start a backfill, or join the one that runs."""

    def attempt() -> Backfill:
        before = store.get_backfill(origin.org_id)
        if before and before.status is Status.RUNNING:
            return _joined(before)
        return _start(origin, before, effect)

    job = again(attempt)
    assert job is not None, "nothing here is recorded before"
    return job


def _start(origin: Origin, before: Backfill | None, effect: Effect | None) -> Backfill:
    now = clock.stamp()
    work = Work(
        org_id=origin.org_id, actor=origin.actor, agent_id=origin.agent_id, correlation_id=origin.correlation_id
    )
    job = Backfill(id=ids.new("bf"), org_id=origin.org_id, started_at=now, moved_at=now, work=work)
    done = commit_once(
        effect,
        job.id,
        store.start(before, job, Moved),
        events.record(events.of(origin, "contacts.backfill_started", Subject(type="backfill", id=job.id))),
    )
    return standing(origin.org_id) if done else job


def _joined(job: Backfill) -> Backfill:
    """The running backfill, set going again if it stands still. Raises Moved if it does not any more."""
    now = clock.now()
    if clock.parse(job.moved_at) + _STALLED > now:
        return job
    after = job.model_copy(update={"step": job.step + 1, "moved_at": clock.iso(now)})
    commit(store.move(job, after, Moved), _going_on(after))
    return after


def go_on(org_id: str, backfill_id: str) -> None:
    """Do a backfill's next steps. One that is over, or that another job is at, is left alone. Raises Contended."""
    job = store.get_backfill(org_id)
    if not job or job.id != backfill_id:
        return
    for number in range(1, _STEPS + 1):
        if job is None or job.status is Status.COMPLETED:
            return
        # Where somebody changes a contact of the page, it is looked at again.
        job = again(partial(_make_step, job, pause=number == _STEPS))


def _make_step(job: Backfill, *, pause: bool) -> Backfill:
    return _commit(job, _next(job), pause=pause)


def _next(job: Backfill) -> _Step:
    """As many of the next numbers as one transaction has room for."""
    numbers = history.numbers(job.org_id, job.after, _PAGE)
    found = store.get_many(job.org_id, [service.id_of(job.org_id, one.e164) for one in numbers]) if numbers else []
    scanned, room = 0, _ROOM
    created: list[str] = []
    updated: list[str] = []
    writes: list[Write] = []
    for past, before in zip(numbers, found, strict=True):
        after = _made(job.org_id, past, before)
        part = store.save(before, after, Moved) if after else []
        if len(part) > room:
            break
        scanned, room = scanned + 1, room - len(part)
        writes += part
        if after:
            (updated if before else created).append(after.id)
    done = history.id_of(job.org_id, numbers[scanned - 1].e164) if scanned else job.after
    return _Step(done, scanned, created, updated, writes, scanned == len(numbers) < _PAGE)


def _made(org_id: str, past: History, before: Contact | None) -> Contact | None:
    """The contact that a number's history makes, or gives a name to; None where it adds nothing."""
    if before and (before.display_name or not past.name):
        return None
    base = before or service.new(org_id, past.e164)
    changes = {"display_name": past.name} if past.name else {}
    return base.changed(changes, ids.new("rev"), clock.stamp())


def _commit(job: Backfill, step: _Step, *, pause: bool) -> Backfill:
    now = clock.stamp()
    after = job.model_copy(
        update={
            "step": job.step + 1,
            "after": step.after,
            "scanned": job.scanned + step.scanned,
            "created": job.created + len(step.created),
            "updated": job.updated + len(step.updated),
            "moved_at": now,
            "status": Status.COMPLETED if step.last else Status.RUNNING,
            "completed_at": now if step.last else None,
        }
    )
    commit(
        # Another job has made this step, or another backfill has begun.
        store.move(job, after, Recorded),
        step.writes,
        _told(after, step),
        _going_on(after) if pause and not step.last else None,
    )
    return after


def _told(job: Backfill, step: _Step) -> list[Writes]:
    subject = Subject(type="backfill", id=job.id, version=job.step)
    told: list[Writes] = []
    if step.created or step.updated:
        event = events.of(job.work, "contacts.backfilled", subject, created=step.created, updated=step.updated)
        told.append(events.record(event))
    if step.last:
        counted = {"scanned": job.scanned, "created": job.created, "updated": job.updated}
        told.append(events.record(events.of(job.work, "contacts.backfill_completed", subject, **counted)))
    return told


def _going_on(backfill: Backfill) -> Writes:
    """What brings the next job of a backfill, by the outbox."""
    return timers.soon(ContinueBackfill(org_id=backfill.org_id, backfill_id=backfill.id))
