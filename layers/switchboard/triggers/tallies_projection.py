"""Projects fired triggers to the tallies of triggers (`switchboard.projections`)."""

from __future__ import annotations

from collections.abc import Iterator

from switchboard.aws import reads
from switchboard.aws.writes import Writes
from switchboard.events.models import Event
from switchboard.triggers import store
from switchboard.triggers.models import TriggerTally


def project(event: Event) -> tuple[str, Writes] | None:
    """Returns the id of the fired trigger, and the write that counts the firing. Skips a deleted trigger."""
    trigger_id = event.subject.id
    trigger, before = reads.read_refs(
        store.trigger_ref(event.org_id, trigger_id), store.tally_ref(event.org_id, trigger_id)
    )
    if trigger is None:
        return None
    before = before or TriggerTally()
    after = TriggerTally(fires=before.fires + 1, last_fired_at=max(before.last_fired_at or event.at, event.at))
    return trigger_id, store.tally_write(event.org_id, trigger_id, after, before.fires)


def subjects(org_id: str) -> Iterator[str]:
    """Returns the ids of all triggers that have a tally."""
    return store.list_tallied_triggers(org_id)


def removal_writes(org_id: str, trigger_id: str) -> Writes:
    """Returns the write that deletes a tally if it has not changed since it was read."""
    found = reads.read_ref(store.tally_ref(org_id, trigger_id))
    return store.delete_tally_write(org_id, trigger_id, found.fires) if found else None
