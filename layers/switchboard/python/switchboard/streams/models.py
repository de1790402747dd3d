"""What a stream is made of: entries of a source, what one stream shows of them, and the stream itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from switchboard.streams.guard import Guard
    from switchboard.streams.source import Source


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that a source tells: its place, and the bytes that every stream sends for it.

    `facts` are what a selection may ask for.
    """

    place: int
    frame: bytes
    facts: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Batch:
    """Some entries of a source, in order.

    `last_block` is set when the source has ended and nothing comes after these entries: the block that closes a stream.
    """

    entries: Sequence[Entry] = ()
    last_block: bytes | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """Where a stream of a source goes on."""

    #: The place after which it shows entries.
    after: int
    #: The place of the source's newest entry.
    head: int
    #: Whether `after` is the place that the client named.
    resumed: bool


class Selection:
    """Which entries a stream shows: those whose facts are the wanted ones. `None` wants nothing."""

    __slots__ = ("wanted",)

    def __init__(self, **wanted: str | None) -> None:
        self.wanted = {name: value for name, value in sorted(wanted.items()) if value is not None}

    def takes(self, entry: Entry) -> bool:
        """Whether the stream shows an entry."""
        return all(entry.facts.get(name) == value for name, value in self.wanted.items())


@dataclass(frozen=True, slots=True)
class Subscription:
    """One client's stream of a source.

    `shard` is the item of the pool that holds its place. Without a place `full` says why: the client gets what it
    missed at once, in an answer that ends.
    """

    id: str
    org_id: str
    source: Source
    guard: Guard
    selection: Selection
    start: Start
    shard: str | None = None
    full: str | None = None

    @property
    def is_live(self) -> bool:
        """Whether it stays open and tells what happens while it happens."""
        return self.full is None
