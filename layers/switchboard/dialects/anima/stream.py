"""Anima's event stream: the audit chain of an organization, rendered for clients (docs/contracts/anima.md#stream)."""

from __future__ import annotations

from typing import Any

from switchboard.accounts.models import Caller
from switchboard.agents import service as agents
from switchboard.audit.stream_source import AuditChain, event_detail
from switchboard.errors import NotFound
from switchboard.streams import sse
from switchboard.streams.guard import StreamGuard
from switchboard.streams.models import Selection, StreamEntry, StreamSubscription
from switchboard.streams.service import open_stream


def watch_events(
    caller: Caller,
    guard: StreamGuard,
    *,
    channel: str | None,
    agent_id: str | None,
    last_seen: int | None,
    address: str,
) -> StreamSubscription:
    """Opens a stream of the organization's events. An agent key sees its own agent's events.

    Raises NotFound for an agent of another organization. For an agent key, raises NotFound for every other agent.
    """
    return open_stream(
        caller.organization,
        AuditChain(caller.org_id, "audit", stream_entry),
        guard,
        Selection(agent_id=_watched_agent(caller, agent_id), channel=channel),
        last_seen=last_seen,
        client=f"{caller.key.id} {address}",
    )


def _watched_agent(caller: Caller, agent_id: str | None) -> str | None:
    if caller.is_master:
        return agents.get_agent(caller.org_id, agent_id).id if agent_id is not None else None
    if agent_id not in (None, caller.agent_id):
        raise NotFound("There is no such agent: check its id.")
    return caller.agent_id


def stream_entry(document: dict[str, Any]) -> StreamEntry:
    """Renders a document of the audit chain once for all streams."""
    shown = stream_event(document)
    return StreamEntry(
        place=document["seq"],
        frame=sse.event_block(document["seq"], shown),
        facts={"channel": shown["channel"], "agent_id": document["agentId"]},
    )


def stream_event(document: dict[str, Any]) -> dict[str, Any]:
    """Returns the data that clients get. Without a channel, `channel` is the category: `agent`, `key`, `billing` …"""
    return {
        "ts": document["timestamp"],
        "channel": document["channel"] or document["category"],
        "agentId": document["agentId"],
        "event": document["action"],
        "detail": event_detail(document),
        "correlationId": document["correlationId"],
    }
