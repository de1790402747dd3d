"""Sealing events into the chain, and reading it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from switchboard.accounts.models import Caller
from switchboard.audit import chain, store
from switchboard.audit.models import Entry, Head
from switchboard.aws import cursor
from switchboard.aws.table import ConditionFailedError, Writes, commit
from switchboard.errors import NotFound
from switchboard.events.models import Event

#: Two items an event and one for the head have to fit into one transaction of a hundred.
BATCH = 49
_ATTEMPTS = 5


class ContendedError(RuntimeError):
    """Another writer kept moving the head: the queue will bring the batch again."""


def seal(org_id: str, batch: Sequence[Event]) -> int:
    """Add events to their organisation's chain, in the order given. Answers how many were new.

    One writer at a time is the queue's promise (a FIFO group an organisation); the condition on the head keeps the
    chain whole even where the promise fails.
    """
    added = 0
    for start in range(0, len(batch), BATCH):
        added += _seal(org_id, batch[start : start + BATCH])
    return added


def _seal(org_id: str, batch: Sequence[Event]) -> int:
    unique = list({event.id: event for event in batch}.values())
    for _ in range(_ATTEMPTS):
        head = before = store.head(org_id)
        known = store.sealed(unique)
        writes: list[Writes] = []
        new = [event for event in unique if event.id not in known]
        if not new:
            return 0
        for event in new:
            link = chain.seal(event, head)
            writes.append(store.put_link(event, link))
            head = Head(link.seq, link.hash)
        try:
            commit(store.move_head(org_id, before, head), writes)
        except ConditionFailedError:
            continue
        return len(new)
    raise ContendedError(org_id)


def of_workflow(caller: Caller, correlation_id: str, limit: int, after: str | None) -> tuple[list[Entry], str | None]:
    """A workflow's events, oldest first: the organisation's for a master key, the agent's own for an agent key.

    What is not yet in the chain is there too, without a place in it. Raises NotFound for an id that this caller has
    no event of.
    """
    start = cursor.read(after, caller.org_id, f"chain:{correlation_id}")
    placed, next_key = store.workflow(caller.org_id, correlation_id, limit, start)
    entries = [
        Entry(
            document=document or chain.document(event) | {"seq": None, "prevHash": None, chain.HASH: None},
            sealed=document is not None,
        )
        for event, document in placed
        if caller.is_master or event.agent_id == caller.agent_id
    ]
    if not (entries or start or next_key):
        raise NotFound("No events carry this correlation id.", correlation_id=correlation_id)
    return entries, cursor.write(next_key, caller.org_id, f"chain:{correlation_id}")


def export(org_id: str, after: int, limit: int) -> Iterator[dict[str, Any]]:
    """The organisation's sealed chain from `after` on, in order."""
    return (link.document for link in store.links(org_id, after, limit))


def head(org_id: str) -> Head:
    """The end of the organisation's sealed chain."""
    return store.head(org_id)
