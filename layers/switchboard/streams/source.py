"""The sources of streams. A source defines its entries, their order, the start of a stream, and the end.

A feed reads a source once for all watchers. To add a source, write a class with the methods of `StreamSource`. The
class defines places, frames and the end; nothing else in this folder knows the content.

`audit/stream_source.py` has the audit chain of an organization, and `dialects/hum/call_stream.py` the record of a
call.
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

    def find_start(self, last_seen: int | None) -> StreamStart:
        """Returns the start for a client. `last_seen` is the place of its last entry, or `None` for a new client."""

    def read_entries(self, after: int, limit: int) -> EntryBatch:
        """Returns up to `limit` entries after a place, in order and without missing entries.

        A later read returns entries that are not yet complete, and all entries after them.
        """
