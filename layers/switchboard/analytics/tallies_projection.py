"""Projects calls to facts and tallies (`analytics.store`).

A call changes several times. Each event makes the worker compute the fact from the present call, and add the difference
to the tallies in the same commit. So repeated, late and unordered events lead to the same figures.
"""

from __future__ import annotations

from collections.abc import Iterator

from switchboard.analytics import facts, store
from switchboard.analytics.models import CountedNames
from switchboard.aws import reads
from switchboard.aws.writes import Writes
from switchboard.calls import lookup
from switchboard.events.models import Event
from switchboard.persistence.listing import place_of
from switchboard.persistence.optimistic import StaleVersionError


def project(event: Event) -> tuple[str, Writes] | None:
    """Returns the place of a call's fact, and the writes that count the call as it is now."""
    call = reads.read_ref(lookup.call_ref(event.org_id, event.subject.id))
    if call is None or not facts.is_counted(call):
        return None
    place = place_of(call.created_at, call.id)
    before, names, sentiment = reads.read_refs(
        store.fact_ref(call.org_id, place),
        store.names_ref(call.org_id),
        lookup.sentiment_ref(call.org_id, call.id),
    )
    if before and before.call_version > call.version:
        # A parallel worker counted a later version of the call.
        raise StaleVersionError
    names = names or CountedNames()
    fact, named = facts.make_fact(call, sentiment, names)
    after = fact.model_copy(update={"version": before.version + 1}) if before else fact
    if before and fact == before.model_copy(update={"version": fact.version}):
        return None
    return place, [
        # A fact that counts the same is stored, too: its version of the call shows which reads are late.
        store.fact_write(call.org_id, before, after),
        store.names_write(call.org_id, names, named),
        store.tally_writes(call.org_id, facts.difference(before, after)),
    ]


def subjects(org_id: str) -> Iterator[str]:
    """Returns the places of all facts."""
    return store.list_places(org_id)


def removal_writes(org_id: str, place: str) -> Writes:
    """Returns the writes that remove a fact and take it from its tallies."""
    fact = store.get_fact(org_id, place)
    return (
        [store.fact_delete_write(org_id, fact), store.tally_writes(org_id, facts.difference(fact, None))]
        if fact
        else None
    )
