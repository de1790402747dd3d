"""A chain to watch, a clock that a wait moves on, and clients that read without a network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from switchboard.audit import service as audit
from switchboard.aws.table import commit
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, Work
from switchboard.streams.feed import Feeds, Watcher
from switchboard.streams.models import Entry, Subscription
from tests.actors import Tenant


def happen(tenant: Tenant, count: int = 1, *, agent_id: str | None = None) -> None:
    """Let things happen in an organisation, and into its chain."""
    work = Work(
        org_id=tenant.org_id,
        actor=Actor(type="system", id="test"),
        agent_id=agent_id or tenant.agent_id,
        correlation_id="corr_test",
    )
    subjects = [Subject(type="message", id=f"msg_{place}") for place in range(count)]
    made = [events.of(work, "email.sent", subject, kind="mail", recipients=[]) for subject in subjects]
    for start in range(0, count, 40):
        commit(*(events.record(event) for event in made[start : start + 40]))
    audit.seal(tenant.org_id, made)


class Clock:
    """Time that passes only by waiting."""

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


async def inline(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run in the same thread: moto knows no other."""
    return function(*arguments)


class StandStill(Feeds):
    """Feeds that look only when the test says so."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(inline, clock)

    def join(self, subscription: Subscription, check: Callable[[], object]) -> Watcher:
        watcher = super().join(subscription, check)
        self.feed(subscription.org_id).stop()
        return watcher

    def feed(self, org_id: str) -> Any:
        return self._feeds[org_id]

    async def look(self, org_id: str) -> None:
        await self.feed(org_id).look()


@dataclass
class Client:
    """What a client was sent. `before` is called ahead of each write, and may wait or fail."""

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
        """The ids of the events, without those of blocks that only move the id."""
        return [block["id"] for block in blocks(self.text) if "data" in block]


def blocks(text: str) -> list[dict[str, Any]]:
    """The blocks of a stream as a strict client reads them."""
    found: list[dict[str, Any]] = []
    for raw in text.split("\n\n"):
        block: dict[str, Any] = {}
        for line in raw.split("\n"):
            name, _, value = line.partition(": ")
            if name:
                assert name in ("id", "data", "retry"), line
                assert name not in block, f"{name} twice: {raw}"
                block[name] = int(value) if name in ("id", "retry") else json.loads(value) if name == "data" else value
        if block:
            found.append(block)
    return found


def entry(seq: int, channel: str = "email", agent_id: str | None = "agt_1") -> Entry:
    """An event that was made up."""
    return Entry(seq=seq, channel=channel, agent_id=agent_id, frame=f"id: {seq}\ndata: {seq}\n\n".encode())


@pytest.fixture
def time() -> Clock:
    return Clock()
