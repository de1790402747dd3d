"""Approvals of an organization, for tests."""

from __future__ import annotations

from typing import Any

from switchboard.aws.dynamodb import decode_item
from switchboard.kit import clock, ids
from switchboard.kit.jobs import Job
from switchboard.tool_approvals import service
from switchboard.tool_approvals.models import ToolApproval, ToolRequest
from tests.actors import Tenant
from tests.integration.sabotage import scan_items


def make_request(org_id: str, **facts: Any) -> ToolRequest:
    """Returns the wish of the AI to use a tool."""
    usual = {
        "conversation_id": "cnv_1",
        "message_id": ids.new_id("sms"),
        "correlation_id": "corr_test",
        "flow_id": "0190a0b0-0000-7000-8000-000000000001",
        "server_id": f"mcp_{'0' * 26}",
        "server_label": "orders",
        "tool": "cancel",
        "name": "orders__cancel",
        "arguments": {"order": 7},
    }
    return ToolRequest.model_validate({"org_id": org_id, **usual, **facts})


def make_approval(org_id: str, **facts: Any) -> ToolApproval:
    """Asks for an approval."""
    return service.request_approval(make_request(org_id, **facts), clock.now_iso())


def list_due_times(job: Job) -> list[str]:
    """Returns when each copy of a job is due that commits have asked for, the earliest first."""
    items = (decode_item(item) for item in scan_items("activity"))
    return sorted(item["due"] for item in items if item.get("body") == job.body)


def live(acme: Tenant) -> None:
    """Writes one item of each kind."""
    make_approval(acme.org_id)
