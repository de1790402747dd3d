"""The body of Athos' webhook (docs/contracts/athos.md#webhook)."""

from __future__ import annotations

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict


class ScoredBody(TypedDict):
    event: str
    success: bool
    callId: str
    source: str
    externalUserId: str
    externalAgencyId: str | None
    occurredAt: str
    requestId: Annotated[str, Field(description="The id for questions to the support.")]
    reason: NotRequired[Annotated[str | None, Field(description="Why the call could not be scored.")]]
    reasonMessage: NotRequired[str | None]
