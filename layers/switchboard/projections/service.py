"""Projections: read models that a worker derives from events (docs/projections.md).

Each event is applied once. The transaction that changes the subject also adds the event to the subject's list of
applied events, which keeps it for some weeks. An older event has been applied, and is skipped, so a repeated event
changes nothing at any time. A projection that computes its subject from the present state of a thing needs no list.
After `switchboard projections clear`, events of any age count for some weeks, so a replay builds the projection again.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from switchboard import telemetry
from switchboard.analytics import opt_outs_projection, tallies_projection
from switchboard.aws.writes import commit
from switchboard.calls import history_projection, lists_projection, words_projection
from switchboard.errors import NotFound
from switchboard.events import registry
from switchboard.events.models import Event
from switchboard.kit import clock
from switchboard.messaging import words_projection as conversation_words
from switchboard.persistence import optimistic
from switchboard.persistence.optimistic import StaleVersionError
from switchboard.projections import store
from switchboard.projections.models import Projection
from switchboard.triggers import tallies_projection as trigger_tallies
from switchboard.voicemails import inbox_projection as voicemail_inbox

#: All projections by name. The registry of events names the projections of each type.
PROJECTIONS: Mapping[str, Projection] = {
    projection.name: projection
    for projection in (
        Projection(
            "number_history", history_projection.project, history_projection.subjects, history_projection.removal_writes
        ),
        Projection("call_lists", lists_projection.project, lists_projection.subjects, lists_projection.removal_writes),
        Projection("call_words", words_projection.project, words_projection.subjects, words_projection.removal_writes),
        Projection(
            "voicemail_inbox", voicemail_inbox.project, voicemail_inbox.subjects, voicemail_inbox.removal_writes
        ),
        Projection(
            "call_tallies",
            tallies_projection.project,
            tallies_projection.subjects,
            tallies_projection.removal_writes,
            lists_events=False,
        ),
        Projection(
            "opt_out_tallies",
            opt_outs_projection.project,
            opt_outs_projection.subjects,
            opt_outs_projection.removal_writes,
        ),
        Projection(
            "conversation_words",
            conversation_words.project,
            conversation_words.subjects,
            conversation_words.removal_writes,
            lists_events=False,
        ),
        Projection(
            "trigger_tallies",
            trigger_tallies.project,
            trigger_tallies.subjects,
            trigger_tallies.removal_writes,
        ),
    )
}


def project_event(event: Event) -> None:
    """Applies an event once to each projection of its type. Raises Contended."""
    row = registry.TYPES.get(event.type)
    for name in row.projections if row else ():
        projection = PROJECTIONS[name]
        optimistic.retry_on_conflict(lambda one=projection: _apply_event(one, event))  # type: ignore[misc]


def _apply_event(projection: Projection, event: Event) -> None:
    projected = projection.project(event)
    if projected is None:
        _log_skip("the projection has no use for the event", projection, event)
        return
    subject, writes = projected
    if not projection.lists_events:
        commit(writes)
        return
    if clock.parse(event.at) < clock.now() - store.COUNTING_TIME and not store.was_cleared(
        event.org_id, projection.name
    ):
        _log_skip("the event is old: clear the projection to count it again", projection, event)
        return
    if not optimistic.record_once(store.applied_event_write(event.org_id, projection.name, subject, event.id), writes):
        _log_skip("the event was applied before", projection, event)


def _log_skip(reason: str, projection: Projection, event: Event) -> None:
    telemetry.log_skip(reason, org_id=event.org_id, event_id=event.id, projection=projection.name)


def clear_projection(org_id: str, name: str) -> int:
    """Removes a projection of an organization, before a replay builds it again. Returns the number of its subjects.

    New events are still applied once during the removal. If a run stops, the next run finishes it. Raises NotFound for
    an unknown name, or Contended.
    """
    projection = PROJECTIONS.get(name)
    if projection is None:
        raise NotFound(f"There is no projection {name[:60]}: choose one of {', '.join(PROJECTIONS)}.")
    removed = set()
    # An earlier run may have stopped after it removed a subject, and before it removed the subject's events.
    for subject in chain(projection.subjects(org_id), store.list_subjects(org_id, name)):
        optimistic.retry_on_conflict(lambda one=subject: _remove_subject(projection, org_id, one))  # type: ignore[misc]
        removed.add(subject)
    # Only now: an old event must not be counted again in a subject that was not removed.
    if projection.lists_events:
        store.note_clearing(org_id, name)
    return len(removed)


def _remove_subject(projection: Projection, org_id: str, subject: str) -> None:
    # The removed subject must contain exactly the listed events. An event before the removal makes the removal fail. An
    # event after it creates the subject again and stays listed.
    taken = store.list_applied_events(org_id, projection.name, subject)
    removal = projection.removal(org_id, subject)
    if store.list_applied_events(org_id, projection.name, subject) != taken:
        raise StaleVersionError
    if removal is not None:
        commit(removal)
    if taken:
        store.delete_applied_events(taken)
