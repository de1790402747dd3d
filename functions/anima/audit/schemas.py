"""Response models of Anima's audit chain (docs/contracts/anima.md#audit)."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from switchboard.audit.models import AuditEntry, ChainHead
from switchboard.dialects.anima.shapes import Pagination
from switchboard.edge.schema import View

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


class AuditEvent(View):
    """An event exactly as it was hashed. To verify it, remove only `immutableHash`.

    `seq`, `prevHash` and `immutableHash` are null until the event is sealed, a moment after it happens.
    """

    # Other versions may have sealed more fields. All fields must stay, or the hash would not match.
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


class WorkflowView(BaseModel):
    """A workflow's events: sealed events sorted by `seq`, then events that are not sealed yet."""

    correlation_id: str
    count: int
    events: list[AuditEvent]
    pagination: Pagination

    @classmethod
    def of(cls, correlation_id: str, entries: list[AuditEntry], cursor: str | None) -> WorkflowView:
        """Returns a page of a workflow's events."""
        return cls(
            correlation_id=correlation_id,
            count=len(entries),
            events=[AuditEvent.model_validate(entry.document) for entry in entries],
            pagination=Pagination.of(cursor),
        )


class ChainHeadView(BaseModel):
    """The end of the sealed chain."""

    seq: int
    hash: str


class ChainExport(BaseModel):
    """A part of the organization's sealed chain. `switchboard audit verify` checks the documents offline."""

    organization_id: str
    head: ChainHeadView
    documents: list[dict[str, Any]] = Field(description="The links in order, each exactly as it was hashed.")
    next_after: int | None = Field(description="The `after` of the next part. It is null at the end of the chain.")

    @classmethod
    def of(cls, org_id: str, head: ChainHead, documents: list[dict[str, Any]]) -> ChainExport:
        """Returns a part of the chain and the position of the next part."""
        last = documents[-1]["seq"] if documents else head.seq
        return cls(
            organization_id=org_id,
            head=ChainHeadView(seq=head.seq, hash=head.hash),
            documents=documents,
            next_after=last if last < head.seq else None,
        )
