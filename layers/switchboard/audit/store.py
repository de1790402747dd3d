"""The chain in the `activity` table.

| item | pk | sk |
|---|---|---|
| head | `<org>#audit` | `head`: the last link's `seq` and hash, and the documents of its batch |
| link | `<org>#audit#<block>` | `<seq>`, 12 digits; a block is a thousand links |
| receipt | `<org>#chain#<correlation id>` | `<event id>#seal`, directly after the event: only its `seq` |
| places | `<org>#chain#<correlation id>` | `seal#<last seq>`: the links that one sealing added to the workflow |

One conditional write of the head seals a batch of events and fixes their documents. The other items are derived from
these documents. Plain writes store them, at half the price of a transaction, and the batch's last link comes last. So
if the link of the head exists, all items of the batch exist. If it does not, the next sealing first writes all of them
again.

The link keeps the document itself. So a later change of the code cannot change sealed documents, and an export is a
query. The receipt shows that an event is in the chain, when a message repeats it. The places are for paging through a
workflow. One item holds all places that a sealing added to a workflow. So a page sees either all of them or none, and
no lower `seq` can appear after a cursor has passed it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from switchboard.audit import chain
from switchboard.audit.models import GENESIS, ChainHead
from switchboard.aws import reads, writes
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import Put
from switchboard.events import service as events
from switchboard.events.models import Event

#: The maximum number of receipts in one read. With the link of the head they are 100 keys.
MAX_RECEIPTS_PER_READ = 99
#: The number of links in one read by places.
LINKS_PER_READ = 100
_LINKS_PER_BLOCK = 1_000
_RECEIPT = "#seal"
_PLACES = "seal#"
#: More items than one response of the table (1 MB) can hold.
_MORE_THAN_ONE_READ = 20_000
#: The maximum bytes of links in a page. The first link may be larger.
_MAX_PAGE_BYTES = 1_000_000


class ChainEnd(NamedTuple):
    """The end of a chain: its head, and the documents of the last batch. Their links may not exist yet."""

    head: ChainHead
    documents: list[dict[str, Any]]


class ChainPlace(NamedTuple):
    """The position of a workflow's event in the chain, and the size of its document in bytes."""

    seq: int
    size: int


class EventWithSeq(NamedTuple):
    """A workflow's event, and its `seq` if it was sealed when it was read."""

    event: Event
    seq: int | None


# ---- sealing


def get_end(org_id: str) -> ChainEnd:
    item = reads.get_item("activity", head_ref(org_id))
    return (
        ChainEnd(ChainHead(item["seq"], item["hash"]), item["documents"])
        if item
        else ChainEnd(ChainHead(0, GENESIS), [])
    )


def head_write(org_id: str, before: ChainHead, after: ChainEnd) -> Put:
    """Returns the write that seals `after.documents`, if the head is still the one that was read."""
    values = {"seq": after.head.seq, "hash": after.head.hash, "documents": after.documents}
    item = {**head_ref(org_id), **values}
    if not before.seq:
        return Put(table="activity", item=item, unless_exists=True)
    return Put(
        table="activity", item=item, condition="#seq = :before", names={"#seq": "seq"}, values={":before": before.seq}
    )


def find_sealed(org_id: str, last: ChainHead, batch: Sequence[Event]) -> tuple[bool, set[str]]:
    """Returns whether the head's batch has all its items, and the ids of the sealed events.

    Takes up to `MAX_RECEIPTS_PER_READ` events.
    """
    keys = [_receipt_key(org_id, event.correlation_id, event.id) for event in batch]
    link, *receipts = reads.get_items("activity", [_link_key(org_id, last.seq), *keys])
    return bool(link), {event.id for event, receipt in zip(batch, receipts, strict=True) if receipt}


def write_batch_items(org_id: str, documents: Sequence[dict[str, Any]]) -> None:
    """Writes the items of a sealed batch. A repetition writes the same items."""
    *items, last = _items(org_id, documents)
    writes.put_items("activity", items)
    writes.write_item(Put(table="activity", item=last))


def _items(org_id: str, documents: Sequence[dict[str, Any]]) -> Iterator[Item]:
    """Yields the receipts, the places of each workflow, and the links in order."""
    workflows: dict[str, list[ChainPlace]] = {}
    for document in documents:
        correlation_id, seq = document["correlationId"], document["seq"]
        yield {**_receipt_key(org_id, correlation_id, document["id"]), "seq": seq}
        workflows.setdefault(correlation_id, []).append(ChainPlace(seq, chain.size_of(document)))
    for correlation_id, found in workflows.items():
        yield {**_places_key(org_id, correlation_id, found[-1].seq), "links": [list(place) for place in found]}
    for document in documents:
        yield {**_link_key(org_id, document["seq"]), "document": document}


def head_ref(org_id: str) -> Key:
    return {"pk": f"{org_id}#audit", "sk": "head"}


def _link_key(org_id: str, seq: int) -> Key:
    return {"pk": f"{org_id}#audit#{seq // _LINKS_PER_BLOCK:09d}", "sk": f"{seq:012d}"}


def _receipt_key(org_id: str, correlation_id: str, event_id: str) -> Key:
    return {"pk": events.workflow_partition(org_id, correlation_id), "sk": f"{event_id}{_RECEIPT}"}


def _places_key(org_id: str, correlation_id: str, last_seq: int) -> Key:
    return {"pk": events.workflow_partition(org_id, correlation_id), "sk": f"{_PLACES}{last_seq:012d}"}


# ---- a workflow


def list_places(org_id: str, correlation_id: str, after: int, limit: int) -> tuple[list[ChainPlace], bool]:
    """Returns up to `limit` places of a workflow after a `seq`, in order, and whether there are more."""
    first, last = (_places_key(org_id, correlation_id, seq) for seq in (after + 1, 10**12 - 1))
    # An item holds at least one place.
    found = Query(table="activity", partition=first["pk"], between=(first["sk"], last["sk"])).read_page(limit + 1)
    known = [ChainPlace(*one) for item in found.items for one in item["links"] if one[0] > after]
    taken, size = known[:limit], 0
    for number, place in enumerate(taken):
        size += place.size
        if number and size > _MAX_PAGE_BYTES:
            taken = taken[:number]
            break
    return taken, len(taken) < len(known) or found.next_key is not None


def get_documents(org_id: str, places: Sequence[ChainPlace]) -> list[dict[str, Any]]:
    """Returns the documents at up to `LINKS_PER_READ` places, up to the first missing link.

    A sealing writes its links one by one, so a read may see only some of them.
    """
    found: list[dict[str, Any]] = []
    for item in reads.get_items("activity", [_link_key(org_id, place.seq) for place in places]):
        if not item:
            break
        found.append(item["document"])
    return found


def list_events_after(org_id: str, correlation_id: str, after: str | None) -> tuple[list[EventWithSeq], bool]:
    """Returns a workflow's events after an id, as many as one read returns, and whether there are more."""
    partition = events.workflow_partition(org_id, correlation_id)
    # "~" sorts after every character that may follow an id in a key.
    start = f"{after}~" if after else "evt_"
    items, next_key = Query(table="activity", partition=partition, between=(start, "evt_~")).read_page(
        _MORE_THAN_ONE_READ
    )
    seen: list[EventWithSeq] = []
    for item in items:
        if item["sk"].endswith(_RECEIPT):
            if seen:
                seen[-1] = EventWithSeq(seen[-1].event, item["seq"])
        else:
            seen.append(EventWithSeq(events.parse_event(item), None))
    if next_key and len(seen) > 1 and not items[-1]["sk"].endswith(_RECEIPT):
        # The read ended at 1 MB, after an event and before its receipt. Leave both to the next read.
        seen.pop()
    return seen, next_key is not None


# ---- the whole chain


def export_documents(org_id: str, after: int, limit: int) -> Iterator[dict[str, Any]]:
    """Yields up to `limit` documents after a `seq`, in order."""
    seq = after + 1
    while limit > 0:
        last = (seq // _LINKS_PER_BLOCK + 1) * _LINKS_PER_BLOCK - 1
        partition, start = _link_key(org_id, seq).values()
        query = Query(table="activity", partition=partition, between=(start, f"{last:012d}"))
        found = query.read_page(limit).items
        yield from (item["document"] for item in found)
        if not found:
            return
        # A query also ends at 1 MB. The next one continues there, in this block or in a later one.
        limit -= len(found)
        seq += len(found)
