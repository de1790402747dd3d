"""A deployment without a store: writes are dropped, reads come from memory.

No request waits, so none runs in a second thread: with a real store, a thread's cost overlaps with the wait.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

from switchboard import telemetry
from switchboard.access import keys as access
from switchboard.accounts import credentials
from switchboard.accounts.models import ApiKey, KeyKind, Organization
from switchboard.accounts.plans import PlanName
from switchboard.agents.models import Agent
from switchboard.audit import chain, store
from switchboard.audit.models import GENESIS, ChainHead
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query, QueryPage
from switchboard.aws.writes import Update
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, SystemActor
from switchboard.kit import clock, ids

CORRELATION_ID = "corr_load"
_EVENTS = 6


class Stub:
    """One organization with one agent, whose key the process has cached, and a workflow of six sealed events."""

    def __init__(self) -> None:
        now = clock.now_iso()
        self.key = credentials.mint_key(KeyKind.AGENT)
        org = Organization(
            id=ids.new_id("org"), name="Load", slug="load", plan=PlanName.GROWTH, created_at=now, updated_at=now
        )
        self.snapshot = access.KeyIdentity(
            key=ApiKey(
                id=ids.new_id("key"),
                org_id=org.id,
                agent_id="agt_load",
                kind=KeyKind.AGENT,
                name="load",
                prefix=self.key.prefix,
                hash=self.key.hash,
                created_at=now,
                created_by="load",
                last_used_at=now,
            ),
            organization=org,
            agent=Agent(
                id="agt_load", org_id=org.id, name="Load", slug="load", address="load@agents.example",
                created_at=now, updated_at=now,
            ),
        )  # fmt: skip
        self.items = self._workflow(org.id)

    def _workflow(self, org_id: str) -> list[Item]:
        work = SystemActor(
            org_id=org_id,
            actor=Actor(type="agent", id="agt_load"),
            agent_id="agt_load",
            correlation_id=CORRELATION_ID,
        )
        items, documents, head = [], [], ChainHead(0, GENESIS)
        for _ in range(_EVENTS):
            event = events.new_event(
                work, "email.sent", Subject(type="message", id=ids.new_id("msg")), kind="mail", recipients=["0" * 64]
            )
            link = chain.make_link(event, head)
            head = ChainHead(link.seq, link.hash)
            items.append({**events.event_write(event).item})
            documents.append(link.document)
        return sorted([*items, *store._items(org_id, documents)], key=lambda item: (item["pk"], item["sk"]))

    def _write(self, change: Update, **_: Any) -> dict[str, Any]:
        return {"minute": 1, **{f"s{second:02d}": 1 for second in range(60)}}

    def _page(self, query: Query, limit: int, start: Any = None) -> QueryPage:
        first, last = query.between or ("", "~")
        return QueryPage(
            [one for one in self.items if one["pk"] == query.partition and first <= one["sk"] <= last], None
        )

    def _get_many(self, table: str, keys: Sequence[Key]) -> list[Item | None]:
        found = {(item["pk"], item["sk"]): item for item in self.items}
        return [found.get((key.get("pk", ""), key.get("sk", ""))) for key in keys]


@contextmanager
def use_stub() -> Iterator[Stub]:
    """Run with a stub instead of the store, an authenticated key in the cache, and no log."""
    stub = Stub()
    environ = {"SWITCHBOARD_AGENTS_DOMAIN": "agents.example", "SWITCHBOARD_PLATFORM_SENDER": "welcome@example.com"}
    remembered = access._CacheEntry(clock.epoch() + 3_600, stub.snapshot)
    with (
        patch.dict(os.environ, environ),
        patch.dict(access._cache, {stub.key.hash: remembered}),
        patch("switchboard.aws.writes.write_item_unguarded", stub._write),
        patch("switchboard.aws.writes._commit", lambda _: None),
        patch("switchboard.aws.reads.get_item", lambda table, key, **_: stub._get_many(table, [key])[0]),
        patch("switchboard.aws.reads.get_items", stub._get_many),
        patch.object(Query, "read_page", lambda query, limit, start=None: stub._page(query, limit, start)),
    ):
        drop_log()
        yield stub


@contextmanager
def drop_metrics() -> Iterator[None]:
    """Drop the block's metrics."""
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        yield


def drop_log() -> None:
    """Let the logger do all its work, and drop the output."""
    nowhere = Path(os.devnull).open("w")  # noqa: SIM115 the logger keeps it as long as the process lives
    for handler in telemetry.logger().handlers:
        handler.setStream(nowhere)  # type: ignore[attr-defined]
