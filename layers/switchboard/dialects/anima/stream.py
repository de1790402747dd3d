"""Anima's event stream: the audit chain of an organization, rendered for clients (docs/contracts/anima.md#stream)."""

from __future__ import annotations

import re
from typing import Any

from switchboard.accounts.models import Caller
from switchboard.agents import service as agents
from switchboard.audit import service as audit
from switchboard.errors import NotFound
from switchboard.streams import sse
from switchboard.streams.guard import StreamGuard
from switchboard.streams.models import EntryBatch, Selection, StreamEntry, StreamStart, StreamSubscription
from switchboard.streams.service import open_stream

_DIGEST = re.compile("[0-9a-f]{64}")
_MAX_VALUE_CHARACTERS, _MAX_DETAIL_CHARACTERS = 64, 200


class AuditChain:
    """An organization's audit chain. The place is the event's `seq`. The source never ends.

    A client without a place starts at the end. A client with a place that the chain has never reached starts there too:
    the number comes from another deployment, and waiting for it would skip all events until then.
    """

    def __init__(self, org_id: str) -> None:
        self._org_id = org_id

    @property
    def id(self) -> str:
        """The id of the chain."""
        return f"{self._org_id}#audit"

    def find_start(self, last_seen: int | None) -> StreamStart:
        """Returns the start for a client."""
        head = audit.get_head(self._org_id).seq
        if last_seen is None or not audit.has_reached(self._org_id, last_seen, head):
            return StreamStart(after=head, head=head, resumed=False)
        return StreamStart(after=last_seen, head=head, resumed=True)

    def read_entries(self, after: int, limit: int) -> EntryBatch:
        """Returns up to `limit` events after a `seq`."""
        return EntryBatch([stream_entry(one) for one in audit.list_next_documents(self._org_id, after, limit)])


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
        AuditChain(caller.org_id),
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


def event_detail(document: dict[str, Any]) -> str:
    """Returns the event's subject and facts as one line: ids, states and counts, but no addresses and no digests."""
    facts = ((name, _fact(value)) for name, value in document["metadata"].items())
    told = " ".join(f"{name}={fact}" for name, fact in facts if fact is not None)
    return f"{document['resourceType']} {document['resourceId']} {told}".rstrip()[:_MAX_DETAIL_CHARACTERS]


def _fact(value: Any) -> str | None:
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return str(value)
        case list():
            return str(len(value))
        case str() if value and len(value) <= _MAX_VALUE_CHARACTERS and not _may_identify_person(value):
            return value
    return None


def _may_identify_person(text: str) -> bool:
    # Events hold digests instead of addresses. This check also stops an address that code records by mistake.
    return "@" in text or text.startswith("+") or bool(_DIGEST.fullmatch(text))
