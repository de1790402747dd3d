"""A chain to watch, a clock that moves with waits, and clients that read without a network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from switchboard.audit import sealing
from switchboard.aws.writes import commit
from switchboard.errors import Unauthenticated
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, SystemActor
from switchboard.streams import sse
from switchboard.streams.feed import Feeds, Watcher
from switchboard.streams.models import EntryBatch, StreamEntry, StreamStart, StreamSubscription
from tests.actors import Tenant


def record_events(tenant: Tenant, count: int = 1, *, voice: bool = False, agent_id: str | None = None) -> None:
    """Record events of an organization, and seal them into its chain."""
    work = SystemActor(
        org_id=tenant.org_id,
        actor=Actor(type="system", id="test"),
        agent_id=agent_id or tenant.agent_id,
        correlation_id="corr_test",
    )
    if voice:
        subjects = [Subject(type="call", id=f"call_{place}") for place in range(count)]
        made = [events.new_event(work, "voice.call.ringing", subject, to="0" * 64) for subject in subjects]
    else:
        subjects = [Subject(type="message", id=f"msg_{place}") for place in range(count)]
        made = [events.new_event(work, "email.sent", subject, kind="mail", recipients=[]) for subject in subjects]
    for start in range(0, count, 40):
        commit(*(events.event_write(event) for event in made[start : start + 40]))
    sealing.seal_events(tenant.org_id, made)


class Clock:
    """A clock that moves only during waits."""

    def __init__(self) -> None:
        self.at = 1_000.0
        self.waits: list[float] = []

    def now(self) -> float:
        return self.at

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)
        if not event.is_set():
            self.at += seconds


async def run_inline(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run in the same thread: moto's mocks are per thread."""
    return function(*arguments)


class StandStill(Feeds):
    """Feeds that look only on request of the test."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(run_inline, clock)

    def join_feed(self, subscription: StreamSubscription) -> Watcher:
        watcher = super().join_feed(subscription)
        self._feeds[subscription.source.id].stop()
        return watcher

    def feed(self, org_id: str) -> Any:
        """The feed of an organization's chain."""
        return self._feeds[f"{org_id}#audit"]

    async def look(self, org_id: str) -> None:
        await self.feed(org_id).poll_once()


@dataclass
class Client:
    """The bytes sent to a client. `before` is called ahead of each write, and may wait or fail."""

    before: Callable[[int], Awaitable[None]] | None = None
    chunks: list[bytes] = field(default_factory=list)

    async def write(self, data: bytes) -> None:
        if self.before:
            await self.before(len(self.chunks))
        self.chunks.append(data)

    @property
    def text(self) -> str:
        return b"".join(self.chunks).decode()

    @property
    def ids(self) -> list[int]:
        """The ids of the events, without blocks that only move the id."""
        return [block["id"] for block in parse_blocks(self.text) if "data" in block]


def parse_blocks(text: str, *, named: bool = False) -> list[dict[str, Any]]:
    """The blocks of a stream, parsed strictly. Only a stream with `named` events has their names."""
    found: list[dict[str, Any]] = []
    for raw in text.split("\n\n"):
        block: dict[str, Any] = {}
        for line in raw.split("\n"):
            name, _, value = line.partition(": ")
            if name:
                assert name in ("id", "data", "retry", *(["event"] if named else [])), line
                assert name not in block, f"{name} twice: {raw}"
                block[name] = int(value) if name in ("id", "retry") else json.loads(value) if name == "data" else value
        if block:
            found.append(block)
    return found


class EventSource:
    """A browser's EventSource (WHATWG HTML, 9.2.6), without its connection: it gets the bytes directly.

    `messages` are the events for `onmessage`; `named` are events that only a listener for their name would get.
    """

    def __init__(self) -> None:
        self.last_event_id = ""
        self.reconnection_time = 3_000
        self.messages: list[Any] = []
        self.named: list[str] = []

    def connection(self, stream: bytes) -> None:
        """Read one connection to its end. An incomplete last block is dropped."""
        id_, name, data = self.last_event_id, "", ""
        for line in stream.decode().split("\n")[:-1]:
            field_name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if not line:
                self.last_event_id = id_
                if data and name not in ("", "message"):
                    self.named.append(name)
                elif data:
                    self.messages.append(json.loads(data.removesuffix("\n")))
                name = data = ""
            elif field_name == "id" and "\0" not in value:
                id_ = value
            elif field_name == "event":
                name = value
            elif field_name == "data":
                data += value + "\n"
            elif field_name == "retry" and value.isdigit():
                self.reconnection_time = int(value)


def make_entry(seq: int, channel: str = "email", agent_id: str | None = "agt_1") -> StreamEntry:
    """An invented event."""
    return StreamEntry(seq, f"id: {seq}\ndata: {seq}\n\n".encode(), {"channel": channel, "agent_id": agent_id})


class CallSource:
    """A second source: one call's turns and states, as a call page watches it. It ends with the call.

    Its positions have gaps.
    """

    def __init__(self, call_id: str = "call_1") -> None:
        self._call_id = call_id
        self._told: list[StreamEntry] = []
        self._ended: bytes | None = None
        self.reads: list[int] = []

    @property
    def id(self) -> str:
        return f"org_1#call#{self._call_id}"

    @property
    def _place(self) -> int:
        return self._told[-1].place if self._told else 0

    def say(self, role: str, text: str) -> None:
        place = self._place + 3
        turn = {"type": "transcript.final", "role": role, "text": text}
        self._told.append(StreamEntry(place, sse.event_block(place, turn), {"type": "transcript.final"}))

    def hang_up(self) -> None:
        self._ended = sse.event_block(self._place + 1, {"type": "call.ended", "reason": "completed"})

    def find_start(self, last_seen: int | None) -> StreamStart:
        return StreamStart(after=last_seen or 0, head=self._place, resumed=last_seen is not None)

    def read_entries(self, after: int, limit: int) -> EntryBatch:
        self.reads.append(after)
        found = [one for one in self._told if one.place > after]
        return EntryBatch(found[:limit], self._ended if len(found) <= limit else None)


class SessionGuard:
    """A second guard: a console session that ends by itself."""

    def __init__(self, id_: str = "session_1") -> None:
        self.id = id_
        self.is_over = False

    def require_access(self) -> None:
        if self.is_over:
            raise Unauthenticated("The session has ended. Sign in again.")


@pytest.fixture
def time() -> Clock:
    return Clock()
