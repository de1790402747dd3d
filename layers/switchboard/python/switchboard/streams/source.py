"""The sources of streams: what is told, in which order, from where on, and when it is over.

A source is read by its feed, once for all who watch it. Adding one means writing this class for it; places, frames and
the end are its own, and nothing else in this folder knows what it tells.

The audit chain of an organization is the first. The second is one call's turns and states, for a console session: its
place is the call's own counter, a client without a place starts at 0 (the call so far comes first), its `last_block`
says how the call ended. Names of such events stand in the data, as everywhere.
"""

from __future__ import annotations

from typing import Protocol

from switchboard.audit import service as audit
from switchboard.streams import view
from switchboard.streams.models import Batch, Entry, Start


class Source(Protocol):
    """Entries in one order, each with a whole number as its place. Places grow, and may leave gaps.

    Its methods block: a feed runs them in a thread.
    """

    @property
    def id(self) -> str:
        """Names the source. Sources with the same id tell the same, so their watchers share one feed."""

    def start(self, last_seen: int | None) -> Start:
        """Where a client goes on that has seen the entry at a place, or that names none."""

    def read(self, after: int, limit: int) -> Batch:
        """Up to `limit` entries after a place, in order and without one missing.

        What cannot be seen whole yet, and all after it, comes with a later read.
        """


class AuditChain:
    """An organization's audit chain: the place is the event's `seq`. It never ends.

    A client that names no place starts at the end. One that names a place which the chain never reached does, too: the
    number is another deployment's, and waiting for it would pass over everything until then.
    """

    def __init__(self, org_id: str) -> None:
        self._org_id = org_id

    @property
    def id(self) -> str:
        """Names the chain."""
        return f"{self._org_id}#audit"

    def start(self, last_seen: int | None) -> Start:
        """Where a client goes on."""
        head = audit.head(self._org_id).seq
        if last_seen is None or not self._was_given(last_seen, head):
            return Start(after=head, head=head, resumed=False)
        return Start(after=last_seen, head=head, resumed=True)

    def _was_given(self, last_seen: int, head: int) -> bool:
        # A transaction is seen item by item: a link may be there, and have been sent, a moment before the head moves.
        return last_seen <= head or bool(self.read(last_seen - 1, 1).entries)

    def read(self, after: int, limit: int) -> Batch:
        """Some events after a `seq`."""
        entries: list[Entry] = []
        for document in audit.export(self._org_id, after, limit):
            if document["seq"] != after + len(entries) + 1:
                # A query may see a transaction half done. The missing link is there at the next look.
                break
            entries.append(view.entry(document))
        return Batch(entries)
