"""Response models of HUM's calls out (docs/contracts/hum.md#calls-out)."""

from __future__ import annotations

from pydantic import BaseModel

from switchboard.dialects.hum.call_views import CallSummaryRow


class OutboundCallList(BaseModel):
    """A page of calls that went out."""

    calls: list[CallSummaryRow]
    next_cursor: str | None
