"""The sources of streams. A source defines its entries, their order, the start of a stream, and the end.

A feed reads a source once for all watchers. To add a source, write a class with the methods of `Source`. The class
defines places, frames and the end; nothing else in this folder knows the content.

The audit chain of an organization is below. A source for a call's turns and states in the console would use the call's
own counter as the place. A client without a place would start at 0, so that it first gets the call so far. The
`last_block` would say how the call ended. The names of events would be in the data, as in every source.
"""

from __future__ import annotations

from typing import Protocol

from switchboard.audit import service as audit
from switchboard.streams import view
from switchboard.streams.models import Batch, Entry, Start


class Source(Protocol):
    """Entries in one order. Each has an integer place. Places increase and may have gaps.

    The methods block, so a feed runs them in a thread.
    """

    @property
    def id(self) -> str:
        """The id of the source. Sources with the same id have the same entries, so their watchers share one feed."""

    def start(self, last_seen: int | None) -> Start:
        """Return the start for a client. `last_seen` is the place of its last entry, or `None` for a new client."""

    def read(self, after: int, limit: int) -> Batch:
        """Return up to `limit` entries after a place, in order and without missing entries.

        A later read returns entries that are not yet complete, and all entries after them.
        """


class AuditChain:
    """An organization's audit chain. The place is the event's `seq`. The source never ends.

    A client without a place starts at the end. A client with a place that the chain has never reached starts there too:
    the number comes from another deployment, and waiting for it would skip all events until then.
    """

    def __init__(self, org_id: str) -> None:
        self._org_id = org_id

    @property
    def id(self) -> str:
        """The id of the chain."""
        return f"{self._org_id}#audit"

    def start(self, last_seen: int | None) -> Start:
        """Return the start for a client."""
        head = audit.head(self._org_id).seq
        if last_seen is None or not self._was_given(last_seen, head):
            return Start(after=head, head=head, resumed=False)
        return Start(after=last_seen, head=head, resumed=True)

    def _was_given(self, last_seen: int, head: int) -> bool:
        # Items become visible one by one: a link may be visible, and may have been sent, just before the head.
        return last_seen <= head or bool(self.read(last_seen - 1, 1).entries)

    def read(self, after: int, limit: int) -> Batch:
        """Return up to `limit` events after a `seq`."""
        entries: list[Entry] = []
        for document in audit.export(self._org_id, after, limit):
            if document["seq"] != after + len(entries) + 1:
                # A query may see only some links of a sealing. The next poll finds the missing link.
                break
            entries.append(view.entry(document))
        return Batch(entries)
