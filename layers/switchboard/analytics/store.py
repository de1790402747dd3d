"""Counted calls in the `core` table.

| item | pk | sk |
|---|---|---|
| fact of a call | `<org>#call-facts` | `<created_at>#<call id>` |
| tally of an hour | `<org>#tallies#<flow>` | `hour#<YYYY-MM-DDTHH>` |
| tally of a day | `<org>#tallies#<flow>` | `day#<YYYY-MM-DD>` |
| lines of flows in an hour | `<org>#tallies` | `hour#<YYYY-MM-DDTHH>#<group>` |
| lines of flows in a day | `<org>#tallies` | `day#<YYYY-MM-DD>#<group>` |
| texts of a month | `<org>#tallies` | `day#<YYYY-MM>#<kind>#<slice>` (`message_tallies`) |
| numbers of flows and outcomes | `<org>#tallies` | `names` |

Hours and days are in UTC, so that a tally holds for every time zone. The tallies of the whole organization have no
flow in their key. The lines of a day follow its tally, and the texts of a month come before its days. So one query
reads all days of a report. A tally's attributes are counters:

- `calls`, `inbound`, `answered`, `voicemails`, `transfers`, `talks`, `seconds` (`models.CallFigures`)
- `o:<number>` for an outcome, `s:<word>` for a sentiment
- `f<number><letter>` for a flow, in the lines of flows only (`facts.LINE_COUNTERS`)

Lines of flows are in items of their own, ten flows in each (`facts.FLOWS_PER_GROUP`). An update costs as much as its
whole item, so an event costs the same with one flow and with 500.

In the tally of an hour each counter has the quarter of the hour before it: `2:calls`. The tally of a day also has
`c<quarter of the day>` for calls and `s…` for seconds, for days and hours of other zones. There are up to 192 of them,
and their names are short: a year of days fits into the megabyte that a query returns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from switchboard.analytics.facts import Tallies, TallyKey
from switchboard.analytics.models import CallFact, CountedNames
from switchboard.aws import reads
from switchboard.aws.dynamodb import Item
from switchboard.aws.reads import Query, Ref
from switchboard.aws.writes import Delete, Put, Update, Write
from switchboard.kit import clock
from switchboard.persistence.optimistic import StaleVersionError

_KEYS = frozenset({"pk", "sk"})


def _partition(org_id: str, flow_id: str | None) -> str:
    return f"{org_id}#tallies" + (f"#{flow_id}" if flow_id else "")


def fact_ref(org_id: str, place: str) -> Ref[CallFact]:
    return Ref("core", {"pk": f"{org_id}#call-facts", "sk": place}, CallFact.model_validate)


def names_ref(org_id: str) -> Ref[CountedNames]:
    return Ref("core", {"pk": _partition(org_id, None), "sk": "names"}, CountedNames.model_validate)


def tally_ref(org_id: str, key: TallyKey) -> Ref[Counter[str]]:
    group = "" if key.group is None else f"#{key.group:02}"
    return Ref("core", {"pk": _partition(org_id, key.flow_id), "sk": f"{key.period}{group}"}, read_tally)


def read_tally(item: Item) -> Counter[str]:
    """Returns the counters of a tally."""
    return Counter({name: int(value) for name, value in item.items() if name not in _KEYS})


def get_fact(org_id: str, place: str) -> CallFact | None:
    return reads.read_ref(fact_ref(org_id, place))


def fact_write(org_id: str, before: CallFact | None, after: CallFact) -> Put:
    """Returns the write of a fact. It raises StaleVersionError if the fact has changed since it was read."""
    return Put(table="core", item=fact_item(org_id, after), **_unchanged(before))


def fact_item(org_id: str, fact: CallFact) -> Item:
    return {**fact_ref(org_id, fact.place).key, **fact.model_dump(exclude_defaults=True), "version": fact.version}


def fact_delete_write(org_id: str, before: CallFact) -> Delete:
    """Returns the write that removes a fact. It raises StaleVersionError if the fact has changed since it was read."""
    return Delete(table="core", key=fact_ref(org_id, before.place).key, **_unchanged(before))


def _unchanged(before: CallFact | None) -> dict[str, Any]:
    return {
        "condition": "version = :seen" if before else "attribute_not_exists(pk)",
        "values": {":seen": before.version} if before else {},
        "otherwise": StaleVersionError,
    }


def names_write(org_id: str, before: CountedNames, after: CountedNames) -> Put | None:
    """Returns the write of new names. It raises StaleVersionError if other names were added since the read."""
    if (before.flows, before.outcomes) == (after.flows, after.outcomes):
        return None
    item = {**names_ref(org_id).key, **after.model_dump(), "version": before.version + 1}
    return Put(
        table="core",
        item=item,
        condition="version = :seen" if before.version else "attribute_not_exists(pk)",
        values={":seen": before.version} if before.version else {},
        otherwise=StaleVersionError,
    )


def tally_writes(org_id: str, added: Tallies) -> list[Write]:
    """Returns the writes that add to tallies."""
    return [
        Update(
            table="core",
            key=tally_ref(org_id, key).key,
            expression="ADD " + ", ".join(f"#n{place} :n{place}" for place in range(len(counts))),
            names={f"#n{place}": name for place, name in enumerate(counts)},
            values={f":n{place}": by for place, by in enumerate(counts.values())},
        )
        for key, counts in added.items()
    ]


def tally_item(org_id: str, key: TallyKey, counts: Counter[str]) -> Item:
    """Returns a tally as an item, for a bulk load."""
    return {**tally_ref(org_id, key).key, **counts}


def list_tallies(org_id: str, flow_id: str | None, first: str, last: str) -> list[Item]:
    """Returns the items from the sort key `first` to the period `last` with its lines, both included."""
    # A tilde comes after all digits: the lines of the last period are included.
    query = Query(table="core", partition=_partition(org_id, flow_id), between=(first, f"{last}#~"))
    return list(query.read_all())


def list_facts(org_id: str, start: datetime, end: datetime) -> Iterator[CallFact]:
    """Yields the facts of the calls that were created from `start` (included) to `end` (not included)."""
    span = (clock.format_iso(start), clock.format_iso(end))
    query = Query(table="core", partition=f"{org_id}#call-facts", between=span)
    return (CallFact.model_validate(item) for item in query.read_all())


def list_places(org_id: str) -> Iterator[str]:
    """Yields the places of all facts."""
    return (item["sk"] for item in Query(table="core", partition=f"{org_id}#call-facts").read_all())
