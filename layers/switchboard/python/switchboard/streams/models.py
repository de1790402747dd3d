"""An event on its way into streams, and what a stream shows of an organisation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in its place in the chain, and the bytes that every stream sends for it."""

    seq: int
    channel: str
    agent_id: str | None
    frame: bytes


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of an organisation's events a stream shows; `None` is all."""

    agent_id: str | None = None
    channel: str | None = None

    def takes(self, entry: Entry) -> bool:
        """Whether the stream shows an event."""
        return self.agent_id in (None, entry.agent_id) and self.channel in (None, entry.channel)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A stream that was granted: whose it is, what it shows, and the `seq` that it goes on behind."""

    id: str
    org_id: str
    key_id: str
    selection: Selection
    after: int
    #: The end of the chain when it was granted.
    head: int
    #: Whether the client knows where it stands, because it said so itself.
    resumed: bool
