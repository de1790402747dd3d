"""The audit chain, as Anima's clients see it (docs/contracts/anima.md#audit)."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict

from switchboard.audit.models import Entry, Head
from switchboard.edge.paging import Pagination


class _Shown(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)


_EXAMPLE: JsonDict = {
    "id": "evt_01kfe2v7g0hjkmnpqrstvwxyz0",
    "timestamp": "2026-01-15T17:00:00.000Z",
    "category": "email",
    "channel": "email",
    "action": "email.queued",
    "actorId": "agt_01kfe2v7g0hjkmnpqrstvwxyz0",
    "actorType": "agent",
    "agentId": "agt_01kfe2v7g0hjkmnpqrstvwxyz0",
    "resourceType": "message",
    "resourceId": "msg_01kfe2v7g0hjkmnpqrstvwxyz0",
    "correlationId": "tour-1",
    "metadata": {},
    "seq": 5,
    "prevHash": f"sha256:{'4f' * 32}",
    "immutableHash": f"sha256:{'a1' * 32}",
}


class AuditEvent(_Shown):
    """An event, as it was hashed: a reader verifies it by removing `immutableHash` and nothing else.

    `seq`, `prevHash` and `immutableHash` are null until it is sealed, a moment after it happened.
    """

    # A document that an older or a newer version sealed keeps all its fields, or its hash would not match.
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]}, extra="allow")

    id: str
    timestamp: str
    category: str
    channel: str | None
    action: str
    actor_id: str
    actor_type: str
    agent_id: str | None
    resource_type: str
    resource_id: str
    correlation_id: str
    metadata: dict[str, Any]
    seq: int | None
    prev_hash: str | None
    immutable_hash: str | None


class Workflow(BaseModel):
    """A workflow's events: sealed ones by `seq`, behind them those that are not sealed yet."""

    correlation_id: str
    count: int
    events: list[AuditEvent]
    pagination: Pagination

    @classmethod
    def of(cls, correlation_id: str, entries: list[Entry], cursor: str | None) -> Workflow:
        """A page of a workflow's chain."""
        return cls(
            correlation_id=correlation_id,
            count=len(entries),
            events=[AuditEvent.model_validate(entry.document) for entry in entries],
            pagination=Pagination.of(cursor),
        )


class ChainHead(BaseModel):
    """The end of the sealed chain."""

    seq: int
    hash: str


class Export(BaseModel):
    """A part of the organisation's sealed chain: `switchboard audit verify` checks the documents offline."""

    organization_id: str
    head: ChainHead
    documents: list[dict[str, Any]] = Field(description="The links in order, each as it was hashed.")
    next_after: int | None = Field(description="`after` for the next part; null at the end.")

    @classmethod
    def of(cls, org_id: str, head: Head, documents: list[dict[str, Any]]) -> Export:
        """A part of the chain, and where it goes on."""
        last = documents[-1]["seq"] if documents else head.seq
        return cls(
            organization_id=org_id,
            head=ChainHead(seq=head.seq, hash=head.hash),
            documents=documents,
            next_after=last if last < head.seq else None,
        )
