"""Seals events into the audit chain, and reads the chain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain as chained
from itertools import takewhile
from typing import Any, NamedTuple

from switchboard.accounts.models import Caller
from switchboard.audit import chain, store
from switchboard.audit.models import Entry, Head
from switchboard.audit.store import End, Place, Seen
from switchboard.aws import cursor, table
from switchboard.aws.aside import Task
from switchboard.errors import NotFound
from switchboard.events.models import Event
from switchboard.kit.change import again

#: The maximum bytes of documents in one sealing. A single document may be larger. The documents are part of one item,
#: the head, and an item has at most 400 KB.
_MOST_BYTES = 150_000
#: The maximum bytes of documents in one response of the export. API Gateway and Lambda allow 6 MB.
_MOST_EXPORTED = 1_000_000


# ---- sealing


def seal(org_id: str, batch: Sequence[Event]) -> int:
    """Add events to their organization's chain. Returns the number of new events.

    Events are sealed in the given order. The events of one workflow are sealed in the order of their ids, because
    messages may arrive late. One write seals up to `store.MOST_READ` events. The queue has one FIFO group for each
    organization, so there is one writer at a time. If that fails, the condition on the head still protects the chain.

    Raises Contended if another writer keeps moving the head. The queue then delivers the batch again, and no event is
    added twice.
    """
    for event in batch:
        if event.org_id != org_id:
            raise ValueError(f"event {event.id} does not belong to organization {org_id}")
    waiting, added = _in_order(batch), 0
    while waiting:
        done, new = again(partial(_seal_first, org_id, waiting)) or (len(waiting), 0)
        waiting, added = waiting[done:], added + new
    return added


def _in_order(batch: Sequence[Event]) -> list[Event]:
    """Return each event once. Each workflow keeps its positions in the batch, with its events in the order of ids."""
    unique = {event.id: event for event in batch}
    workflows: dict[str, list[Event]] = {}
    for event in sorted(unique.values(), key=lambda event: event.id, reverse=True):
        workflows.setdefault(event.correlation_id, []).append(event)
    return [workflows[event.correlation_id].pop() for event in unique.values()]


def _seal_first(org_id: str, waiting: Sequence[Event]) -> tuple[int, int]:
    """Seal the first events together. Returns the number of processed events, and how many of them are new.

    The head is read first. If an event has no receipt and is not in the head's batch, it is not in the chain. Otherwise
    the head has moved, and then the write fails.
    """
    before = store.end(org_id)
    looked_at = waiting[: store.MOST_READ]
    settled, known = store.look(org_id, before.head, looked_at)
    if before.documents and not settled:
        store.settle(org_id, before.documents)
    known |= {document["id"] for document in before.documents}
    after, done = _sealed(before.head, looked_at, known)
    if after.documents:
        table.write(store.move_head(org_id, before.head, after))
        store.settle(org_id, after.documents)
    return done, len(after.documents)


def _sealed(head: Head, batch: Sequence[Event], known: set[str]) -> tuple[End, int]:
    """Return the chain's end with as many events of a batch as fit, and the number of processed events."""
    documents: list[dict[str, Any]] = []
    room = _MOST_BYTES
    for number, event in enumerate(batch):
        if event.id in known:
            continue
        link = chain.seal(event, head)
        room -= link.size
        if documents and room < 0:
            return End(head, documents), number
        documents.append(link.document)
        head = Head(link.seq, link.hash)
    return End(head, documents), len(batch)


# ---- a workflow


class _Cursor(NamedTuple):
    """The position in a workflow: sealed events up to `seq` and unsealed events up to the id `after` are read."""

    seq: int = 0
    after: str | None = None


def of_workflow(caller: Caller, correlation_id: str, limit: int, after: str | None) -> tuple[list[Entry], str | None]:
    """Return a page of a workflow and the cursor of the next: sealed events by `seq`, then unsealed events by id.

    A master key sees all events of the organization, an agent key only the events of its agent. A page takes two
    dependent reads, or three while its last events are being sealed.

    An event that is committed late gets a higher `seq` than all sealed events. So a reader that repeats its last cursor
    misses no event. An event that was shown unsealed then appears again, sealed, under the same id. A page may be short
    or empty without being the last.

    Raises NotFound for a correlation id without events that this caller may see.
    """
    query = f"workflow:{correlation_id}"
    start = cursor.read(after, caller.org_id, query)
    documents, next_place = _page(caller.org_id, correlation_id, limit, _Cursor(**start) if start else _Cursor())
    entries = [
        Entry(document=document) for document in documents if caller.is_master or document["agentId"] == caller.agent_id
    ]
    if not (entries or start or next_place):
        raise NotFound("There are no events with this correlation id.", correlation_id=correlation_id)
    return entries, cursor.write(next_place._asdict() if next_place else None, caller.org_id, query)


def _page(org_id: str, correlation_id: str, limit: int, start: _Cursor) -> tuple[list[dict[str, Any]], _Cursor | None]:
    places, more = store.places(org_id, correlation_id, start.seq, limit)
    linked = _documents(org_id, places)
    for task in linked:
        task.begin()
    scanned, unread = ([], False) if more else store.events_after(org_id, correlation_id, start.after)
    found = [document for task in linked for document in task.result()]
    shown = [one for one, place in takewhile(_is_there, zip(found, places, strict=False))]
    seq = shown[-1]["seq"] if shown else start.seq
    if more and len(shown) == len(places):
        return shown, _Cursor(seq, start.after)
    if more:
        # A worker is sealing these events now. An event without a link, and all events after it, count as unsealed.
        scanned, unread = store.events_after(org_id, correlation_id, start.after)
    waiting = _unsealed(scanned, seq, {document["id"] for document in shown})
    taken = waiting[: limit - len(shown)]
    shown += [chain.unsealed(event) for event in taken]
    if len(taken) < len(waiting):
        return shown, _Cursor(seq, taken[-1].id if taken else start.after)
    return shown, _Cursor(seq, scanned[-1].event.id) if unread else None


def _is_there(pair: tuple[dict[str, Any], Place]) -> bool:
    document, place = pair
    return bool(document["seq"] == place.seq)


def _documents(org_id: str, places: Sequence[Place]) -> list[Task[list[dict[str, Any]]]]:
    batches = [places[begin : begin + store.TOGETHER] for begin in range(0, len(places), store.TOGETHER)]
    return [Task(partial(store.documents_at, org_id, batch)) for batch in batches]


def _unsealed(scanned: Sequence[Seen], seq: int, shown: set[str]) -> list[Event]:
    """Return the events without a place when the places were read. Events sealed since then are after the cursor."""
    return [one.event for one in scanned if (one.seq is None or one.seq > seq) and one.event.id not in shown]


# ---- the whole chain


def export(org_id: str, after: int, limit: int) -> Iterator[dict[str, Any]]:
    """Return the documents of the organization's links after `after`, in order. The last links may still be missing.

    A sealing writes its links shortly after it moves the head.
    """
    return store.documents(org_id, after, limit)


def export_part(org_id: str, after: int, limit: int) -> tuple[Head, list[dict[str, Any]]]:
    """Return the chain's head, and up to `limit` documents after `after`: fewer if they are large, but at least one."""
    end = store.end(org_id)
    linked = end.head.seq - len(end.documents)
    last = min(end.head.seq, after + limit)
    found = chained(
        export(org_id, after, min(last, linked) - after),
        (document for document in end.documents if after < document["seq"] <= last),
    )
    documents: list[dict[str, Any]] = []
    size = 0
    for document in found:
        size += chain.size_of(document)
        if documents and size > _MOST_EXPORTED:
            break
        documents.append(document)
    return end.head, documents


def head(org_id: str) -> Head:
    """Return the head of the organization's chain."""
    return store.end(org_id).head
