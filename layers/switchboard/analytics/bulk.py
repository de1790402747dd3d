"""The items of counted calls for a bulk load, as the worker would write them one call after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from switchboard.analytics import facts, store
from switchboard.analytics.facts import TallyKey
from switchboard.analytics.models import CountedNames
from switchboard.aws.dynamodb import Item
from switchboard.calls.models import Call


def bulk_items(org_id: str, calls: Iterable[tuple[Call, str | None]]) -> Iterator[Item]:
    """Yields the facts and tallies of an organization that has these calls only, each with the mood of its talk.

    No call may be counted meanwhile.
    """
    names, tallies = CountedNames(), dict[TallyKey, Counter[str]]()
    for call, sentiment in calls:
        if not facts.is_counted(call):
            continue
        fact, names = facts.make_fact(call, sentiment, names)
        yield store.fact_item(org_id, fact)
        for key, counts in facts.tallies_of(fact).items():
            tallies.setdefault(key, Counter()).update(counts)
    for key, counts in tallies.items():
        yield store.tally_item(org_id, key, counts)
    if write := store.names_write(org_id, CountedNames(), names):
        yield write.item
