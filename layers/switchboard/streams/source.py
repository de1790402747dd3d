"""The sources of streams. A source defines its entries, their order, the start of a stream, and the end.

A feed reads a source once for all watchers. To add a source, write a class with the methods of `StreamSource`. The
class defines places, frames and the end; nothing else in this folder knows the content.

The audit chain of an organization is below. A source for a call's turns and states in the console would use the call's
own counter as the place. A client without a place would start at 0, so that it first gets the call so far. The
`last_block` would say how the call ended. The names of events would be in the data, as in every source.
"""

from __future__ import annotations

from typing import Protocol

from switchboard.streams.models import EntryBatch, StreamStart


class StreamSource(Protocol):
    """Entries in one order. Each has an integer place. Places increase and may have gaps.

    The methods block, so a feed runs them in a thread.
    """

    @property
    def id(self) -> str:
        """The id of the source. Sources with the same id have the same entries, so their watchers share one feed."""

    def start(self, last_seen: int | None) -> StreamStart:
        """Returns the start for a client. `last_seen` is the place of its last entry, or `None` for a new client."""

    def read(self, after: int, limit: int) -> EntryBatch:
        """Returns up to `limit` entries after a place, in order and without missing entries.

        A later read returns entries that are not yet complete, and all entries after them.
        """
