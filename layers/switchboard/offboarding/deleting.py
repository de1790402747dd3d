"""The steps of a deletion, in jobs of bounded time.

| phase | does |
|---|---|
| ending | ends what acts or costs money (`offboarding.endings`). A failure is tried again, and stops nothing else |
| waiting | lets begun calls, jobs and deliveries end |
| objects, rows | delete the data (`offboarding.sweeping`), in passes: a later pass finds what late work has written |

Each step is repeated harmlessly, and is followed by the commit of its progress. So a deletion that was killed between
any two requests goes on with its last step. The progress has a version: of two jobs at once, one stops.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from switchboard import telemetry
from switchboard.accounts import organizations
from switchboard.aws.objects import FAILURES
from switchboard.aws.writes import Writes, commit
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.errors import DomainError
from switchboard.events import service as events
from switchboard.events.models import Subject
from switchboard.kit import clock
from switchboard.kit.deferral import Deferral
from switchboard.offboarding import store, sweeping
from switchboard.offboarding.endings import ENDINGS
from switchboard.offboarding.jobs import ContinueDeletion
from switchboard.offboarding.models import Deletion, Phase
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import StaleVersionError
from switchboard.timers import service as timers

#: The time in which a job begins steps, and its most steps. The longest step takes less than a minute.
_JOB_TIME, _STEPS_PER_JOB = timedelta(seconds=30), 200
#: The things that one step ends. A provider may take some seconds for each.
_ENDED_PER_STEP = 5
#: Longer than the longest delay of a queue, the cache of a key, and almost every call.
_QUIET = timedelta(hours=1)
#: The pause between two passes. Late reports of providers come within it.
_BETWEEN_PASSES = timedelta(days=1)
#: When the last pass is made. No dead letter is that old, so nothing is left that an operator could send again.
_LAST_PASS = timedelta(days=16)
#: A job that is not due for longer than this has been replaced by a later one. Clocks differ by less.
_EARLIEST = timedelta(minutes=1)
#: An ending that failed is tried again after these pauses, and then daily, until it succeeds.
_AGAIN = Deferral(timedelta(days=30), timedelta(minutes=5), timedelta(hours=6))
#: The errors of one thing that cannot be ended now. Others are faults, and the queue repeats the job.
_TROUBLES = (DomainError, RefusedError, ThrottledError, OutcomeUnknownError, *FAILURES)


def continue_deletion(org_id: str) -> None:
    """Does the next steps of a deletion, and sends the job of the following ones. Does nothing before they are due."""
    found = store.get_deletion(org_id)
    if found is None or found.is_complete:
        telemetry.log_skip("nothing is left to delete", org_id=org_id)
        return
    now = clock.now()
    if found.due and clock.parse(found.due) - now > _EARLIEST:
        telemetry.log_skip("a later job continues the deletion", org_id=org_id)
        return
    for number in range(1, _STEPS_PER_JOB + 1):
        is_last = number == _STEPS_PER_JOB or clock.now() - now > _JOB_TIME
        try:
            found = _make_step(found, is_last=is_last)
        except StaleVersionError:
            telemetry.log_skip("another job continues the deletion", org_id=org_id)
            return
        if is_last or found.due or found.is_complete:
            return


def _make_step(found: Deletion, *, is_last: bool) -> Deletion:
    match found.phase:
        case Phase.ENDING:
            after, writes = _end_next(found)
        case Phase.WAITING:
            after, writes = next_version(found, phase=Phase.OBJECTS, place=0, due=None), None
        case Phase.OBJECTS:
            after, writes = _delete_objects(found), None
        case _:
            after, writes = _delete_rows(found)
    job = ContinueDeletion(org_id=after.org_id)
    if after.due:
        writes = [writes, timers.schedule(job, clock.parse(after.due)).write]
    elif is_last and not after.is_complete:
        writes = [writes, timers.job_write(job)]
    commit(store.DELETIONS.save_write(after), writes)
    return after


def _end_next(found: Deletion) -> tuple[Deletion, Writes]:
    kinds = list(ENDINGS)
    if found.place == len(kinds):
        return _finish_ending(found), None
    kind = kinds[found.place]
    if found.passes and kind not in found.trouble:
        # It ended before the data went.
        return next_version(found, place=found.place + 1, due=None), None
    trouble = {name: why for name, why in found.trouble.items() if name != kind}
    ended, stays = 0, False
    try:
        for _ in islice(ENDINGS[kind](found.work), _ENDED_PER_STEP):
            ended += 1
        stays = ended == _ENDED_PER_STEP
    except _TROUBLES as error:
        telemetry.emit_metric("OffboardingBlocked")
        told = {"org_id": found.org_id, "kind": kind, "reason": str(error)}
        telemetry.logger().warning("a deletion cannot end something yet", extra=told)
        trouble[kind] = str(error)
    facts: dict[str, Any] = {"trouble": trouble, "place": found.place if stays else found.place + 1, "due": None}
    if ended:
        facts["ended"] = {**found.ended, kind: found.ended.get(kind, 0) + ended}
    return next_version(found, **facts), None


def _finish_ending(found: Deletion) -> Deletion:
    """Returns the deletion after its last ending.

    Something that cannot be ended yet does not stop the first pass. Later passes wait for it, and only the endings are
    tried again.
    """
    if found.trouble and found.passes:
        return next_version(found, place=0, due=_due_again(found))
    return next_version(found, phase=Phase.WAITING, place=0, due=_due(clock.now() + _QUIET))


def _delete_objects(found: Deletion) -> Deletion:
    if found.place == len(sweeping.BUCKETS):
        return next_version(found, phase=Phase.ROWS, place=0, position=None, due=None)
    deleted = sweeping.sweep_bucket(sweeping.BUCKETS[found.place], found.org_id)
    return next_version(
        found,
        place=found.place if deleted else found.place + 1,
        objects=found.objects + deleted,
        found=found.found + deleted,
        due=None,
    )


def _delete_rows(found: Deletion) -> tuple[Deletion, Writes]:
    if found.place == len(sweeping.TABLES):
        return _finish_pass(found)
    page = sweeping.sweep_table(found, sweeping.TABLES[found.place])
    after = next_version(
        found,
        place=found.place if page.position else found.place + 1,
        position=page.position,
        rows=found.rows + page.changed,
        found=found.found + page.changed,
        due=None,
    )
    return after, None


def _finish_pass(found: Deletion) -> tuple[Deletion, Writes]:
    """Ends a pass. The organization is erased when a pass finds nothing, and the last pass comes some days later."""
    now = clock.now()
    facts: dict[str, Any] = {"phase": Phase.OBJECTS, "place": 0, "position": None, "found": 0}
    facts["passes"] = found.passes + 1
    if found.trouble:
        return next_version(found, **facts | {"phase": Phase.ENDING}, due=_due_again(found)), None
    if found.found:
        return next_version(found, **facts, due=_due(now + _BETWEEN_PASSES)), None
    if found.erased_at is None:
        last = max(clock.parse(found.created_at) + _LAST_PASS, now + _BETWEEN_PASSES)
        after = next_version(found, **facts, erased_at=clock.now_iso(), due=_due(last))
        return after, [
            organizations.erased_profile_write(found.org_id),
            events.new_event_write(
                found.work,
                "organization.erased",
                Subject(type="organization", id=found.org_id),
                rows=after.rows,
                objects=after.objects,
                passes=after.passes,
            ),
        ]
    return next_version(found, **facts | {"phase": Phase.DONE}, due=None, completed_at=clock.now_iso()), None


def _due_again(found: Deletion) -> str:
    return _due(_AGAIN.next_attempt_at(found.created_at) or clock.now() + _BETWEEN_PASSES)


def _due(moment: datetime) -> str:
    return clock.format_iso(moment)
