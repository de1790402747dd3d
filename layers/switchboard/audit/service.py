"""Seals events into the audit chain, and reads the chain."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import chain as chained
from itertools import takewhile
from typing import Any, NamedTuple

from switchboard.accounts.models import Caller
from switchboard.audit import chain, store
from switchboard.audit.models import AuditEntry, ChainHead
from switchboard.audit.store import ChainPlace, EventWithSeq, export_documents
from switchboard.errors import NotFound
from switchboard.events.models import Event
from switchboard.kit.background import BackgroundTask
from switchboard.persistence import cursors

__all__ = ["export_documents"]

#: The maximum bytes of documents in one response of the export. API Gateway and Lambda allow 6 MB.
_MAX_EXPORT_BYTES = 1_000_000


# ---- sealing


# ---- a workflow


class _WorkflowCursor(NamedTuple):
    """The position in a workflow: sealed events up to `seq` and unsealed events up to the id `after` are read."""

    seq: int = 0
    after: str | None = None


def list_workflow_events(
    caller: Caller, correlation_id: str, limit: int, after: str | None
) -> tuple[list[AuditEntry], str | None]:
    """Returns a page of a workflow and the cursor of the next: sealed events by `seq`, then unsealed events by id.

    A master key sees all events of the organization, an agent key only the events of its agent. A page takes two
    dependent reads, or three while its last events are being sealed.

    An event that is committed late gets a higher `seq` than all sealed events. So a reader that repeats its last cursor
    misses no event. An event that was shown unsealed then appears again, sealed, under the same id. A page may be short
    or empty without being the last.

    Raises NotFound for a correlation id without events that this caller may see.
    """
    query = f"workflow:{correlation_id}"
    start = cursors.decode_cursor(after, caller.org_id, query)
    documents, next_place = _read_workflow_page(
        caller.org_id, correlation_id, limit, _WorkflowCursor(**start) if start else _WorkflowCursor()
    )
    entries = [
        AuditEntry(document=document)
        for document in documents
        if caller.is_master or document["agentId"] == caller.agent_id
    ]
    if not (entries or start or next_place):
        raise NotFound("There are no events with this correlation id: check the id.", correlation_id=correlation_id)
    return entries, cursors.encode_cursor(next_place._asdict() if next_place else None, caller.org_id, query)


def _read_workflow_page(
    org_id: str, correlation_id: str, limit: int, start: _WorkflowCursor
) -> tuple[list[dict[str, Any]], _WorkflowCursor | None]:
    places, more = store.list_places(org_id, correlation_id, start.seq, limit)
    linked = _document_reads(org_id, places)
    for task in linked:
        task.start()
    scanned, unread = ([], False) if more else store.list_events_after(org_id, correlation_id, start.after)
    found = [document for task in linked for document in task.result()]
    shown = [one for one, place in takewhile(_is_linked, zip(found, places, strict=False))]
    seq = shown[-1]["seq"] if shown else start.seq
    if more and len(shown) == len(places):
        return shown, _WorkflowCursor(seq, start.after)
    if more:
        # A worker is sealing these events now. An event without a link, and all events after it, count as unsealed.
        scanned, unread = store.list_events_after(org_id, correlation_id, start.after)
    waiting = _unsealed_events(scanned, seq, {document["id"] for document in shown})
    taken = waiting[: limit - len(shown)]
    shown += [chain.unsealed_document(event) for event in taken]
    if len(taken) < len(waiting):
        return shown, _WorkflowCursor(seq, taken[-1].id if taken else start.after)
    return shown, _WorkflowCursor(seq, scanned[-1].event.id) if unread else None


def _is_linked(pair: tuple[dict[str, Any], ChainPlace]) -> bool:
    document, place = pair
    return bool(document["seq"] == place.seq)


def _document_reads(org_id: str, places: Sequence[ChainPlace]) -> list[BackgroundTask[list[dict[str, Any]]]]:
    batches = [places[begin : begin + store.LINKS_PER_READ] for begin in range(0, len(places), store.LINKS_PER_READ)]
    return [BackgroundTask(partial(store.get_documents, org_id, batch)) for batch in batches]


def _unsealed_events(scanned: Sequence[EventWithSeq], seq: int, shown: set[str]) -> list[Event]:
    """Returns the events without a place when the places were read. Events sealed since then are after the cursor."""
    return [one.event for one in scanned if (one.seq is None or one.seq > seq) and one.event.id not in shown]


# ---- the whole chain


def export_part(org_id: str, after: int, limit: int) -> tuple[ChainHead, list[dict[str, Any]]]:
    """Returns the chain's head, and up to `limit` documents after `after`: fewer if they are large, at least one."""
    end = store.get_end(org_id)
    linked = end.head.seq - len(end.documents)
    last = min(end.head.seq, after + limit)
    found = chained(
        export_documents(org_id, after, min(last, linked) - after),
        (document for document in end.documents if after < document["seq"] <= last),
    )
    documents: list[dict[str, Any]] = []
    size = 0
    for document in found:
        size += chain.size_of(document)
        if documents and size > _MAX_EXPORT_BYTES:
            break
        documents.append(document)
    return end.head, documents


def list_next_documents(org_id: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Returns up to `limit` documents after a `seq`, in order and without a gap.

    A query may see only some links of a sealing. A later read then returns the missing link and those after it.
    """
    found: list[dict[str, Any]] = []
    for document in export_documents(org_id, after, limit):
        if document["seq"] != after + len(found) + 1:
            break
        found.append(document)
    return found


def has_reached(org_id: str, seq: int, head: int) -> bool:
    """Whether the chain has ever reached a `seq`. `head` is the head as it was read.

    Items become visible one by one: a link may be visible, and may have been sent, just before the head.
    """
    return seq <= head or bool(list_next_documents(org_id, seq - 1, 1))


def get_head(org_id: str) -> ChainHead:
    """Returns the head of the organization's chain."""
    return store.get_end(org_id).head
