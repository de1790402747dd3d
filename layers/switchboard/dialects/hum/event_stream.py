"""HUM's event stream: the audit chain of the organization, rendered for the console."""

from __future__ import annotations

from typing import Any

from switchboard.audit.stream_source import AuditChain, event_detail
from switchboard.streams import sse
from switchboard.streams.guard import StreamGuard
from switchboard.streams.models import Selection, StreamEntry, StreamSubscription
from switchboard.streams.pools import StreamFunction
from switchboard.streams.service import open_stream
from switchboard.team.models import Member


def _stream_entry(document: dict[str, Any]) -> StreamEntry:
    shown = {
        "id": document["seq"],
        "event": document["action"],
        "channel": document["channel"] or document["category"],
        "at": document["timestamp"],
        "agent_id": document["agentId"],
        "detail": event_detail(document),
        "correlation_id": document["correlationId"],
    }
    return StreamEntry(
        place=document["seq"], frame=sse.event_block(document["seq"], shown), facts={"channel": shown["channel"]}
    )


def watch_events(
    member: Member, guard: StreamGuard, *, channel: str | None, last_seen: int | None, client: str
) -> StreamSubscription:
    """Opens a stream of the events of the member's organization."""
    return open_stream(
        member.organization,
        AuditChain(member.org_id, "audit-console", _stream_entry),
        guard,
        Selection(channel=channel),
        last_seen=last_seen,
        client=client,
        function=StreamFunction.CALLS,
        one_view=True,
    )
