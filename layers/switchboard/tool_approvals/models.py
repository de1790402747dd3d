"""A use of a tool that waits for a person's approval, and its states.

`pending → approved → running → finished` is the usual way. `denied` and `expired` are ends too, and `unconfirmed` is
the end of a run whose result was lost.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, Field

#: How long a person has to decide about a use in a conversation of texts.
LIFETIME = timedelta(hours=24)
#: When a run without a result is given up after its begin: longer than the worker may take. And when an approved use
#: is given up after its approval, because its job never came.
SETTLED_AFTER, GIVEN_UP_AFTER = timedelta(minutes=3), timedelta(minutes=14)
#: How long an approval is kept. It has the arguments of the tool, and its result.
KEPT_FOR = timedelta(days=90)


class ApprovalState(StrEnum):
    """The state of an approval."""

    PENDING = "pending"
    APPROVED = "approved"
    RUNNING = "running"
    FINISHED = "finished"
    #: The run was begun, and its result was lost: the tool may have run. It is not run again.
    UNCONFIRMED = "unconfirmed"
    DENIED = "denied"
    EXPIRED = "expired"


#: The states after a decision to approve.
APPROVED_STATES = frozenset(
    {ApprovalState.APPROVED, ApprovalState.RUNNING, ApprovalState.FINISHED, ApprovalState.UNCONFIRMED}
)


class ToolRequest(BaseModel):
    """The use of a tool that the AI asks for, in a conversation of texts."""

    org_id: str
    conversation_id: str
    #: The text of the contact that the AI was answering, and its workflow.
    message_id: str
    correlation_id: str
    flow_id: str
    server_id: str
    server_label: str
    tool: str
    #: The name by which the AI knows the tool.
    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    #: The digest of the server's URL and the tool's parameters at the request. A run with others is refused.
    fingerprint: str | None = None


class ToolApproval(ToolRequest):
    """A use of a tool that waits for a person, or waited. `version` counts its changes."""

    id: str
    version: int = 1
    state: ApprovalState = ApprovalState.PENDING
    expires_at: str
    #: The timer that ends a pending approval.
    timer: str | None = None
    decided_by: str | None = None
    decided_by_name: str | None = None
    decided_at: str | None = None
    #: The result for the AI, and whether the tool did its work.
    result: str | None = None
    outcome: Literal["done", "failed", "unknown"] | None = None
    finished_at: str | None = None
    created_at: str
    updated_at: str
