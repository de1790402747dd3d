"""The chain in the `activity` table.

| item | pk | sk |
|---|---|---|
| head | `<org>#audit` | `head` |
| link | `<org>#audit#<block>` | `<seq>`, 12 digits; a block is a thousand links |
| seal | `<org>#chain#<correlation id>` | `<event id>#seal`, right behind the event it seals |

Both hold the whole document: an export needs nothing but links, a workflow's chain is one query, and neither changes
when the code that makes documents does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from switchboard.audit.models import GENESIS, Head, Link
from switchboard.aws import table
from switchboard.aws.table import Item, Key, Put, Query, Update
from switchboard.events import service as events
from switchboard.events.models import Event

_BLOCK = 1_000
_SEAL = "#seal"


class Placed(NamedTuple):
    """An event, and its sealed document once it is in the chain."""

    event: Event
    document: dict[str, Any] | None


def head_key(org_id: str) -> Key:
    return {"pk": f"{org_id}#audit", "sk": "head"}


def head(org_id: str) -> Head:
    item = table.get("activity", head_key(org_id))
    return Head(item["seq"], item["hash"]) if item else Head(0, GENESIS)


def seal_key(event: Event) -> Key:
    return {"pk": events.chain_partition(event.org_id, event.correlation_id), "sk": f"{event.id}{_SEAL}"}


def sealed(batch: Sequence[Event]) -> set[str]:
    """The ids of those events that are in the chain already."""
    found = table.get_many("activity", [seal_key(event) for event in batch])
    return {item["event_id"] for item in found if item}


def put_link(event: Event, link: Link) -> tuple[Put, Put]:
    place = {"pk": f"{event.org_id}#audit#{link.seq // _BLOCK:09d}", "sk": f"{link.seq:012d}"}
    return (
        Put(table="activity", item={**place, **link.model_dump()}, unless_exists=True),
        Put(table="activity", item={**seal_key(event), **link.model_dump()}, unless_exists=True),
    )


def move_head(org_id: str, before: Head, after: Head) -> Update:
    return Update(
        table="activity",
        key=head_key(org_id),
        expression="SET #seq = :seq, #hash = :hash",
        names={"#seq": "seq", "#hash": "hash"},
        values={":seq": after.seq, ":hash": after.hash} | ({":before": before.seq} if before.seq else {}),
        condition="#seq = :before" if before.seq else "attribute_not_exists(pk)",
    )


def workflow(org_id: str, correlation_id: str, limit: int, start: Item | None) -> tuple[list[Placed], Item | None]:
    """Up to `limit` events of a workflow, each with the document of its seal if it has one."""
    query = Query(table="activity", partition=events.chain_partition(org_id, correlation_id))
    # One item more than can belong to the page tells whether its last event has a seal.
    items, next_key = query.page(2 * limit + 1, start)
    placed: list[Placed] = []
    before = last = start
    for item in items:
        if item["sk"].endswith(_SEAL):
            # An event that the page before showed unsealed may have been sealed since.
            if placed:
                placed[-1] = Placed(placed[-1].event, item["document"])
        elif len(placed) == limit:
            return placed, last
        else:
            placed.append(Placed(events.from_item(item), None))
        before, last = last, {name: item[name] for name in ("pk", "sk")}
    if next_key and len(placed) > 1 and not items[-1]["sk"].endswith(_SEAL):
        # The query ended, at 1 MB, between an event and the place of its seal: both belong to the next page.
        return placed[:-1], before
    return placed, next_key


def links(org_id: str, after: int, limit: int) -> Iterator[Link]:
    seq = after + 1
    while limit > 0:
        block = seq // _BLOCK
        query = Query(
            table="activity",
            partition=f"{org_id}#audit#{block:09d}",
            between=(f"{seq:012d}", f"{(block + 1) * _BLOCK - 1:012d}"),
        )
        found = query.page(limit).items
        yield from map(Link.model_validate, found)
        if not found:
            return
        # A query ends at 1 MB too: the next goes on where it ended, in this block or behind it.
        limit -= len(found)
        seq += len(found)
