"""Begins the deletion of an organization, and tells how far it is.

The deletion itself is work of `workers/offboarding` (`offboarding.deleting`). The process that begins it may end at
once.
"""

from __future__ import annotations

from switchboard.accounts import organizations
from switchboard.aws.writes import commit
from switchboard.errors import NotFound
from switchboard.events.models import Origin, SystemActor
from switchboard.kit import clock
from switchboard.offboarding import store
from switchboard.offboarding.jobs import ContinueDeletion
from switchboard.offboarding.models import Deletion
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import StaleVersionError, retry_on_conflict
from switchboard.timers import service as timers


def begin_deletion(origin: Origin) -> Deletion:
    """Begins the deletion of an organization. From its commit on, no key, session or accepted work acts for it.

    A deletion that has begun gets another job, in case its job was lost, and tries again at once what it could not end.
    Raises NotFound.
    """

    def attempt() -> Deletion:
        found = store.get_deletion(origin.org_id)
        if found is None:
            return _begin(origin)
        if found.is_complete:
            return found
        after = next_version(found, due=None if found.trouble else found.due)
        commit(store.DELETIONS.save_write(after), timers.job_write(ContinueDeletion(org_id=origin.org_id)))
        return after

    begun = retry_on_conflict(attempt)
    assert begun is not None, "nothing here is recorded before"
    return begun


def _begin(origin: Origin) -> Deletion:
    now = clock.now_iso()
    work = SystemActor(
        org_id=origin.org_id, actor=origin.actor, agent_id=origin.agent_id, correlation_id=origin.correlation_id
    )
    made = Deletion(id=store.DELETION, org_id=origin.org_id, work=work, created_at=now, updated_at=now)
    organizations.set_status(
        origin,
        "deleted",
        store.begin_write(made, StaleVersionError),
        timers.job_write(ContinueDeletion(org_id=origin.org_id)),
    )
    return made


def get_deletion(org_id: str) -> Deletion:
    """Returns the deletion of an organization. Raises NotFound if nobody has deleted it."""
    found = store.get_deletion(org_id)
    if found is None:
        raise NotFound("Nobody has deleted this organization.")
    return found
