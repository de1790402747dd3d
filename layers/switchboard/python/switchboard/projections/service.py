"""Projections: what is only shown, made from events by a worker of its own (docs/projections.md).

An event is taken once. Its item in the subject's list of taken events is written in the transaction that changes the
subject, so that an event which comes again, at any time, changes nothing. A projection may be cleared and made again by
`switchboard events replay`.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from switchboard.aws.table import commit
from switchboard.calls import history_projection as history
from switchboard.errors import NotFound
from switchboard.events import registry
from switchboard.events.models import Event
from switchboard.kit import change as kit
from switchboard.kit.change import Moved
from switchboard.projections import store
from switchboard.projections.models import Projection

#: All projections by name. The rows of the registry of events name those that an event goes to.
PROJECTIONS: Mapping[str, Projection] = {
    projection.name: projection
    for projection in (Projection("number_history", history.project, history.subjects, history.removal),)
}


def project(event: Event) -> None:
    """Let the projections of an event's type take it, each once. Raises Contended."""
    row = registry.TYPES.get(event.type)
    for name in row.projections if row else ():
        projection = PROJECTIONS[name]
        kit.again(lambda one=projection: _take(one, event))  # type: ignore[misc]


def _take(projection: Projection, event: Event) -> None:
    projected = projection.project(event)
    if projected is None:
        return
    subject, writes = projected
    kit.record(store.put_taken(event.org_id, projection.name, subject, event.id), writes)


def clear(org_id: str, name: str) -> int:
    """Remove a projection of an organization, for a replay that makes it again. Returns how many subjects it had.

    Events that come meanwhile are taken once, too. A run that was stopped is finished by the next. Raises NotFound for
    no projection of that name, Contended.
    """
    projection = PROJECTIONS.get(name)
    if projection is None:
        raise NotFound(f"There is no projection {name[:60]}: choose one of {', '.join(PROJECTIONS)}.")
    removed = set()
    # A run that was stopped may have left events of a subject that it had removed.
    for subject in chain(projection.subjects(org_id), store.subjects(org_id, name)):
        kit.again(lambda one=subject: _remove(projection, org_id, one))  # type: ignore[misc]
        removed.add(subject)
    return len(removed)


def _remove(projection: Projection, org_id: str, subject: str) -> None:
    # The subject that is removed holds just the listed events: others come before its removal, which then fails, or
    # after it, and stay with what they make.
    taken = store.taken(org_id, projection.name, subject)
    removal = projection.removal(org_id, subject)
    if store.taken(org_id, projection.name, subject) != taken:
        raise Moved
    if removal is not None:
        commit(removal)
    if taken:
        store.delete_taken(taken)
