"""A trigger, its tally, and its firings with the flows that they started."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

#: How long a firing and its body are kept.
FIRINGS_KEPT = timedelta(days=30)
#: The largest body of a firing, in bytes. An item of the table has at most 400 KB.
MAX_BODY_BYTES = 256 * 1024
#: The most levels of a body. The recursive readers of a body rely on it.
MAX_BODY_DEPTH = 32

Channel = Literal["voice", "sms"]


class Trigger(BaseModel):
    """An address at which another system fires an event.

    `token_hash` is the hash of its token. `retiring` holds the hashes of rotated tokens, with the end of each.
    """

    id: str
    org_id: str
    version: int = 1
    name: str
    event_type: str
    active: bool = True
    token_hash: str
    retiring: dict[str, str] = Field(default_factory=dict)
    created_by: str
    created_at: str
    updated_at: str

    def accepts(self, token_hash: str, now: str) -> bool:
        """Whether a token fires the trigger now."""
        current = token_hash == self.token_hash or self.retiring.get(token_hash, "") > now
        return current and self.active


class TriggerTally(BaseModel):
    """How often a trigger was fired, and when last. A projection: it follows the firings after a short delay."""

    fires: int = 0
    last_fired_at: str | None = None


class FlowStart(BaseModel):
    """The result of one flow for one firing.

    `started` has the call or the text, `scheduled` has the text that quiet hours put off, and `refused` has the code of
    the reason, with its explanation.
    """

    model_config = ConfigDict(frozen=True)

    flow_id: str
    channel: Channel
    status: Literal["started", "scheduled", "refused"]
    subject_id: str | None = None
    code: str | None = None
    reason: str | None = None
    at: str


class Firing(BaseModel):
    """One event that another system fired. Its body is an item of its own.

    `delivery` is the sender's own id of the event, if it gave one. `digest` is SHA-256 of the body.
    """

    id: str
    org_id: str
    trigger_id: str
    event_type: str
    delivery: str | None = None
    size: int
    digest: str
    correlation_id: str
    created_at: str
    starts: list[FlowStart] = Field(default_factory=list)


class ReportedFiring(BaseModel):
    """A firing as webhooks report it: with the name of its trigger, and with its body unless that is large."""

    firing: Firing
    trigger_name: str
    body: Any = None
    is_large: bool


class FiringWithBody(BaseModel):
    """A firing and the JSON value of its body."""

    firing: Firing
    body: Any = None
