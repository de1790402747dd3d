"""The bodies of OptiComm's callbacks (docs/contracts/opticomm.md#callbacks)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from switchboard.dialects.opticomm.dispositions import Status


class ProgressFacts(TypedDict):
    """How far a call is."""

    status: Status
    duration_seconds: int | None
    outcome: str | None
    error_message: str | None
    completed_at: str | None
    timestamp: str | None


class CallbackBody(ProgressFacts):
    """The body of a callback."""

    event: str
    call_id: str
    conversation_id: str | None
    request_id: Annotated[str | None, Field(description="Your own id of the request, if the call had one.")]
    agent_id: str | None
    phone_number: str
    created_at: str
    sequence: Annotated[int, Field(description="The order of the callbacks of a call: 1, then 2.")]
