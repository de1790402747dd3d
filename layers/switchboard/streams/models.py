"""Entries of a source, the selection that a stream shows, and the stream itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from switchboard.streams.guard import StreamGuard
    from switchboard.streams.source import StreamSource


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """One entry of a source: its place, and the bytes that every stream sends for it.

    `facts` are the values that a selection filters by.
    """

    place: int
    frame: bytes
    facts: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EntryBatch:
    """Some entries of a source, in order.

    `last_block` is set after the end of the source, when no entries follow. It is the block that closes a stream.
    """

    entries: Sequence[StreamEntry] = ()
    last_block: bytes | None = None


@dataclass(frozen=True, slots=True)
class StreamStart:
    """The position at which a stream of a source starts."""

    #: The stream shows entries after this place.
    after: int
    #: The place of the source's newest entry.
    head: int
    #: Whether `after` is the place that the client sent.
    resumed: bool
    #: The blocks that a client gets before all entries, for example a snapshot.
    opening: bytes = b""


class Selection:
    """A filter of a stream: it shows entries with the wanted facts. `None` does not filter."""

    __slots__ = ("wanted",)

    def __init__(self, **wanted: str | None) -> None:
        self.wanted = {name: value for name, value in sorted(wanted.items()) if value is not None}

    def selects(self, entry: StreamEntry) -> bool:
        """Whether the stream shows an entry."""
        return all(entry.facts.get(name) == value for name, value in self.wanted.items())


@dataclass(frozen=True, slots=True)
class StreamSubscription:
    """One client's stream of a source.

    `shard` is the pool's item that holds its place. Without a place, `full` gives the reason, and the client gets the
    missed entries in a response that ends at once.
    """

    id: str
    org_id: str
    source: StreamSource
    guard: StreamGuard
    selection: Selection
    start: StreamStart
    shard: str | None = None
    full: str | None = None

    @property
    def is_live(self) -> bool:
        """Whether the stream stays open and sends entries as they happen."""
        return self.full is None
