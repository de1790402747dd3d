"""Seals events into an organization's audit chain, in order and without gaps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from switchboard import telemetry
from switchboard.audit import chain, store
from switchboard.audit.models import ChainHead
from switchboard.audit.store import ChainEnd
from switchboard.aws import writes
from switchboard.events.models import Event
from switchboard.persistence.optimistic import retry_on_conflict

#: The maximum bytes of documents in one sealing. A single document may be larger. The documents are part of one item,
#: the head, and an item has at most 400 KB.
_MAX_SEALED_BYTES = 150_000


def seal_events(org_id: str, batch: Sequence[Event]) -> int:
    """Adds events to their organization's chain. Returns the number of new events.

    Events are sealed in the given order. The events of one workflow are sealed in the order of their ids, because
    messages may arrive late. One write seals up to `store.MAX_RECEIPTS_PER_READ` events. The queue has one FIFO group
    for each organization, so there is one writer at a time. If that fails, the condition on the head still protects the
    chain.

    Raises Contended if another writer keeps moving the head. The queue then delivers the batch again, and no event is
    added twice.
    """
    for event in batch:
        if event.org_id != org_id:
            raise ValueError(f"event {event.id} does not belong to organization {org_id}")
    waiting, added = _in_order(batch), 0
    while waiting:
        done, new = retry_on_conflict(partial(_seal_first, org_id, waiting)) or (len(waiting), 0)
        waiting, added = waiting[done:], added + new
    if not added:
        telemetry.log_skip("all of these events are sealed", org_id=org_id, events=len(batch))
    return added


def _in_order(batch: Sequence[Event]) -> list[Event]:
    """Returns each event once. Each workflow keeps its positions in the batch, with its events in the order of ids."""
    unique = {event.id: event for event in batch}
    workflows: dict[str, list[Event]] = {}
    for event in sorted(unique.values(), key=lambda event: event.id, reverse=True):
        workflows.setdefault(event.correlation_id, []).append(event)
    return [workflows[event.correlation_id].pop() for event in unique.values()]


def _seal_first(org_id: str, waiting: Sequence[Event]) -> tuple[int, int]:
    """Seals the first events together. Returns the number of processed events, and how many of them are new.

    The head is read first. If an event has no receipt and is not in the head's batch, it is not in the chain. Otherwise
    the head has moved, and then the write fails.
    """
    before = store.get_end(org_id)
    looked_at = waiting[: store.MAX_RECEIPTS_PER_READ]
    settled, known = store.find_sealed(org_id, before.head, looked_at)
    if before.documents and not settled:
        store.write_batch_items(org_id, before.documents)
    known |= {document["id"] for document in before.documents}
    after, done = _next_end(before.head, looked_at, known)
    if after.documents:
        writes.write_item(store.head_write(org_id, before.head, after))
        store.write_batch_items(org_id, after.documents)
    return done, len(after.documents)


def _next_end(head: ChainHead, batch: Sequence[Event], known: set[str]) -> tuple[ChainEnd, int]:
    """Returns the chain's end with as many events of a batch as fit, and the number of processed events."""
    documents: list[dict[str, Any]] = []
    room = _MAX_SEALED_BYTES
    for number, event in enumerate(batch):
        if event.id in known:
            continue
        link = chain.make_link(event, head)
        room -= link.size
        if documents and room < 0:
            return ChainEnd(head, documents), number
        documents.append(link.document)
        head = ChainHead(link.seq, link.hash)
    return ChainEnd(head, documents), len(batch)
